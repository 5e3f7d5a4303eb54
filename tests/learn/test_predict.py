"""Blocks, threads and nodata of the class and confidence layers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from landcover.errors import InputError
from landcover.learn.layers import quantise_confidence
from landcover.learn.models import fit_classifier
from landcover.learn.predict import predict_blocks

NAMES = ("a", "b", "c")


@pytest.fixture(scope="module")
def forest():
    rng = np.random.default_rng(0)
    labels = rng.integers(1, 6, 300)
    features = labels[:, None] + rng.normal(0, 1.2, (300, 3))
    return fit_classifier(features, labels, feature_names=NAMES, parameters={"n_trees": 20})


@pytest.fixture(scope="module")
def features():
    rng = np.random.default_rng(1)
    pixels = rng.uniform(0, 6, (1003, 3)).astype(np.float32)
    pixels[rng.random(1003) < 0.1, 1] = np.nan
    pixels[40:60] = np.nan
    return pixels


@pytest.mark.parametrize("block", [1, 7, 8, 20, 256, 1003, 5000])
def test_blocks_equal_the_whole(forest, features, block):
    codes, confidence = forest.predict(features)
    blocked_codes, layer, _ = predict_blocks(forest, features, block=block)
    assert np.array_equal(blocked_codes, codes)
    assert np.array_equal(layer, quantise_confidence(confidence))
    assert blocked_codes.dtype == layer.dtype == np.uint8


def test_nodata_rows_are_0_and_255_and_no_other_is(forest, features):
    codes, layer, _ = predict_blocks(forest, features, block=50)
    is_nodata = np.isnan(features).any(axis=1)
    assert np.array_equal(codes == 0, is_nodata)
    assert np.array_equal(layer == 255, is_nodata)
    assert set(codes[~is_nodata]) == {1, 2, 3, 4, 5}
    # A winner among five classes has at least a fifth of the votes.
    assert layer[~is_nodata].min() >= 51


def test_two_threads_give_the_same_bytes(forest, features):
    halves = np.array_split(features, 2)
    with ThreadPoolExecutor(2) as pool:
        parts = list(pool.map(lambda half: predict_blocks(forest, half, block=64)[:2], halves))
    whole = predict_blocks(forest, features)[:2]
    for layer, threaded in zip(whole, zip(*parts, strict=True), strict=True):
        assert layer.tobytes() == np.concatenate(threaded).tobytes()


def test_features_stored_feature_by_feature_give_the_same_bytes(forest, features):
    layers = np.ascontiguousarray(features.T)
    for block in (7, 500, 5000):
        found = predict_blocks(forest, layers.T, block=block)[:2]
        for layer, expected in zip(found, predict_blocks(forest, features)[:2], strict=True):
            assert layer.tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    ("probability", "byte"),
    [(0, 0), (1, 254), (0.5, 127), (0.0019, 0), (0.00197, 1), (0.11, 28), (np.nan, 255)],
)
def test_confidence_byte(probability, byte):
    assert quantise_confidence(np.array([probability])).tolist() == [byte]


def test_no_pixels_and_no_block(forest):
    codes, layer, _ = predict_blocks(forest, np.empty((0, 3), np.float32))
    assert codes.shape == layer.shape == (0,)
    with pytest.raises(InputError, match="block of at least 1 pixel, found 0"):
        predict_blocks(forest, np.empty((0, 3), np.float32), block=0)
