"""Causes of a change, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from landcover.errors import InputError
from landcover.nouns.change import CAUSES
from landcover.raster.attribution import (
    BOTH,
    INPUT,
    LAND,
    MODEL,
    SAME,
    attribute,
    probability_change,
)

CODES = arrays(np.uint8, 30, elements=st.integers(0, 4))
FLAGS = arrays(np.bool_, 30)


def test_each_cause_by_hand() -> None:
    #                  same model input land both rare unsure none  old-nodata new-nodata
    first = np.array([1, 1, 1, 1, 1, 1, 1, 1, 0, 1], np.uint8)
    between = np.array([1, 1, 2, 2, 3, 2, 2, 0, 2, 2], np.uint8)
    second = np.array([1, 2, 3, 2, 2, 2, 2, 2, 2, 0], np.uint8)
    is_seen = np.array([1, 1, 0, 1, 1, 0, 1, 1, 1, 1], np.bool_)
    is_sure = np.array([1, 1, 1, 1, 1, 1, 0, 1, 1, 1], np.bool_)
    causes = attribute(first, between, second, is_seen=is_seen, is_sure=is_sure)
    expected = [SAME, MODEL, INPUT, LAND, BOTH, INPUT, INPUT, INPUT, 0, 0]
    np.testing.assert_array_equal(causes, expected)
    assert causes.dtype == np.uint8


def test_what_the_maps_agree_on_is_no_change_whatever_lies_between() -> None:
    one, always = np.array([3], np.uint8), np.ones(1, np.bool_)
    found = attribute(one, np.array([7], np.uint8), one, is_seen=always, is_sure=always)
    assert found == [SAME]


@given(CODES, CODES, CODES, FLAGS, FLAGS)
def test_every_pixel_has_one_cause(
    first: np.ndarray, between: np.ndarray, second: np.ndarray, seen: np.ndarray, sure: np.ndarray
) -> None:
    causes = attribute(first, between, second, is_seen=seen, is_sure=sure)
    has_both = (first != 0) & (second != 0)
    np.testing.assert_array_equal(causes != 0, has_both)
    np.testing.assert_array_equal(causes == SAME, has_both & (first == second))
    # Less asked of a change of land makes more of it and never touches what is of the model.
    more = attribute(first, between, second, is_seen=np.ones(30, bool), is_sure=sure)
    assert np.count_nonzero(more == LAND) >= np.count_nonzero(causes == LAND)
    np.testing.assert_array_equal(more == MODEL, causes == MODEL)


def test_swing_by_hand() -> None:
    then = np.array([[254, 127, 85], [0, 127, 85], [0, 0, 84]], np.uint8)
    now = np.array([[0, 76, 85], [254, 127, 85], [0, 51, 84]], np.uint8)
    # Sure and another class; a fifth of the answer moved; unsure alike.
    np.testing.assert_allclose(probability_change(then, now, 254), [1, 51 / 254, 0])
    np.testing.assert_allclose(
        probability_change(then, now, 254), probability_change(now, then, 254)
    )
    with pytest.raises(InputError, match="cannot be compared"):
        probability_change(then, now[:2], 254)


def test_the_codes_are_those_of_the_legend() -> None:
    assert [(c.code, c.name) for c in CAUSES] == [
        (SAME, "same"), (LAND, "land"), (INPUT, "input"), (MODEL, "model"), (BOTH, "both"),
    ]  # fmt: skip
