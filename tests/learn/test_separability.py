"""Jeffries-Matusita distances: worked numbers, integration, and classes without enough samples."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from landcover.errors import InputError
from landcover.learn.separability import apart_by_feature, jeffries_matusita


def exactly(mean, covariance, n=60, seed=0):
    """Draw rows whose sample mean and covariance (ddof 1) are exactly those given."""
    mean, covariance = np.atleast_1d(mean).astype(float), np.atleast_2d(covariance).astype(float)
    rows = np.random.default_rng(seed).normal(size=(n, mean.size))
    rows -= rows.mean(axis=0)
    rows = rows @ np.linalg.inv(np.linalg.cholesky(np.atleast_2d(np.cov(rows, rowvar=False)))).T
    return rows @ np.linalg.cholesky(covariance).T + mean


def pair(one, other):
    rows = np.concatenate([exactly(*one), exactly(*other, seed=1)])
    return jeffries_matusita(rows, [1] * 60 + [2] * 60).distance[0, 1]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((0, 1), (2, 1), 0.786939),
        ((0, 1), (0, 4), 0.211146),
        (
            ([0.08, 0.35], [[0.0004, 0.0002], [0.0002, 0.0025]]),
            ([0.15, 0.25], [[0.0009, -0.0001], [-0.0001, 0.0016]]),
            1.628795,
        ),
    ],
)
def test_worked_numbers(one, other, expected):
    assert pair(one, other) == pytest.approx(expected, abs=3e-5)


def test_equals_the_integral_of_the_bhattacharyya_coefficient():
    one, other = stats.norm(0.2, 0.5), stats.norm(1.1, 0.9)
    overlap, _ = quad(lambda x: np.sqrt(one.pdf(x) * other.pdf(x)), -10, 10)
    assert pair((0.2, 0.25), (1.1, 0.81)) == pytest.approx(2 * (1 - overlap), abs=1e-5)


def test_matrix_is_symmetric_and_does_not_depend_on_scale_or_order():
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(300, 4)) + np.repeat([[0], [1], [4]], 100, axis=0)
    labels = np.repeat([3, 1, 7], 100)
    found = jeffries_matusita(rows, labels)
    assert found.codes.tolist() == [1, 3, 7]
    assert found.n.tolist() == [100, 100, 100]
    assert np.array_equal(found.distance, found.distance.T)
    assert np.diag(found.distance).tolist() == [0, 0, 0]
    assert 0 < found.distance[0, 1] < found.distance[0, 2] <= 2
    order = rng.permutation(300)
    assert np.allclose(jeffries_matusita(1e4 * rows[order], labels[order]).distance, found.distance)


def test_too_few_samples_are_nan_and_rows_without_a_feature_are_left_out():
    rows = np.random.default_rng(0).normal(size=(20, 2))
    labels = np.array([1] * 15 + [2] * 3 + [3] * 2)
    found = jeffries_matusita(rows, labels)
    assert np.isnan(found.distance[0, 1:]).all()
    rows[0, 0] = np.nan
    assert jeffries_matusita(rows, labels).n.tolist() == [14, 3, 2]


def test_classes_without_spread():
    constant = jeffries_matusita(
        np.repeat([[1.0], [1.0], [5.0]], 4, axis=0), [1] * 4 + [2] * 4 + [3] * 4
    )
    assert constant.distance[0].tolist() == [0, 0, 2]


def test_close_pairs_and_the_features_that_hold_a_pair_apart():
    rng = np.random.default_rng(1)
    labels = np.repeat([1, 2, 3], 200)
    rows = rng.normal(size=(600, 3))
    rows[labels == 3, 1] += 6
    rows[labels == 2, 2] += 1
    distance = jeffries_matusita(rows, labels).distance
    assert distance[0, 1] < 1 < min(distance[0, 2], distance[1, 2])
    ranked = apart_by_feature(rows, labels, (1, 3), ("a", "b", "c"))
    assert ranked[0][0] == "b"
    assert ranked[0][1] > 1.9 > ranked[1][1]


def test_shapes_are_checked():
    with pytest.raises(InputError, match="expected features"):
        jeffries_matusita(np.zeros((4, 2)), [1, 2])
