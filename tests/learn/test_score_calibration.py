"""Decision values as probabilities: curves, temperature, and every way side by side."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.calibration import calibration_curve
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import f1_score, precision_score, recall_score

from landcover.errors import InputError
from landcover.learn.calibrator import Calibrator, Sigmoid, Steps
from landcover.learn.layers import ExtraLayers
from landcover.learn.models import fit_classifier, load_arrays, save_arrays
from landcover.learn.predict import predict_blocks
from landcover.learn.score_calibration import (
    calibrator_for,
    compare_variants,
    few_samples,
    judge_variant,
    require_every_class,
)
from landcover.recipe.calibrating import Calibrating


def scores_of(n=1500, k=4, seed=0, warmth=2.5):
    """Scores whose softmax over a temperature of 2.5 is the chance of each class."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 3, (n, k))
    chance = softmax(scores / warmth, axis=1)
    truth = np.array([rng.choice(k, p=row) for row in chance])
    return scores, truth


def test_the_temperature_is_found():
    scores, truth = scores_of()
    made = calibrator_for(Calibrating(method="temperature"), scores, truth)
    assert made.temperature == pytest.approx(2.5, rel=0.1)
    told = made.probabilities(scores)
    assert np.array_equal(told.argmax(axis=1), scores.argmax(axis=1))
    assert told == pytest.approx(softmax(scores / made.temperature, axis=1))


def test_steps_are_isotonic_regression_and_those_of_the_deck_are_not_clipped():
    scores, truth = scores_of()
    made = calibrator_for(Calibrating(variant="deck"), scores, truth)
    twin = np.column_stack(
        [
            IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
            .fit(scores[:, k], truth == k)
            .predict(scores[:, k])
            for k in range(4)
        ]
    )
    expected = twin / twin.sum(axis=1, keepdims=True)
    assert made.probabilities(scores) == pytest.approx(expected)
    assert made.decides
    ours = calibrator_for(Calibrating(), scores, truth)
    assert not ours.decides
    assert min(curve.values.min() for curve in ours.curves) > 0


def test_joined_by_softmax_nine_classes_never_tell_more_than_a_quarter():
    # docs/methods/svm.md: e / (e + 8).
    curves = tuple(Sigmoid(1.0, 0.0) for _ in range(9))
    sure = np.full((1, 9), -800.0)
    sure[0, 2] = 800.0
    told = Calibrator(curves, None, "softmax", reads_scores=True).probabilities(sure)
    assert told.max() == pytest.approx(0.2536, abs=1e-4)
    assert Calibrator(curves).probabilities(sure).max() == pytest.approx(1)


def test_worked_numbers_of_joining():
    q = np.array([[0.8, 0.3, 0.1]])
    same = tuple(Steps(np.array([0.0, 1.0]), np.array([0.0, 1.0])) for _ in range(3))
    divided = Calibrator(same).probabilities(q)[0]
    assert divided == pytest.approx([0.666667, 0.25, 0.083333], abs=1e-6)
    joined = Calibrator(same, combine="softmax").probabilities(q)[0]
    assert joined == pytest.approx([0.475485, 0.288396, 0.236119], abs=1e-6)


def test_few_samples_get_a_sigmoid_and_a_class_without_any_the_curve_of_all():
    scores, truth = scores_of(n=600)
    few = np.flatnonzero((truth == 1).cumsum() <= 20)
    scores, truth = scores[: few[-1]], truth[: few[-1]]
    made = calibrator_for(Calibrating(), scores, truth)
    assert isinstance(made.curves[1], Sigmoid)
    known = {one.column: one.n for one in few_samples(truth, 4)}
    assert known[1] == (truth == 1).sum() < 50
    without = truth != 3
    made = calibrator_for(Calibrating(), scores[without], truth[without])
    told = made.probabilities(scores)
    assert np.isfinite(told).all()
    assert told[:, 3].max() > 0.1
    assert few_samples(truth[without], 4)[-1] == (3, 0)


def test_a_class_absent_from_the_calibration_set_is_told():
    with pytest.raises(InputError) as caught:
        require_every_class(np.array([0, 0, 2]), ["water", "wetland", "bareSoil"], 2)
    assert str(caught.value) == (
        "Calibration: wetland has no sample in the 2 held-out groups that calibrate "
        "(model.calibration.variant: deck). Give more groups of it, lower model.train_fraction, or "
        "use variant: ours, which calibrates out of fold."
    )


def test_several_absent_classes_are_told_in_the_plural():
    with pytest.raises(InputError, match=r"water, wetland have no sample .* more groups of each,"):
        require_every_class(np.array([2, 2]), ["water", "wetland", "bareSoil"], 2)


def test_variants_are_judged_as_scikit_learn_would():
    scores, truth = scores_of()
    told = softmax(scores, axis=1)
    found = judge_variant("none", "", told, truth, told)
    answer = told.argmax(axis=1)
    assert found.macro_f1 == pytest.approx(f1_score(truth, answer, average="macro"))
    assert found.macro_recall == pytest.approx(recall_score(truth, answer, average="macro"))
    assert found.macro_precision == pytest.approx(precision_score(truth, answer, average="macro"))
    assert found.differs == 0
    share, mean = calibration_curve(truth == 0, told[:, 0], n_bins=10)
    assert len(share) == len(mean)
    assert found.expected_error_of_classes > 0


