"""Calibration as a part of training: fitted on out-of-fold answers, kept only where it helps.

Method: docs/methods/trust.md#calibration-in-training.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.learn.accuracy import MIN_GROUPS, RESAMPLES
from landcover.learn.arrays import append_arrays, open_arrays
from landcover.learn.calibrator import LEAST, Calibrator, Sigmoid, Steps, calibrate

Floats = NDArray[np.float64]
Fit = Callable[[Floats, NDArray[np.intp]], Calibrator]
_PREFIX = "calibration_"
_FLOOR = 1e-15
_MORE = 1e-6
"""Share by which the answer is above the next class: float32 keeps it."""
_AS_IT_IS = Steps(np.array([0.0, 1.0]), np.array([0.0, 1.0]))


class Change(NamedTuple):
    """What calibration changes the mean log loss by."""

    loss_before: float
    loss_after: float
    interval: tuple[float, float] | None
    """95 % range over resampled groups; None for fewer than ten."""


@dataclass(frozen=True, eq=False)
class Recalibration:
    """What calibration would do, and whether it is worth having."""

    calibrator: Calibrator | None
    """Fitted on all rows; None where it does not help."""
    probabilities: Floats
    """Probabilities of each row by a calibrator of the other folds, (n, K)."""
    loss_before: float
    """Mean log loss without it; every group counts the same."""
    loss_after: float
    """Mean log loss with the calibrators of the other folds."""
    interval: tuple[float, float] | None
    """95 % range over resampled groups of what the loss changes by; None for fewer than ten."""


def with_winner(calibrated: Floats, winner: NDArray[np.intp]) -> Floats:
    """Let the answered class be the likeliest one, as calibration changes no answer.

    Args:
        calibrated: Calibrated probabilities, float64, (n, K); changed in place.
        winner: Column of the answer of each row, (n,).

    Returns:
        The probabilities; where another class had as much as the answer or more, the answer has a
        millionth more than that, and rows sum to 1 again.
    """
    rows = np.arange(len(calibrated))
    own = calibrated[rows, winner]
    calibrated[rows, winner] = -1.0
    others = calibrated.max(axis=1)
    # A little more, so that a tie is no other answer.
    calibrated[rows, winner] = np.maximum(own, others * (1 + _MORE))
    calibrated /= calibrated.sum(axis=1, keepdims=True)
    return calibrated


def recalibrate(
    probabilities: Floats,
    truth: NDArray[np.intp],
    fold: NDArray[np.int64],
    groups: NDArray[np.generic],
    *,
    scores: Floats | None = None,
    fit: Fit | None = None,
    seed: int = 0,
) -> Recalibration:
    """Fit a calibrator and judge it on whole groups that fitted neither model nor calibrator.

    Args:
        probabilities: Out-of-fold probabilities, (n, K), of rows whose model knew their class.
        truth: Column of the true class, (n,).
        fold: Fold of each row, (n,); a group lies in one fold.
        groups: Group of each row, (n,).
        scores: What the calibrator reads, (n, K); the probabilities where None.
        fit: Fits a calibrator on scores and true columns; a curve of each class where None.
        seed: Seed of the resampling.

    Returns:
        The calibrator where the range of what it changes lies below 0, and the losses.
    """
    fit, given = fit or _fit, probabilities if scores is None else scores
    crossed = crossed_probabilities(given, truth, fold, fit, otherwise=probabilities)
    crossed = with_winner(crossed, probabilities.argmax(axis=1))
    change = judge_change(probabilities, crossed, truth, groups, seed=seed)
    helps = change.interval is not None and change.interval[1] < 0
    return Recalibration(fit(given, truth) if helps else None, crossed, *change)


def judge_change(
    before: Floats,
    after: Floats,
    truth: NDArray[np.intp],
    groups: NDArray[np.generic],
    *,
    seed: int = 0,
) -> Change:
    """Say what calibration changes the log loss by, every group counting the same.

    Args:
        before: Probabilities, (n, K).
        after: Those after calibration by what other groups fitted, (n, K).
        truth: Column of the true class, (n,).
        groups: Group of each row, (n,).
        seed: Seed of the resampling.
    """
    _, group = np.unique(groups, return_inverse=True)
    old, new = (_losses(p, truth, group) for p in (before, after))
    return Change(float(old.mean()), float(new.mean()), _range(new - old, seed))


def crossed_probabilities(
    given: Floats,
    truth: NDArray[np.intp],
    fold: NDArray[np.int64],
    fit: Fit,
    *,
    otherwise: Floats,
) -> Floats:
    """Calibrate the rows of each fold by what was fitted on the others.

    Args:
        given: Scores, (n, K).
        truth: Column of the true class, (n,).
        fold: Fold of each row, (n,).
        fit: Fits a calibrator.
        otherwise: Probabilities of the rows where there is a single fold, (n, K).
    """
    found = otherwise.copy()
    for one in np.unique(fold):
        is_test = fold == one
        if is_test.all():
            break
        found[is_test] = fit(given[~is_test], truth[~is_test]).probabilities(given[is_test])
    return found


def append_calibrator(calibrator: Calibrator, file: BinaryIO) -> None:
    """Write curves into the file of a model's arrays, behind them; equal curves, equal bytes.

    Args:
        calibrator: One curve a class, of steps or a sigmoid.
        file: npz file, open for reading and writing.
    """
    arrays = _beside_curves(calibrator)
    if calibrator.temperature is not None:
        append_arrays(file, _PREFIX, arrays)
        return
    parts = [_parts(curve) for curve in calibrator.curves]
    arrays |= {
        "sizes": np.array([knots.size for knots, _, _ in parts], np.int64),
        "knots": np.concatenate([knots for knots, _, _ in parts]),
        "values": np.concatenate([values for _, values, _ in parts]),
        "lines": np.array([line for _, _, line in parts], np.float64),
    }
    append_arrays(file, _PREFIX, arrays)


def load_calibrator(file: BinaryIO, n_classes: int) -> Calibrator | None:
    """Read the curves of a model's arrays and check them.

    Args:
        file: npz file, open for reading; one that a kind of classifier has read.
        n_classes: Classes of the model.

    Returns:
        The calibrator; None where the file has no curves.

    Raises:
        InputError: The file is damaged, or its curves are no curves of probabilities.
    """
    file.seek(0)
    with open_arrays(file, None, "calibration") as stored:
        if not any(name.startswith(_PREFIX) for name in stored.files):
            return None
        flags, warmth = (
            stored[name] if (name := f"{_PREFIX}{one}") in stored.files else None
            for one in ("flags", "temperature")
        )
        beside = _read_beside(flags, warmth)
        if beside.temperature is not None:
            return beside
        names = ("sizes", "knots", "values", "lines")
        sizes, knots, values, lines = (stored[f"{_PREFIX}{name}"] for name in names)
    types = [array.dtype for array in (sizes, knots, values, lines)]
    if types != [np.int64, np.float64, np.float64, np.float64]:
        raise _refuse("expected whole sizes and numbers of 64 bits")
    if sizes.shape != (n_classes,) or lines.shape != (n_classes, 2):
        raise _refuse(f"expected a curve for each of {n_classes} classes")
    if sizes.min() < 0 or knots.shape != (int(sizes.sum()),) or knots.shape != values.shape:
        raise _refuse("expected as many values as knots")
    if not all(np.isfinite(array).all() for array in (knots, values, lines)):
        raise _refuse("expected finite numbers")
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        raise _refuse("expected probabilities of 0 to 1")
    curves: list[Steps | Sigmoid] = []
    for end, size, (slope, offset) in zip(np.cumsum(sizes), sizes, lines, strict=True):
        own = slice(int(end - size), int(end))
        if np.any(np.diff(knots[own]) <= 0) or np.any(np.diff(values[own]) < 0):
            raise _refuse("expected knots that ascend and values that never fall")
        is_steps = size > 0
        curves.append(
            Steps(knots[own], values[own]) if is_steps else Sigmoid(float(slope), float(offset))
        )
    return replace(beside, curves=tuple(curves))


def _beside_curves(calibrator: Calibrator) -> dict[str, np.ndarray]:
    """Give what is not of a curve; nothing where all is as it always was."""
    found: dict[str, np.ndarray] = {}
    flags = [calibrator.reads_scores, calibrator.decides, calibrator.combine == "softmax"]
    if any(flags):
        found["flags"] = np.array(flags)
    if calibrator.temperature is not None:
        found["temperature"] = np.array(calibrator.temperature)
    return found


def _read_beside(flags: np.ndarray | None, temperature: np.ndarray | None) -> Calibrator:
    """Check what is not of a curve."""
    flags = np.zeros(3, np.bool_) if flags is None else flags
    if flags.dtype != np.bool_ or flags.shape != (3,):
        raise _refuse("expected three flags")
    warmth = None
    if temperature is not None:
        if temperature.dtype != np.float64 or temperature.shape != () or not temperature > 0:
            raise _refuse("expected a positive temperature")
        if not np.isfinite(temperature):
            raise _refuse("expected a finite temperature")
        warmth = float(temperature)
    return Calibrator(
        (), warmth, "softmax" if flags[2] else "normalise", bool(flags[0]), bool(flags[1])
    )


def _parts(curve: Steps | Sigmoid) -> tuple[Floats, Floats, tuple[float, float]]:
    """Give knots, values, and slope with offset; of a sigmoid there are no knots."""
    if isinstance(curve, Steps):
        return curve.knots, curve.values, (0.0, 0.0)
    return np.empty(0), np.empty(0), (curve.slope, curve.offset)


def _fit(probabilities: Floats, truth: NDArray[np.intp]) -> Calibrator:
    """Fit a curve for each class; one that has no rows, or all of them, is left as it is."""
    curves: list[Steps | Sigmoid] = []
    for k in range(probabilities.shape[1]):
        is_class = truth == k
        n, rest = int(is_class.sum()), int((~is_class).sum())
        if not n or not rest:
            curves.append(_AS_IT_IS)
            continue
        curve = calibrate(probabilities[:, k], is_class, least=LEAST).curves[0]
        if isinstance(curve, Steps):
            # No sample was of another class there: that is not never.
            low, high = 1 / (rest + 2), 1 - 1 / (n + 2)
            curve = Steps(curve.knots, np.clip(curve.values, min(low, high), max(low, high)))
        curves.append(curve)
    return Calibrator(tuple(curves))


def _losses(
    probabilities: Floats, truth: NDArray[np.intp], group: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Give the mean log loss of each group."""
    given = probabilities[np.arange(len(truth)), truth]
    loss = -np.log(np.clip(given, _FLOOR, 1))
    return np.asarray(np.bincount(group, weights=loss) / np.bincount(group))


def _range(change: NDArray[np.float64], seed: int) -> tuple[float, float] | None:
    """Resample groups and take the middle 95 % of the mean change."""
    if change.size < MIN_GROUPS:
        return None
    rng = np.random.default_rng(seed)
    drawn = [change[rng.integers(0, change.size, change.size)].mean() for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


def _refuse(what: str) -> InputError:
    return InputError(f"Calibration: {what}; the file is damaged or was changed, train again.")
