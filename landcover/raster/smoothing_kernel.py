"""Smoothing of class probabilities, compiled: many pixels of a row in lockstep.

The median of each window is found by halving: how many values of the window reach a threshold that
each pixel has for itself, one place of the window after the other for all pixels of a strip. So
the loops are over bytes that lie side by side, and no pixel takes a branch. All sums are whole
numbers below 2⁵³, exact in any order.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from landcover.compiled import compiled

Bytes = npt.NDArray[np.uint8]

STRIP = 1024
"""Most pixels of a row worked on together: what a class needs of them stays in the caches."""
_MOST_OF_BYTE = 15
"""Largest window, px, whose values a byte can count."""
_LOWEST = np.int32(-(2**31))


def smooth_strips(
    probabilities: Bytes,
    logits: npt.NDArray[np.int64],
    unit: int,
    smoothness: float,
    window: int,
    found: Bytes,
) -> None:
    """Smooth all classes, see :func:`landcover.raster.smoothing.smooth_probabilities`.

    Args:
        probabilities: Bytes of probabilities, (class, y, x), contiguous, 255 where nodata.
        logits: Logit of each byte but 255, whole numbers of 21 bits, (255,).
        unit: How many of them are 1, a power of two: to divide by it is exact.
        smoothness: σ².
        window: Side of the window, px, odd.
        found: Result, same shape; overwritten but where nodata.
    """
    # Code 0 is nodata and what lies outside of the image: lower than any threshold.
    table = np.concatenate([[_LOWEST], logits]).astype(np.int32)
    # Strips of one length, of whole vectors.
    strips = -(-probabilities.shape[2] // STRIP)
    width = -(-probabilities.shape[2] // (64 * strips)) * 64
    counts = np.zeros((4, width), np.uint8 if window <= _MOST_OF_BYTE else np.uint16)
    _smooth(probabilities, table, smoothness * unit * unit, 1 / unit, window // 2, counts, found)


@compiled()
def _smooth(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    probabilities, table, noise, per_unit, reach, counts, found
):
    n_classes, height, width = probabilities.shape
    window, side = 2 * reach + 1, counts.shape[1]
    codes = np.empty((n_classes, window, side + 2 * reach), np.uint8)
    logits = np.empty((n_classes, window, side + 2 * reach), np.int32)
    ends = np.empty((n_classes, 2, window), np.uint8)
    row = np.empty((n_classes, side))
    total, power = np.empty(side, np.int32), np.empty(side)
    pivots, trial, middle = np.empty(side, np.uint8), np.empty(side, np.uint8), np.empty_like(total)
    for left in range(0, width, side):
        n = min(side, width - left)
        codes[:], logits[:], ends[:] = 0, _LOWEST, 0
        for y in range(-reach, height):
            place = (y + reach) % window
            for k in range(n_classes):
                _enter(
                    probabilities[k], y + reach, left - reach, table, place, codes[k], logits[k],
                    ends[k],
                )  # fmt: skip
            if y < 0:
                continue
            for k in range(n_classes):
                low, high = ends[k, 0].min(), ends[k, 1].max()
                _find_middle(codes[k], low, high, counts, trial, pivots)
                for x in range(side):
                    middle[x] = table[pivots[x]]
                total[:], power[:] = 0, 0.0
                if low < high:
                    _add_above(logits[k], middle, total, power)
                _answer(
                    logits[k, y % window, reach:],
                    middle,
                    counts,
                    total,
                    power,
                    noise,
                    per_unit,
                    row[k],
                )
            _divide(probabilities[:, y, left : left + n], row, found[:, y, left : left + n])


@compiled()
def _enter(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    values, y, left, table, place, codes, logits, ends
):
    """Put a row into its place, over the one that leaves the window; note lowest and highest."""
    height, width = values.shape
    low, high = np.uint8(255), np.uint8(0)
    for i in range(codes.shape[1]):
        x = left + i
        # One more than the byte: 255 becomes 0.
        code = np.uint8(values[y, x] + 1) if y < height and 0 <= x < width else np.uint8(0)
        codes[place, i], logits[place, i] = code, table[code]
        low, high = min(low, code), max(high, code)
    ends[0, place], ends[1, place] = low, high


@compiled()
def _find_middle(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    codes, low, high, counts, trial, pivots
):
    """Find where the more confident half begins: the highest value that so many reach.

    Writes into ``counts``: how many are counted, half of the known ones, those above the pivot.
    """
    window = codes.shape[0]
    seen, half, above = counts[0], counts[1], counts[2]
    if low == 0:
        trial[:] = 1
        _count(codes, trial, seen)
        for x in range(half.size):
            half[x] = (seen[x] + 1) >> 1
    else:
        half[:] = (window * window + 1) // 2
    pivots[:], above[:] = low, 0
    step = int(low < high)
    while 0 < 2 * step <= int(high) - int(low):
        step *= 2
    while step > 0:
        wide = np.uint8(step)
        for x in range(trial.size):
            room = np.uint8(high - pivots[x])
            trial[x] = np.uint8(pivots[x] + (wide if room > wide else room))
        _count(codes, trial, seen)
        for x in range(trial.size):
            pivot, higher = pivots[x], trial[x]
            pivots[x] = higher if seen[x] >= half[x] else pivot
        for x in range(trial.size):
            # The last threshold that too few reach is the one above the pivot.
            before, now = above[x], seen[x]
            above[x] = before if now >= half[x] else now
        step >>= 1


@compiled()
def _count(codes, trial, seen):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Count the values of each window that reach its threshold."""
    window = codes.shape[0]
    nines = window // 9 * 9
    threes = nines + (window - nines) // 3 * 3
    seen[:] = 0
    for row in range(window):
        for first in range(0, nines, 9):
            _count_nine(codes[row, first:], trial, seen)
        for first in range(nines, threes, 3):
            _count_three(codes[row, first:], trial, seen)
        for first in range(threes, window):
            _count_one(codes[row, first:], trial, seen)


