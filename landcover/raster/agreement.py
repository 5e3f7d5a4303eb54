"""Two class maps on one grid, pixel by pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError

AGREE, DIFFER = 1, 2
"""Values of an agreement map; 0 where one of the maps has no class."""


def count_pairs(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count pixels by the pair of their codes.

    Args:
        first: Codes of one map, uint8, (y, x), 0 nodata.
        second: Codes of the other, likewise.

    Returns:
        Pixels, int64, (256, 256): rows are codes of ``first``, columns those of ``second``.

    Raises:
        InputError: The shapes disagree.
    """
    if first.shape != second.shape:
        raise InputError(f"Maps of {first.shape} and {second.shape} pixels cannot be compared.")
    pairs = first.astype(np.int64).ravel() * 256 + second.ravel()
    return np.bincount(pairs, minlength=256 * 256).reshape(256, 256).astype(np.int64)


def sum_by_pair(
    first: NDArray[np.uint8], second: NDArray[np.uint8], of_row: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Sum what pixels weigh by the pair of their codes.

    Args:
        first: Codes of one map, uint8, (y, x), 0 nodata.
        second: Codes of the other, likewise.
        of_row: What a pixel of each row weighs, such as its hectares, float64, (y,).

    Returns:
        float64, (256, 256): rows are codes of ``first``, columns those of ``second``.
    """
    pairs = first.astype(np.int64).ravel() * 256 + second.ravel()
    weights = np.repeat(of_row, first.shape[1])
    summed = np.bincount(pairs, weights=weights, minlength=256 * 256)
    return summed.astype(np.float64).reshape(256, 256)


def agreement(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Tell where two maps agree: uint8 (y, x), 1 same class, 2 another, 0 not compared."""
    both = (first != 0) & (second != 0)
    return np.where(both, np.where(first == second, AGREE, DIFFER), 0).astype(np.uint8)


def diversity(counts: NDArray[np.int64]) -> float:
    """Give the Shannon entropy of class counts, nats: how much a window has to show.

    Args:
        counts: Pixels of each class, int64, (class,).
    """
    total = counts.sum()
    if total == 0:
        return 0.0
    shares = counts[counts > 0] / total
    return float(-(shares * np.log(shares)).sum())
