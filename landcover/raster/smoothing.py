"""Class probabilities smoothed by those around: empirical Bayes on logits.

G. Camara, R. Assunção, A. Carvalho, R. Simoes et al.: "Bayesian Inference for Post-Processing of
Remote-Sensing Image Classification", Remote Sensing 16 (2024) 4572. The logit of each class is
taken as a draw from a normal distribution with variance σ² around an unknown mean, whose prior has
the mean and the variance of the more confident half of the pixels around. The mean of the
posterior replaces it.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from landcover.compiled import compiled
from landcover.errors import InputError
from landcover.raster.feather import PROBABILITY_NODATA

Bytes = npt.NDArray[np.uint8]

_SCALE = 254
_UNITS = 1 << 16
"""Logits are counted in whole 65,536ths, so that their sums are exact in any order."""
WIDEST = 21
"""Largest window, px: with it, sums of squares times their number stay below 2⁵³."""


def smoothing_halo(window: int) -> int:
    """Say how many pixels around a part of an image its smoothing must see."""
    return window // 2


def logits_of_bytes() -> npt.NDArray[np.int64]:
    """Give the logit of each byte of a probability, int64, (255,), in units of 1/65,536.

    A byte stands for the middle of what is rounded to it, ln((v + ½) / (254½ − v)): ±6.2 at most,
    0 for one half.
    """
    values = np.arange(_SCALE + 1)
    logits = np.log((values + 0.5) / (_SCALE + 0.5 - values))
    return np.asarray(np.rint(logits * _UNITS), dtype=np.int64)


def smooth_probabilities(probabilities: Bytes, smoothness: float, window: int) -> Bytes:
    """Smooth the probabilities of all classes.

    For each class on its own, over the square window around a pixel, cut off at the edge of the
    image: of the n pixels that are known, the ⌈n/2⌉ with the highest logits have mean m and
    variance s² (of a sample; 0 for a single pixel). The logit x becomes (s² x + σ² m) / (s² + σ²):
    where neighbours disagree the pixel keeps its own, where they agree it takes theirs. The
    probabilities of a pixel are then divided by their sum. A part of an image gets what the whole
    gets with :func:`smoothing_halo` pixels around it.

    Args:
        probabilities: ⌊254·p + 0.5⌋, uint8, (class, y, x), 255 where nodata, in all classes alike.
        smoothness: σ², above 0; 20 is the default of the authors' R package sits.
        window: Side of the window, px, odd, 21 at most; there it is 9.

    Returns:
        ⌊254·p + 0.5⌋, uint8, (class, y, x), 255 where nodata: what is nodata takes no part and
        stays.

    Raises:
        InputError: The smoothness is not above 0, or the window not odd.
    """
    if not smoothness > 0 or window % 2 == 0 or not 1 <= window <= WIDEST:
        raise InputError(
            f"Smoothing needs a smoothness above 0 and an odd window of 1 to {WIDEST} px, found "
            f"{smoothness:g} and {window}."
        )
    found = np.full(probabilities.shape, PROBABILITY_NODATA, dtype=np.uint8)
    n_classes, _, width = probabilities.shape
    # A column of the window in whole words, so that equal columns are told at once.
    columns = np.zeros((n_classes, width + window + 1, -(-window // 8) * 8), dtype=np.uint8)
    logits = np.concatenate([np.zeros(1, dtype=np.int64), logits_of_bytes()])
    _smooth(
        np.ascontiguousarray(probabilities), logits, smoothness * _UNITS * _UNITS, window // 2,
        columns, columns.view(np.uint64), found,
    )  # fmt: skip
    return found


@compiled()
def _smooth(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    probabilities, logits, noise, reach, columns, words, found
):
    n_classes, height, width = probabilities.shape
    row = np.empty((n_classes, width))
    squares = logits * logits
    for y in range(-reach, height):
        for k in range(n_classes):
            _enter_row(probabilities[k], y + reach, reach, columns[k])
        if y < 0:
            continue
        for k in range(n_classes):
            _smooth_row(
                probabilities[k, y], logits, squares, noise, reach, columns[k], words[k], row[k]
            )
        for x in range(width):
            if probabilities[0, y, x] == 255:
                continue
            total = 0.0
            for k in range(n_classes):
                total += row[k, x]
            for k in range(n_classes):
                found[k, y, x] = int(254 * row[k, x] / total + 0.5)


@compiled()
def _enter_row(values, y, reach, columns):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Put a row into its place in every column, over the one that leaves the window with it."""
    height, width = values.shape
    place = y % (2 * reach + 1)
    for x in range(width):
        # One more than the byte: 0 is nodata, and what lies outside of the image.
        value = np.uint8(values[y, x] + 1) if y < height else np.uint8(0)
        columns[x + reach + 1, place] = value


@compiled()
def _smooth_row(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    values, logits, squares, noise, reach, columns, words, smoothed
):
    """Give the smoothed probability of a class along a row, not yet divided by the sum."""
    window, width = 2 * reach + 1, values.size
    counts = np.zeros(256, dtype=np.int64)
    counts[0] = window * window
    # ``above``: how many values of the window are higher than ``pivot``, and their sums. The pivot
    # moves with the window, to where the more confident half begins.
    above, total, power, pivot = 0, 0, 0, 128
    is_old, before, last = False, np.uint8(255), 0.0
    for x in range(-reach, width):
        # Columns x - reach - 1 and x + reach; the first columns replace nothing.
        entering = x + window
        leaving = x if x > 0 else 0
        for word in range(words.shape[1]):
            if words[entering, word] == words[leaving, word]:
                continue
            is_old = False
            for place in range(8 * word, min(8 * word + 8, window)):
                new, old = columns[entering, place], columns[leaving, place]
                counts[new] += 1
                counts[old] -= 1
                gain, loss = int(new > pivot), int(old > pivot)
                above += gain - loss
                total += gain * logits[new] - loss * logits[old]
                power += gain * squares[new] - loss * squares[old]
        if x < 0 or values[x] == 255:
            continue
        if is_old and values[x] == before:
            smoothed[x] = last
            continue
        half = (window * window - counts[0] + 1) // 2
        while above >= half:
            pivot += 1
            above -= counts[pivot]
            total -= counts[pivot] * logits[pivot]
            power -= counts[pivot] * squares[pivot]
        while above + counts[pivot] < half:
            above += counts[pivot]
            total += counts[pivot] * logits[pivot]
            power += counts[pivot] * squares[pivot]
            pivot -= 1
        rest = half - above
        whole = total + rest * logits[pivot]
        sum_ = power + rest * squares[pivot]
        mean = whole / half
        variance = 0.0
        if half > 1:
            # Whole numbers until the division: no digits are lost where neighbours agree.
            variance = (half * sum_ - whole * whole) / (half * (half - 1))
        own = logits[values[x] + 1]
        posterior = (variance * own + noise * mean) / (variance + noise)
        last = 1 / (1 + math.exp(-posterior / _UNITS))
        smoothed[x] = last
        is_old, before = True, values[x]