def test_all_ways_are_compared_on_rows_that_did_not_fit_them():
    scores, truth = scores_of()
    fold = np.arange(len(truth)) % 5
    found = compare_variants(softmax(scores, axis=1), scores, truth, fold)
    assert [(one.method, one.combine) for one in found] == [
        ("none", ""), ("isotonic", "normalise"), ("isotonic", "softmax"),
        ("sigmoid", "normalise"), ("sigmoid", "softmax"), ("temperature", ""),
    ]  # fmt: skip
    plain, isotonic, joined, _, _, warm = found
    assert warm.expected_error < 0.05 < plain.expected_error
    assert isotonic.expected_error < plain.expected_error
    assert joined.expected_error > isotonic.expected_error
    assert warm.differs == 0
    assert warm.overall == plain.overall
    half = compare_variants(softmax(scores, axis=1), scores, truth, fold // 3, judged=1)
    rows = fold // 3 == 1
    assert half[0].overall == pytest.approx((scores.argmax(axis=1) == truth)[rows].mean())


def test_random_scores_are_worth_the_shares_of_the_classes():
    rng = np.random.default_rng(1)
    scores, truth = rng.normal(size=(900, 3)), rng.integers(0, 3, 900)
    found = compare_variants(softmax(scores, axis=1), scores, truth, np.arange(900) % 5)
    for one in found[1:]:
        assert one.overall == pytest.approx(1 / 3, abs=0.06)
        assert one.log_loss == pytest.approx(np.log(3), abs=0.06)


@pytest.mark.parametrize("kind", ["svm", "svm-binary", "random-forest"])
@pytest.mark.parametrize("variant", ["ours", "deck"])
@pytest.mark.parametrize("method", ["isotonic", "sigmoid", "temperature"])
def test_a_calibrated_model_is_stored_whole(kind, variant, method):
    rng = np.random.default_rng(0)
    codes = np.resize([1, 2, 3], 240).astype(np.uint8)
    rows = (codes[:, None] + rng.normal(0, 1, (240, 3))).astype(np.float32)
    model = fit_classifier(rows, codes, kind=kind)
    answers = model.scored(rows)
    how = Calibrating(variant=variant, method=method, combine="softmax")
    object.__setattr__(model, "calibrator", calibrator_for(how, answers.scores, codes - 1))
    again = load_arrays(io.BytesIO(save_arrays(model)), kind)
    assert again.calibrator.decides == (variant == "deck")
    told, known = again.predict(rows), model.predict(rows)
    assert np.array_equal(told[0], known[0])
    assert np.array_equal(told[1], known[1])
    before = model.classes[answers.probabilities.argmax(axis=1)]
    if variant == "ours":
        assert np.array_equal(told[0], before)
    else:
        shares = model.calibrator.probabilities(answers.scores)
        assert np.array_equal(told[0], model.classes[shares.argmax(axis=1)])


def test_changed_temperature_and_flags_are_refused():
    rows = np.resize(np.arange(6.0), (12, 2)).astype(np.float32)
    model = fit_classifier(rows, np.resize([1, 2], 12), kind="svm")
    object.__setattr__(model, "calibrator", Calibrator((), 2.0, reads_scores=True))
    with np.load(io.BytesIO(save_arrays(model))) as stored:
        arrays = dict(stored)
    for changes in (
        {"calibration_temperature": np.array(-1.0)}, {"calibration_temperature": np.array(np.nan)},
        {"calibration_temperature": np.array(np.inf)}, {"calibration_flags": np.array([True])},
        {"calibration_flags": np.array([1, 0, 0])},
    ):  # fmt: skip
        file = io.BytesIO()
        np.savez(file, **{**arrays, **changes})
        file.seek(0)
        with pytest.raises(InputError, match="damaged or was changed"):
            load_arrays(file, "svm")


@pytest.mark.parametrize("variant", ["ours", "deck"])
def test_pixels_whose_class_calibration_changes_are_counted(variant):
    rng = np.random.default_rng(3)
    codes = np.resize([1, 2, 3, 1], 400).astype(np.uint8)
    rows = (codes[:, None] + rng.normal(0, 1.2, (400, 3))).astype(np.float32)
    model = fit_classifier(rows, codes, kind="svm")
    how = Calibrating(variant=variant)
    made = calibrator_for(how, model.scored(rows).scores, codes.astype(np.intp) - 1)
    model = replace(model, calibrator=made)
    rows[7] = np.nan
    _, _, layers = predict_blocks(model, rows, ExtraLayers(differs=True), block=64)
    whole = np.isfinite(rows).all(axis=1)
    answers = model.scored(rows[whole])
    expected = made.probabilities(answers.scores).argmax(1) != answers.probabilities.argmax(1)
    assert 0 < expected.sum() < 200
    assert np.array_equal(layers["differs"][whole] == 1, expected)
    assert (layers["differs"][~whole] == 255).all()
    assert replace(model, calibrator=None).decided(answers).differs is None
