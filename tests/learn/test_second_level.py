"""A model within each class that has several classes of the second level."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from landcover.errors import InputError
from landcover.learn.second_level import fit_second, predict_second
from landcover.recipe import ModelRecipe

NAMES = ("a", "b")


@pytest.fixture(scope="module")
def rows():
    """Forest 1 of 11 and 12, which b tells apart; crops 7 of 71 alone; water 9 of none."""
    rng = np.random.default_rng(0)
    code = np.repeat([1, 1, 1, 7, 9], 20)
    code2 = np.repeat([11, 12, 0, 71, 0], 20)
    return pd.DataFrame(
        {
            "a": code + rng.normal(0, 0.1, 100),
            "b": np.repeat([0, 5, 0, 0, 0], 20) + rng.normal(0, 0.1, 100),
            "code": code,
            "code2": code2,
            "group": [f"g{n // 4}" for n in range(100)],
        }
    )


@pytest.fixture(scope="module")
def models(rows):
    return dict(fit_second(ModelRecipe(trees=10), rows, NAMES))


def test_only_classes_with_two_inner_classes_get_a_model(models):
    assert list(models) == [1]
    assert models[1].classes.tolist() == [11, 12]
    assert models[1].feature_names == NAMES


def test_answers_follow_the_first_level(models):
    features = np.array([[1, 0], [1, 5], [7, 0], [9, 5], [1, 5], [np.nan, 0]], np.float32)
    first = np.array([1, 1, 7, 9, 0, 1], np.uint8)
    second = predict_second(models, first, features)
    assert second.dtype == np.uint8
    assert second.tolist() == [11, 12, 0, 0, 0, 0]
    assert predict_second({}, first, features).tolist() == [0] * 6


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_blocks_change_nothing(models, block):
    rng = np.random.default_rng(1)
    features = rng.uniform(0, 5, (301, 2)).astype(np.float32)
    first = rng.choice([0, 1, 7], 301).astype(np.uint8)
    expected = np.where(first == 1, models[1].predict(features)[0], 0)
    assert np.array_equal(predict_second(models, first, features, block=block), expected)


def test_shapes_that_do_not_fit_are_refused(models):
    features = np.zeros((3, 2), np.float32)
    with pytest.raises(InputError, match="a code for each of the 3 pixels"):
        predict_second(models, np.ones(2, np.uint8), features)
    with pytest.raises(InputError, match="at least 1 pixel"):
        predict_second(models, np.ones(3, np.uint8), features, block=0)
