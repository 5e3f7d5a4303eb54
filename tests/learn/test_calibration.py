"""Calibration: worked numbers and scikit-learn's scores."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from landcover.errors import InputError
from landcover.learn.calibration import (
    brier_score,
    expected_calibration_error,
    log_loss,
    reliability,
)

CONFIDENCE = (0.95, 0.91, 0.88, 0.72, 0.66, 0.61, 0.55, 0.42, 0.39, 0.31)
RIGHT = (1, 1, 1, 1, 0, 1, 0, 1, 0, 0)


def test_worked_curve():
    curve = reliability(CONFIDENCE, RIGHT, bins=5)
    found = [(b.n, b.confidence, b.accuracy) for b in curve]
    expected = [(2, 0.35, 0), (2, 0.485, 0.5), (3, 0.663333, 0.666667), (3, 0.913333, 1)]
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, abs=1e-6)
    assert expected_calibration_error(curve) == pytest.approx(0.1)


def test_edges_belong_to_the_upper_bin_and_one_to_the_last():
    curve = reliability([0.0, 0.1, 0.3, 0.7, 1.0], [1] * 5)
    assert [round(b.low, 1) for b in curve] == [0.0, 0.1, 0.3, 0.7, 0.9]
    assert sum(b.n for b in curve) == 5


def test_worked_scores():
    p = [[0.7, 0.2, 0.1], [0.3, 0.4, 0.3]]
    assert brier_score(p, [0, 2]) == pytest.approx(0.44)
    assert log_loss(p, [0, 2]) == pytest.approx(0.780324, abs=1e-6)


def test_scores_are_scikit_learns():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(4), 300)
    truth = rng.integers(0, 4, 300)
    assert log_loss(p, truth) == pytest.approx(metrics.log_loss(truth, p, labels=range(4)))
    expected = sum(metrics.brier_score_loss(truth == k, p[:, k]) for k in range(4))
    assert brier_score(p, truth) == pytest.approx(expected)
    assert np.isfinite(log_loss([[1.0, 0.0]], [1]))


@pytest.mark.parametrize(
    "call",
    [
        lambda: reliability([0.5, 1.2], [1, 0]),
        lambda: reliability([0.5, np.nan], [1, 0]),
        lambda: reliability([], []),
        lambda: reliability([0.5], [1, 0]),
        lambda: brier_score([[0.5, 0.5]], [2]),
        lambda: log_loss([0.5, 0.5], [0, 1]),
    ],
)
def test_refused(call):
    with pytest.raises(InputError, match="expected"):
        call()
