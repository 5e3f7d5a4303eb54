"""Percentiles and spread along time, beside numpy on what is left of every pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from landcover.errors import InputError
from landcover.raster.statistics import masked_statistics, series_statistics

PERCENTILES = (5, 25, 50, 75, 95)
NODATA = -32768


def test_a_pixel_worked_by_hand() -> None:
    values = np.array([400, 100, 300, 200, 9999], np.int16).reshape(5, 1, 1)
    hidden = np.array([0, 0, 0, 0, 1], bool).reshape(5, 1, 1)
    found = masked_statistics(values, hidden, PERCENTILES)[:, 0, 0]
    # Of 100, 200, 300, 400: rank 3 · p; half to even: 172.5 is no half of a step.
    assert found.tolist() == [115, 175, 250, 325, 385, 112]  # √12,500 = 111.8


def test_too_few_observations_have_no_statistics() -> None:
    values = np.array([[5], [NODATA], [7]], np.int16).reshape(3, 1, 1)
    hidden = np.zeros((3, 1, 1), bool)
    assert (masked_statistics(values, hidden, [50]) == NODATA).all()
    assert masked_statistics(values, hidden, [50], min_clear=2)[:, 0, 0].tolist() == [6, 1]


@given(
    arrays(np.int16, (7, 3, 4), elements=st.integers(-32768, 32767)),
    arrays(np.bool_, (7, 3, 4)),
    st.integers(1, 4),
)
def test_it_equals_numpy_on_what_is_left(values, hidden, min_clear) -> None:  # type: ignore[no-untyped-def]
    found = masked_statistics(values, hidden, PERCENTILES, min_clear=min_clear)
    for row in range(3):
        for column in range(4):
            here = values[:, row, column].astype(float)
            left = here[~hidden[:, row, column] & (here != NODATA)]
            mine = found[:, row, column].astype(float)
            if left.size < min_clear:
                assert (mine == NODATA).all()
                continue
            expected = [*np.percentile(left, PERCENTILES), left.std()]
            np.testing.assert_allclose(mine, expected, atol=0.5 + 1e-6)


def test_an_index_worked_by_hand() -> None:
    values = np.array([0.4, np.nan, 0.1, 0.3, 0.2], np.float32).reshape(5, 1, 1)
    found = series_statistics(values, [5, 50, 95])[:, 0, 0]
    # Of 0.1, 0.2, 0.3, 0.4, as above: not rounded.
    np.testing.assert_allclose(found, [0.115, 0.25, 0.385, np.sqrt(0.0125)], rtol=1e-6)
    assert np.isnan(series_statistics(values, [50], min_clear=5)).all()


@given(
    arrays(np.float32, (6, 2, 3), elements=st.floats(-4, 4, width=32)),
    arrays(np.bool_, (6, 2, 3)),
    st.integers(1, 4),
)
@settings(deadline=None)  # the kernel may be compiled inside
def test_a_series_equals_numpy_whatever_its_order(values, hidden, min_clear) -> None:  # type: ignore[no-untyped-def]
    left = np.where(hidden, np.float32(np.nan), values)
    found = series_statistics(left, PERCENTILES, min_clear=min_clear)
    np.testing.assert_array_equal(
        found, series_statistics(left[::-1], PERCENTILES, min_clear=min_clear)
    )
    for row, column in np.ndindex(2, 3):
        here = left[:, row, column].astype(float)
        here = here[np.isfinite(here)]
        expected = [*np.percentile(here, PERCENTILES), here.std()] if here.size else []
        if here.size < min_clear:
            expected = [np.nan] * 6
        np.testing.assert_allclose(found[:, row, column], expected, rtol=1e-5, atol=1e-6)


def test_wrong_input_is_refused() -> None:
    with pytest.raises(InputError, match="expected float32 values"):
        series_statistics(np.zeros((2, 3, 3)), [50])  # type: ignore[arg-type]
    values, hidden = np.zeros((2, 3, 3), np.int16), np.zeros((2, 3, 3), bool)
    with pytest.raises(InputError, match="expected percentiles 0-100"):
        masked_statistics(values, hidden, [101])
    series = np.zeros((2, 2, 3, 3), np.int16)
    with pytest.raises(InputError, match=r"expected int16 numbers \(time, y, x\)"):
        masked_statistics(series, series != 0, [50])
    with pytest.raises(InputError, match="a mask of the same shape"):
        masked_statistics(values, hidden[:1], [50])
