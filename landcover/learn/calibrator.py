"""Scores of a classifier turned into probabilities that can be taken at their word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit, softmax
from sklearn.isotonic import IsotonicRegression  # type: ignore[import-untyped, unused-ignore]

from landcover.errors import InputError

LEAST = 50
"""Samples of a class, and of all others, below which steps follow chance.

Method: docs/methods/trust.md#calibration.
"""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Steps:
    """A rising line through knots; beyond the first and last it stays where it is."""

    knots: Floats
    """Scores, ascending."""
    values: Floats
    """Probability at each, 0-1."""

    def at(self, scores: Floats) -> Floats:
        """Give the probability of scores."""
        return np.asarray(np.interp(scores, self.knots, self.values))


@dataclass(frozen=True)
class Sigmoid:
    """1 / (1 + exp(-(slope·score + offset))): Platt (1999)."""

    slope: float
    offset: float

    def at(self, scores: Floats) -> Floats:
        """Give the probability of scores."""
        return np.asarray(expit(self.slope * scores + self.offset))


@dataclass(frozen=True)
class Calibrator:
    """One curve per class, or one temperature for all."""

    curves: tuple[Steps | Sigmoid, ...]
    """Empty where there is a temperature."""
    temperature: float | None = None
    """Scores divided by it become shares by softmax (Guo et al. 2017); None for curves."""
    combine: Literal["normalise", "softmax"] = "normalise"
    """How what the curves give becomes shares of a row."""
    reads_scores: bool = False
    """True where scores are decision values of the classifier, and not its probabilities."""
    decides: bool = False
    """True where the class is the likeliest after calibration."""

    def probabilities(self, scores: ArrayLike) -> Floats:
        """Turn scores into probabilities.

        Args:
            scores: As those of the fit, (n,) or (n, K).

        Returns:
            float64, same shape; of several classes the rows sum to 1, and a row in which every
            class has the probability 0 becomes even.

        Raises:
            InputError: The number of classes is another.
        """
        values = np.asarray(scores, dtype=np.float64)
        if self.temperature is not None:
            return np.asarray(softmax(values / self.temperature, axis=1))
        columns = values[:, None] if values.ndim == 1 else values
        if columns.ndim != 2 or columns.shape[1] != len(self.curves):
            raise InputError(
                f"Calibrator: expected scores of {len(self.curves)} classes, found {values.shape}."
            )
        found = np.column_stack([curve.at(columns[:, k]) for k, curve in enumerate(self.curves)])
        if values.ndim == 1:
            return np.asarray(found[:, 0])
        if self.combine == "softmax":
            return np.asarray(softmax(found, axis=1))
        total = found.sum(axis=1, keepdims=True)
        even = np.full_like(found, 1 / found.shape[1])
        return np.asarray(np.divide(found, total, out=even, where=total > 0))


def calibrate(scores: ArrayLike, truth: ArrayLike, *, least: int = LEAST) -> Calibrator:
    """Fit a calibrator on samples that did not train the classifier.

    Per class isotonic regression (Zadrozny & Elkan 2002) of "is it this class" on its score; a
    sigmoid with Platt's targets where samples are few.

    Args:
        scores: Decision values or probabilities: (n,) of one class against the rest, or (n, K).
        truth: For (n,) scores whether it is the class, bool; else the column of the true class,
            integer, (n,).
        least: Samples of a class, and of all others, that isotonic regression needs.

    Returns:
        The calibrator.

    Raises:
        InputError: Lengths differ, a score is not finite, or a class is all or none of the
            samples.

    Examples:
        >>> import numpy as np
        >>> from landcover import api
        >>> scores = np.linspace(0, 1, 200)
        >>> calibrator = api.calibrate(scores, scores > 0.5)
        >>> calibrator.probabilities([0.2, 0.8])
        array([0., 1.])
    """
    values = np.asarray(scores, dtype=np.float64)
    true = np.asarray(truth)
    if values.ndim not in (1, 2) or true.shape != values.shape[:1] or not values.size:
        raise InputError(
            f"Calibration: expected scores (n,) or (n, K) and n true classes, found "
            f"{values.shape} and {true.shape}."
        )
    if not np.isfinite(values).all():
        raise InputError("Calibration: expected finite scores; leave out samples without one.")
    if values.ndim == 1:
        return Calibrator((_curve(values, true.astype(np.bool_), least, 0),))
    return Calibrator(
        tuple(_curve(values[:, k], true == k, least, k) for k in range(values.shape[1]))
    )


def _curve(scores: Floats, is_class: NDArray[np.bool_], least: int, k: int) -> Steps | Sigmoid:
    n, rest = int(is_class.sum()), int((~is_class).sum())
    if not n or not rest:
        raise InputError(
            f"Calibration: class {k} has {n} of {n + rest} samples; expected some of it and some "
            "of the others."
        )
    if min(n, rest) < least:
        return _sigmoid(scores, is_class, n, rest)
    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(scores, is_class)
    return Steps(
        np.asarray(fitted.X_thresholds_, np.float64), np.asarray(fitted.y_thresholds_, np.float64)
    )


def _sigmoid(scores: Floats, is_class: NDArray[np.bool_], n: int, rest: int) -> Sigmoid:
    # Targets a little inside 0 and 1, so that separable samples have a best slope (Platt 1999).
    target = np.where(is_class, (n + 1) / (n + 2), 1 / (rest + 2))
    centre, spread = scores.mean(), scores.std() or 1.0
    scaled = (scores - centre) / spread

    def loss(beta: Floats) -> tuple[float, Floats]:
        line = beta[0] * scaled + beta[1]
        off = expit(line) - target
        value = float((np.logaddexp(0, line) - target * line).sum())
        return value, np.array([off @ scaled, off.sum()])

    slope, offset = minimize(loss, np.array([1.0, 0.0]), jac=True, method="BFGS").x
    return Sigmoid(float(slope / spread), float(offset - slope * centre / spread))
