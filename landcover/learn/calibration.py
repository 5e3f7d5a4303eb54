"""Whether a confidence of 0.8 is right eight times out of ten."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from landcover.errors import InputError

BINS = 10
"""Equal-width bins of a reliability curve (docs/methods/trust.md#reliability)."""
_LEAST = 1e-15


class ReliabilityBin(NamedTuple):
    """Samples whose confidence lies in one bin."""

    low: float
    """Lower edge, inclusive."""
    high: float
    """Upper edge, exclusive but for the last."""
    n: int
    """Samples."""
    confidence: float
    """Mean confidence."""
    accuracy: float
    """Share of them that is right."""


def reliability(
    confidence: ArrayLike, is_right: ArrayLike, *, bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """Compare confidence with the share of hits, bin by bin.

    Args:
        confidence: Probability of the answer, 0-1, (n,).
        is_right: Whether the answer is right, (n,).
        bins: Number of bins of equal width from 0 to 1.

    Returns:
        The bins that hold samples, by confidence.

    Raises:
        InputError: Lengths differ, a confidence is not within 0-1, or there are no samples.
    """
    sure, right = np.asarray(confidence, dtype=np.float64), np.asarray(is_right, dtype=np.bool_)
    if sure.shape != right.shape or sure.ndim != 1 or sure.size == 0:
        raise InputError(
            f"Reliability: expected confidences and hits of one length, found {sure.shape} and "
            f"{right.shape}."
        )
    if not (sure.min() >= 0 and sure.max() <= 1):
        raise InputError(
            f"Reliability: expected confidences of 0 to 1, found {sure.min():g} to {sure.max():g}."
        )
    edges = np.arange(bins + 1) / bins
    place = np.minimum(np.searchsorted(edges, sure, side="right") - 1, bins - 1)
    found = []
    for b in np.unique(place):
        inside = place == b
        found.append(
            ReliabilityBin(
                low=float(edges[b]),
                high=float(edges[b + 1]),
                n=int(inside.sum()),
                confidence=float(sure[inside].mean()),
                accuracy=float(right[inside].mean()),
            )
        )
    return tuple(found)


def expected_calibration_error(curve: tuple[ReliabilityBin, ...]) -> float:
    """Sum what confidence and hits differ by, weighted by samples: Σ (n_b/n)·|conf_b - acc_b|."""
    n = sum(entry.n for entry in curve)
    return sum(entry.n * abs(entry.confidence - entry.accuracy) for entry in curve) / n


def brier_score(probabilities: ArrayLike, truth: ArrayLike) -> float:
    """Compute the mean squared distance of probabilities from the truth: mean_n Σ_k (p - y)².

    Args:
        probabilities: Probability of each class, (n, K).
        truth: Column of the true class, integer, (n,).

    Returns:
        The score, 0 (certain and right) … 2 (certain and wrong).
    """
    p, column = _paired(probabilities, truth)
    y = np.zeros_like(p)
    y[np.arange(len(p)), column] = 1
    return float(((p - y) ** 2).sum(axis=1).mean())


def log_loss(probabilities: ArrayLike, truth: ArrayLike) -> float:
    """Compute the mean negative logarithm of the true class's probability, clipped at 1e-15.

    Args:
        probabilities: Probability of each class, (n, K).
        truth: Column of the true class, integer, (n,).

    Returns:
        The loss, from 0.
    """
    p, column = _paired(probabilities, truth)
    return float(-np.log(np.clip(p[np.arange(len(p)), column], _LEAST, 1)).mean())


def _paired(
    probabilities: ArrayLike, truth: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    p, column = np.asarray(probabilities, dtype=np.float64), np.asarray(truth, dtype=np.intp)
    if p.ndim != 2 or column.shape != p.shape[:1] or not p.size:
        raise InputError(
            f"Calibration: expected probabilities (n, K) and n classes, found {p.shape} and "
            f"{column.shape}."
        )
    if column.min() < 0 or column.max() >= p.shape[1]:
        raise InputError(f"Calibration: expected classes 0 to {p.shape[1] - 1}.")
    return p, column
