"""Calibration of decision values as a recipe asks for it, and its variants side by side.

Method: docs/methods/trust.md#calibration-of-scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.metrics import (  # type: ignore[import-untyped, unused-ignore]
    precision_recall_fscore_support,
)

from landcover.errors import InputError
from landcover.learn.calibration import (
    brier_score,
    expected_calibration_error,
    log_loss,
    reliability,
)
from landcover.learn.calibrator import LEAST, Calibrator, Sigmoid, Steps, calibrate
from landcover.learn.recalibration import Fit, Floats, crossed_probabilities
from landcover.nouns.out_of_fold import CalibrationVariant
from landcover.recipe.calibrating import Calibrating

Columns = NDArray[np.intp]
HOTTEST = 5.0
"""Largest |ln T| that is looked at: from 1/150 to 150."""
VARIANTS = (
    Calibrating(method="isotonic"), Calibrating(method="isotonic", combine="softmax"),
    Calibrating(method="sigmoid"), Calibrating(method="sigmoid", combine="softmax"),
    Calibrating(method="temperature"),
)  # fmt: skip
"""What is compared, beside what is not calibrated."""


class FewSamples(NamedTuple):
    """A class that a sigmoid, or the curve of the others, was fitted for."""

    column: int
    """Its column."""
    n: int
    """Its samples that calibrate."""


def calibrator_for(how: Calibrating, scores: Floats, truth: Columns) -> Calibrator:
    """Fit a calibrator on decision values.

    Args:
        how: Method, and how classes are joined; steps of ``ours`` never say never or always.
        scores: Decision values of samples that did not train, (n, K).
        truth: Column of the true class, (n,).

    Returns:
        The calibrator. A class without samples, or of which all are, gets the curve of all classes
        together.
    """
    decides = how.variant == "deck"
    if how.method == "temperature":
        warmth = _temperature(scores, truth)
        return Calibrator((), warmth, how.combine, reads_scores=True, decides=decides)
    least = LEAST if how.method == "isotonic" else len(truth) + 1
    together: Steps | Sigmoid | None = None
    curves: list[Steps | Sigmoid] = []
    for k in range(scores.shape[1]):
        is_class = truth == k
        if is_class.any() and not is_class.all():
            curves.append(_curve(scores[:, k], is_class, least, is_clipped=not decides))
            continue
        if together is None:
            every = truth[:, None] == np.arange(scores.shape[1])
            together = _curve(scores.ravel(), every.ravel(), len(truth) * len(every) + 1)
        curves.append(together)
    return Calibrator(tuple(curves), None, how.combine, reads_scores=True, decides=decides)


def few_samples(truth: Columns, n_classes: int) -> list[FewSamples]:
    """List the classes with fewer calibration samples than steps need."""
    counts = np.bincount(truth, minlength=n_classes)
    return [FewSamples(int(k), int(counts[k])) for k in np.flatnonzero(counts < LEAST)]


def require_every_class(truth: Columns, names: Sequence[str], n_groups: int) -> None:
    """Refuse a calibration set that lacks a class.

    Args:
        truth: Column of the true class of its samples.
        names: Names of the classes.
        n_groups: Groups that they come from.

    Raises:
        InputError: A class has none.
    """
    absent = sorted(set(range(len(names))) - set(truth.tolist()))
    if absent:
        told = ", ".join(names[k] for k in absent)
        have, them = ("has", "it") if len(absent) == 1 else ("have", "each")
        raise InputError(
            f"Calibration: {told} {have} no sample in the {n_groups} "
            "held-out groups that calibrate (model.calibration.variant: deck). Give more groups of "
            f"{them}, lower model.train_fraction, or use variant: ours, which calibrates out of "
            "fold."
        )


def compare_variants(
    probabilities: Floats,
    scores: Floats,
    truth: Columns,
    fold: NDArray[np.int64],
    *,
    judged: int | None = None,
) -> tuple[CalibrationVariant, ...]:
    """Judge every way to calibrate on rows that did not fit it.

    Args:
        probabilities: Before calibration, (n, K).
        scores: Decision values, (n, K).
        truth: Column of the true class, (n,).
        fold: Fold of each row; each is calibrated by what the others fitted.
        judged: The fold whose rows are judged; all where None.

    Returns:
        What is not calibrated first. The class of each is its likeliest one.
    """
    rows = np.ones(len(truth), dtype=np.bool_) if judged is None else fold == judged
    before, true = probabilities[rows], truth[rows]
    found = [judge_variant("none", "", before, true, before)]
    for how in VARIANTS:
        fit: Fit = partial(calibrator_for, how)
        told = crossed_probabilities(scores, truth, fold, fit, otherwise=probabilities)
        combine = "" if how.method == "temperature" else how.combine
        found.append(judge_variant(how.method, combine, told[rows], true, before))
    return tuple(found)


def judge_variant(
    method: str, combine: str, told: Floats, truth: Columns, before: Floats
) -> CalibrationVariant:
    """Measure probabilities whose class is the likeliest one.

    Args:
        method: Name of the method, ``none`` for no calibration.
        combine: How classes were joined.
        told: The probabilities, (n, K).
        truth: Column of the true class, (n,).
        before: Those before calibration.
    """
    answer = told.argmax(axis=1)
    is_right = answer == truth
    present = np.unique(truth)
    precision, recall, f1, _ = precision_recall_fscore_support(
        truth, answer, labels=present, average=None, zero_division=0.0
    )
    single = [
        expected_calibration_error(reliability(np.clip(told[:, k], 0, 1), truth == k))
        for k in range(told.shape[1])
    ]
    top = reliability(np.clip(told.max(axis=1), 0, 1), is_right)
    return CalibrationVariant(
        method=method,
        combine=combine,
        overall=float(is_right.mean()),
        macro_f1=float(f1.mean()),
        macro_recall=float(recall.mean()),
        macro_precision=float(precision.mean()),
        expected_error=expected_calibration_error(top),
        expected_error_of_classes=float(np.mean(single)),
        brier=brier_score(told, truth),
        log_loss=log_loss(told, truth),
        differs=float((answer != before.argmax(axis=1)).mean()),
    )


def _curve(
    scores: Floats, is_class: NDArray[np.bool_], least: int, *, is_clipped: bool = True
) -> Steps | Sigmoid:
    curve = calibrate(scores, is_class, least=least).curves[0]
    if is_clipped and isinstance(curve, Steps):
        # No sample was of another class there: that is not never.
        low, high = 1 / ((~is_class).sum() + 2), 1 - 1 / (is_class.sum() + 2)
        values = np.clip(curve.values, min(low, high), max(low, high))
        return Steps(curve.knots, values)
    return curve


def _temperature(scores: Floats, truth: Columns) -> float:
    """Find the temperature with the least log loss (Guo et al. 2017)."""
    rows = np.arange(len(truth))

    def loss(log_t: float) -> float:
        return -float(log_softmax(scores / np.exp(log_t), axis=1)[rows, truth].mean())

    found = minimize_scalar(loss, bounds=(-HOTTEST, HOTTEST), method="bounded")
    return float(np.exp(found.x))
