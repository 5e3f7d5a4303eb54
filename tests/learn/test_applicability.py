"""Inside and outside of what a model was trained on, by hand and beside all pairs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from landcover.errors import InputError
from landcover.learn.applicability import dissimilarity, fit_applicability, is_outside


@pytest.fixture(scope="module")
def cloud():
    """Draw 300 samples of 100 groups around nothing, four features of different size."""
    rng = np.random.default_rng(0)
    features = (rng.normal(0, 1, (300, 4)) * [1, 10, 100, 1]).astype(np.float32)
    return features, np.repeat(np.arange(100), 3)


def test_what_lies_far_away_is_outside_and_training_samples_are_not(cloud):
    features, groups = cloud
    known = fit_applicability(features, groups)
    assert not is_outside(known, features).any()  # each is its own reference
    far = features.copy()
    far[:, 2] += 3000
    assert is_outside(known, far).all()
    assert 0 < known.index_threshold < 1


def test_equals_all_pairs_in_the_weighed_space(cloud):
    features, groups = cloud
    weight = np.array([1, 2, 0.5, 0])
    known = fit_applicability(features, groups, weight)
    space = (features - features.mean(axis=0)) / features.std(axis=0) * weight
    pixels = np.random.default_rng(1).normal(0, 2, (500, 4)) * [1, 10, 100, 50]
    pixels = pixels.astype(np.float32)
    placed = (pixels - features.mean(axis=0)) / features.std(axis=0) * weight
    distance = cdist(placed, space).min(axis=1)
    limit = float(np.sqrt(known.threshold))
    clear = abs(distance - limit) > 1e-4
    assert clear.sum() > 490
    assert np.array_equal(is_outside(known, pixels)[clear], distance[clear] > limit)
    assert 0.1 < (distance > limit).mean() < 0.9, "both must occur"
    # 300 pairs of samples lie this far apart on average.
    assert known.unit == pytest.approx(cdist(space, space).mean(), rel=0.02)


def test_threshold_is_the_whisker_of_distances_between_folds():
    """Ten groups on a line, one a unit apart, and one far off: its distance is set aside."""
    features = np.array([[0], [1], [2], [3], [4], [5], [6], [7], [8], [60]], np.float32)
    known = fit_applicability(np.repeat(features, 2, axis=0), np.repeat(np.arange(10), 2))
    spread = np.repeat(features, 2).std()
    distances = np.sqrt(known.threshold) * spread
    # Neighbours may share a fold, so distances are 1 to some; never the 52 of the last one.
    assert 1 <= distances < 10
    assert known.outside == pytest.approx(0.1)


def test_neighbours_and_order_play_no_part(cloud):
    features, groups = cloud
    known = fit_applicability(features, groups)
    pixels = np.random.default_rng(2).normal(0, 1.5, (400, 4)) * [1, 10, 100, 1]
    pixels = pixels.astype(np.float32)
    whole = is_outside(known, pixels)
    alone = [bool(is_outside(known, pixels[i : i + 1])[0]) for i in range(len(pixels))]
    assert whole.tolist() == alone
    assert np.array_equal(is_outside(known, pixels[::-1])[::-1], whole)


def test_features_without_importance_or_spread_do_not_count(cloud):
    features, groups = cloud
    constant = np.column_stack([features, np.full(300, 7, np.float32)])
    known = fit_applicability(constant, groups, [1, 1, 1, 0, 1])
    assert known.order.tolist() == [0, 1, 2]
    moved = constant.copy()
    moved[:, 3:] += 1000
    assert not is_outside(known, moved).any()
    # A model of single leaves finds nothing important: then all features count.
    assert sorted(fit_applicability(features, groups, np.zeros(4)).order) == [0, 1, 2, 3]


def test_every_group_is_represented_before_one_is_twice(monkeypatch):
    from landcover.learn import applicability

    monkeypatch.setattr(applicability, "REFERENCES", 5)
    features = np.array([[i] for i in range(96)] + [[200], [300], [400], [500]], np.float32)
    groups = np.array(["field"] * 96 + list("abcd"))
    known = fit_applicability(features, groups, seed=1)
    placed = known.references[:, 0] / known.factor[0] + known.centre[0]
    assert sorted(placed.round())[-4:] == [200, 300, 400, 500]


def test_too_little_to_compare_with():
    with pytest.raises(InputError, match="at least two groups of samples, found 1"):
        fit_applicability(np.zeros((3, 2), np.float32), ["a"] * 3)
    with pytest.raises(InputError, match="all training samples are the same"):
        fit_applicability(np.zeros((3, 2), np.float32), [1, 2, 3])


def test_the_dissimilarity_index_is_the_nearest_distance_over_the_mean_one(cloud):
    features, groups = cloud
    known = fit_applicability(features, groups)
    space = (features - features.mean(axis=0)) / features.std(axis=0)
    pixels = np.random.default_rng(3).normal(0, 2, (400, 4)) * [1, 10, 100, 1]
    pixels = pixels.astype(np.float32)
    placed = (pixels - features.mean(axis=0)) / features.std(axis=0)
    index = dissimilarity(known, pixels)
    np.testing.assert_allclose(index, cdist(placed, space).min(axis=1) / known.unit, rtol=1e-3)
    clear = abs(index / known.index_threshold - 1) > 1e-5
    beyond = index > known.index_threshold
    assert np.array_equal(is_outside(known, pixels)[clear], beyond[clear])
    assert 0 < beyond.mean() < 1


def test_the_unit_is_the_mean_distance_of_two_samples():
    features = np.zeros((400, 1), np.float32)
    features[:20] = 1  # one in twenty: lopsided, so that sums of samples lie further apart
    known = fit_applicability(features, np.arange(400))
    deviation = np.sqrt(0.05 * 0.95)
    assert known.unit == pytest.approx(2 * 0.05 * 0.95 / deviation, rel=0.05)
