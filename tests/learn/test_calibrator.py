"""Calibrators against worked numbers and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression

from landcover.errors import InputError
from landcover.learn.calibration import expected_calibration_error, reliability
from landcover.learn.calibrator import calibrate

SCORES = np.array([-2, -1, -0.5, 0, 0.3, 0.9, 1.4, 2])
TRUTH = np.array([0, 0, 1, 0, 1, 0, 1, 1], dtype=bool)


def test_the_worked_example():
    found = calibrate(SCORES, TRUTH, least=1)
    assert found.probabilities(SCORES) == pytest.approx([0, 0, 0.5, 0.5, 0.5, 0.5, 1, 1])
    assert found.probabilities([0.6, -3, 5]) == pytest.approx([0.5, 0, 1])


def test_few_samples_give_platts_sigmoid():
    found = calibrate(SCORES, TRUTH)  # four of each: fewer than fifty
    # Platt's targets are (4 + 1)/(4 + 2) and 1/(4 + 2): the optimum has equal sums.
    fitted = found.probabilities(SCORES)
    assert fitted.sum() == pytest.approx(4 * 5 / 6 + 4 / 6, abs=1e-4)
    assert (np.diff(fitted) > 0).all()
    separable = calibrate(np.array([-1.0, -1, 1, 1]), [False, False, True, True])
    assert separable.probabilities([-1.0, 1.0]) == pytest.approx([0.25, 0.75], abs=1e-3)


@pytest.mark.parametrize("method", ["isotonic", "sigmoid"])
def test_one_class_agrees_with_scikit_learn(method: str):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 2))
    y = rng.random(600) < expit(3 * x[:, 0])
    model = LogisticRegression().fit(x[:300], y[:300])
    theirs = CalibratedClassifierCV(FrozenEstimator(model), method=method, ensemble=False, cv=2)
    theirs.fit(x[300:], y[300:])
    scores = model.decision_function(x)
    ours = calibrate(scores[300:], y[300:], least=1 if method == "isotonic" else 10_000)
    assert ours.probabilities(scores) == pytest.approx(theirs.predict_proba(x)[:, 1], abs=2e-4)


def test_several_classes_sum_to_one_and_become_honest():
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, 3000)
    logits = rng.normal(size=(3000, 3)) + 1.5 * np.eye(3)[truth]
    bold = np.exp(4 * logits)
    bold /= bold.sum(axis=1, keepdims=True)
    found = calibrate(bold[:1500], truth[:1500])
    given, after = bold[1500:], found.probabilities(bold[1500:])
    assert after.sum(axis=1) == pytest.approx(np.ones(1500))

    def error(p: np.ndarray) -> float:
        return expected_calibration_error(
            reliability(np.clip(p.max(axis=1), 0, 1), p.argmax(axis=1) == truth[1500:])
        )

    assert error(given) > 0.12
    assert error(after) < 0.06


def test_a_row_without_any_chance_becomes_even():
    found = calibrate(np.column_stack([SCORES, -SCORES]), (~TRUTH).astype(int), least=1)
    assert found.probabilities([[-5.0, 5.0]]).tolist() == [[0.0, 1.0]]
    assert found.probabilities([[-5.0, -5.0]]).tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize(
    ("scores", "truth", "sentence"),
    [
        ([1.0, 2.0], [True], "expected scores"),
        ([], [], "expected scores"),
        ([1.0, np.nan], [True, False], "finite scores"),
        ([1.0, 2.0], [True, True], "class 0 has 2 of 2 samples"),
    ],
)
def test_refused(scores, truth, sentence):
    with pytest.raises(InputError, match=sentence):
        calibrate(scores, truth)


def test_other_classes_are_refused():
    found = calibrate(SCORES, TRUTH, least=1)
    with pytest.raises(InputError, match="scores of 1 classes"):
        found.probabilities(np.zeros((2, 3)))
