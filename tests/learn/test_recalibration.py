"""Calibration that is part of training: kept where it helps, and never changes an answer."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest

from landcover.errors import InputError
from landcover.learn.calibration import expected_calibration_error, reliability
from landcover.learn.calibrator import Calibrator, Sigmoid, Steps
from landcover.learn.layers import ExtraLayers, normalised_entropy, quantise_confidence
from landcover.learn.models import fit_classifier, load_arrays, save_arrays
from landcover.learn.predict import predict_blocks
from landcover.learn.recalibration import recalibrate, with_winner

K = 3


def answers(n_groups=120, power=1.0, seed=0):
    """Probabilities that are right by construction, sharpened or flattened by a power."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n_groups), 6)
    true = rng.dirichlet([0.6] * K, group.size)
    truth = np.array([rng.choice(K, p=p) for p in true])
    told = np.clip(true, 1e-6, 1) ** power
    return told / told.sum(axis=1, keepdims=True), truth, group % 5, group


def ece(p, truth):
    return expected_calibration_error(reliability(p.max(axis=1), p.argmax(axis=1) == truth))


@pytest.mark.parametrize("power", [3.0, 0.3])
def test_wrong_confidence_is_mended(power):
    p, truth, fold, group = answers(power=power)
    found = recalibrate(p, truth, fold, group)
    assert found.calibrator is not None
    assert found.loss_after < found.loss_before
    assert found.interval[1] < 0
    assert ece(found.probabilities, truth) < 0.5 * ece(p, truth)
    fresh, their_truth, _, _ = answers(power=power, seed=7)
    mended = with_winner(found.calibrator.probabilities(fresh), fresh.argmax(axis=1))
    assert ece(mended, their_truth) < 0.5 * ece(fresh, their_truth)


def test_what_does_not_help_is_not_kept():
    p, truth, fold, group = answers()
    found = recalibrate(p, truth, fold, group)
    assert found.calibrator is None
    few = recalibrate(*answers(n_groups=8, power=3.0))
    assert few.interval is None
    assert few.calibrator is None


def test_the_answer_stays_the_likeliest_class():
    p, truth, fold, group = answers(power=3.0)
    found = recalibrate(p, truth, fold, group)
    rows = np.arange(len(p))
    for told in (found.probabilities, with_winner(np.full((2, K), 1 / K), np.array([0, 2]))):
        assert told.sum(axis=1) == pytest.approx(1)
    winner = p.argmax(axis=1)
    assert (found.probabilities[rows, winner] >= found.probabilities.max(axis=1) - 1e-15).all()
    mended = with_winner(np.array([[0.2, 0.5, 0.3]]), np.array([0]))
    assert mended[0] == pytest.approx(np.array([0.5, 0.5, 0.3]) / 1.3)


def test_a_class_without_rows_is_left_as_it_is():
    p, truth, fold, group = answers(power=3.0)
    keep = truth != 2
    found = recalibrate(p[keep], truth[keep], fold[keep], group[keep])
    assert found.calibrator is not None
    curve = found.calibrator.curves[2]
    assert isinstance(curve, Steps)
    assert curve.at(np.array([0.0, 0.3, 1.0])) == pytest.approx([0, 0.3, 1])


def test_a_class_that_one_fold_holds_alone_is_tolerated():
    p, truth, fold, group = answers(power=3.0)
    fold = np.where(truth == 1, 0, fold % 4 + 1)
    found = recalibrate(p, truth, fold, group)
    assert np.isfinite(found.loss_after)


def model():
    rng = np.random.default_rng(0)
    labels = rng.integers(1, 4, 300).astype(np.uint8)
    features = (np.eye(3)[labels - 1] + rng.normal(0, 0.7, (300, 3))).astype(np.float32)
    plain = fit_classifier(features, labels, parameters={"n_trees": 10})
    curves = (
        Steps(np.array([0.0, 0.4, 1.0]), np.array([0.05, 0.2, 0.7])),
        Sigmoid(4.0, -2.0),
        Steps(np.array([0.0, 1.0]), np.array([0.0, 1.0])),
    )
    return plain, replace(plain, calibrator=Calibrator(curves)), features


def test_labels_stay_and_confidence_changes():
    plain, calibrated, features = model()
    codes, confidence = plain.predict(features)
    again, told = calibrated.predict(features)
    assert np.array_equal(codes, again)
    assert not np.allclose(confidence, told)
    further = ExtraLayers(probabilities=True, set_threshold=0.5, margin=True, entropy=True)
    mapped, quantised, layers = predict_blocks(calibrated, features, further)
    assert np.array_equal(mapped, codes)
    assert np.abs(quantised / 254 - told).max() < 0.002
    shown = layers["probabilities"] / 254
    place = np.searchsorted(plain.classes, mapped)
    assert np.abs(shown[place, np.arange(len(place))] - told).max() < 0.002
    # Entropy and margin are of the calibrated probabilities.
    _, p, _ = calibrated.decided(calibrated.answers(features))
    two = np.sort(p, axis=1)[:, -2:]
    assert np.array_equal(layers["margin"], quantise_confidence(two[:, 1] - two[:, 0]))
    assert np.array_equal(layers["entropy"], quantise_confidence(normalised_entropy(p)))
    # Sets are of what the model answers before calibration, as the scores are.
    _, _, raw = predict_blocks(plain, features, further)
    assert np.array_equal(layers["set_size"], raw["set_size"])
    assert not np.array_equal(layers["entropy"], raw["entropy"])
    assert not np.array_equal(layers["margin"], raw["margin"])


def test_curves_come_back_with_the_arrays():
    plain, calibrated, features = model()
    content = save_arrays(calibrated)
    assert content == save_arrays(calibrated)
    assert content.startswith(save_arrays(plain)[:1000])
    again = load_arrays(io.BytesIO(content), "random-forest")
    assert load_arrays(io.BytesIO(save_arrays(plain)), "random-forest").calibrator is None
    for one, other in zip(again.predict(features), calibrated.predict(features), strict=True):
        assert np.array_equal(one, other)


CHANGES = {
    "above 1": lambda a: a["calibration_values"].__setitem__(1, 1.5),
    "falls": lambda a: a["calibration_values"].__setitem__(0, 0.9),
    "order": lambda a: a["calibration_knots"].__setitem__(1, 2.0),
    "nan": lambda a: a["calibration_lines"].__setitem__((1, 0), np.nan),
    "sizes": lambda a: a["calibration_sizes"].__setitem__(0, 900),
    "negative": lambda a: a["calibration_sizes"].__setitem__(1, -1),
    "classes": lambda a: a.update(calibration_sizes=a["calibration_sizes"][:2]),
    "lost": lambda a: a.pop("calibration_lines"),
    "type": lambda a: a.update(calibration_knots=a["calibration_knots"].astype("f4")),
    "objects": lambda a: a.update(calibration_lines=np.array([print], dtype=object)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_curves_are_refused(change):
    _, calibrated, _ = model()
    with np.load(io.BytesIO(save_arrays(calibrated))) as stored:
        arrays = {name: stored[name].copy() for name in stored.files}
    CHANGES[change](arrays)
    file = io.BytesIO()
    np.savez(file, **arrays)
    file.seek(0)
    with pytest.raises(InputError, match="Calibration"):
        load_arrays(file, "random-forest")