@compiled()
def _count_nine(codes, trial, seen):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    kind = seen.dtype.type
    for x in range(trial.size):
        low = trial[x]
        left = kind(codes[x] >= low) + kind(codes[x + 1] >= low) + kind(codes[x + 2] >= low)
        middle = kind(codes[x + 3] >= low) + kind(codes[x + 4] >= low) + kind(codes[x + 5] >= low)
        right = kind(codes[x + 6] >= low) + kind(codes[x + 7] >= low) + kind(codes[x + 8] >= low)
        seen[x] += left + middle + right


@compiled()
def _count_three(codes, trial, seen):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    kind = seen.dtype.type
    for x in range(trial.size):
        low = trial[x]
        seen[x] += kind(codes[x] >= low) + kind(codes[x + 1] >= low) + kind(codes[x + 2] >= low)


@compiled()
def _count_one(codes, trial, seen):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    for x in range(trial.size):
        seen[x] += seen.dtype.type(codes[x] >= trial[x])


@compiled()
def _add_above(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    logits, middle, total, power
):
    """Add up the logits above the pivot of each window, and their squares."""
    window = logits.shape[0]
    threes = window // 3 * 3
    for row in range(window):
        for first in range(0, threes, 3):
            _add_three(logits[row, first:], middle, total, power)
        for first in range(threes, window):
            _add_one(logits[row, first:], middle, total, power)


@compiled()
def _add_three(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    logits, middle, total, power
):
    none = np.int32(0)
    for x in range(total.size):
        low = middle[x]
        a = logits[x] if logits[x] > low else none
        b = logits[x + 1] if logits[x + 1] > low else none
        c = logits[x + 2] if logits[x + 2] > low else none
        total[x] += a + b + c
        power[x] += np.float64(a) * a + np.float64(b) * b + np.float64(c) * c


@compiled()
def _add_one(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    logits, middle, total, power
):
    for x in range(total.size):
        a = logits[x] if logits[x] > middle[x] else np.int32(0)
        total[x] += a
        power[x] += np.float64(a) * a


@compiled(error_model="numpy")
def _answer(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    own, middle, counts, total, power, noise, per_unit, smoothed
):
    """Give the smoothed probability of a class along a strip, not yet divided by the sum.

    Pixels without a value get some number.
    """
    half, above = counts[1], counts[2]
    for x in range(smoothed.size):
        n, level = np.float64(half[x]), np.float64(middle[x])
        rest = n - np.float64(above[x])
        whole = np.float64(total[x]) + rest * level
        squares = power[x] + rest * (level * level)
        # Whole numbers until the division: no digits are lost where neighbours agree.
        variance = (n * squares - whole * whole) / (n * (n - 1))
        variance = variance if half[x] > 1 else 0.0
        posterior = (variance * own[x] + noise * (whole / n)) / (variance + noise)
        smoothed[x] = posterior * -per_unit
    before, power_of_e = np.nan, 0.0
    for x in range(smoothed.size):
        if smoothed[x] != before:
            before = smoothed[x]
            power_of_e = math.exp(before)
        smoothed[x] = power_of_e
    for x in range(smoothed.size):
        smoothed[x] = 1 / (1 + smoothed[x])


@compiled()
def _divide(probabilities, row, found):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Divide by the sum of all classes, and round to bytes."""
    n_classes, n = probabilities.shape
    total = np.zeros(n)
    for k in range(n_classes):
        for x in range(n):
            total[x] += row[k, x]
    for k in range(n_classes):
        for x in range(n):
            if probabilities[k, x] != 255:
                found[k, x] = int(254 * row[k, x] / total[x] + 0.5)
