"""Class probabilities smoothed by those around, each window slid value by value."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.compiled import compiled
from landcover.raster.smoothing import logits_of_bytes

_UNITS = 1 << 16


def smooth_probabilities(
    probabilities: NDArray[np.uint8], smoothness: float, window: int
) -> NDArray[np.uint8]:
    """Smooth as ``raster.smoothing`` says."""
    found = np.full(probabilities.shape, 255, dtype=np.uint8)
    noise = smoothness * _UNITS * _UNITS
    _smooth(probabilities, logits_of_bytes(), noise, window // 2, found)
    return found


@compiled()
def _smooth(probabilities: Any, logits: Any, noise: float, reach: int, found: Any) -> None:
    n_classes, height, width = probabilities.shape
    row = np.empty((n_classes, width))
    for y in range(height):
        for k in range(n_classes):
            _smooth_row(probabilities[k], y, logits, noise, reach, row[k])
        for x in range(width):
            if probabilities[0, y, x] == 255:
                continue
            total = 0.0
            for k in range(n_classes):
                total += row[k, x]
            for k in range(n_classes):
                found[k, y, x] = int(254 * row[k, x] / total + 0.5)


@compiled()
def _smooth_row(values: Any, y: int, logits: Any, noise: float, reach: int, smoothed: Any) -> None:
    """Give the smoothed probability of a class along a row, not yet divided by the sum."""
    height, width = values.shape
    top, bottom = max(0, y - reach), min(height, y + reach + 1)
    counts = np.zeros(256, dtype=np.int64)
    # ``above``: how many values of the window are higher than ``pivot``, and their sums. The pivot
    # moves with the window, to where the more confident half begins.
    n, above, total, squares, pivot = 0, 0, 0, 0, 127
    for x in range(-reach, width):
        for step in range(2):
            column = x + reach if step == 0 else x - reach - 1
            if column < 0 or column >= width:
                continue
            sign = 1 if step == 0 else -1
            for r in range(top, bottom):
                value = values[r, column]
                if value == 255:
                    continue
                counts[value] += sign
                n += sign
                if value > pivot:
                    above += sign
                    total += sign * logits[value]
                    squares += sign * logits[value] * logits[value]
        if x < 0 or values[y, x] == 255:
            continue
        half = (n + 1) // 2
        while above >= half:
            pivot += 1
            above -= counts[pivot]
            total -= counts[pivot] * logits[pivot]
            squares -= counts[pivot] * logits[pivot] * logits[pivot]
        while above + counts[pivot] < half:
            above += counts[pivot]
            total += counts[pivot] * logits[pivot]
            squares += counts[pivot] * logits[pivot] * logits[pivot]
            pivot -= 1
        rest = half - above
        whole = total + rest * logits[pivot]
        power = squares + rest * logits[pivot] * logits[pivot]
        mean = whole / half
        variance = 0.0
        if half > 1:
            # Whole numbers until the division: no digits are lost where neighbours agree.
            variance = (half * power - whole * whole) / (half * (half - 1))
        own = logits[values[y, x]]
        posterior = (variance * own + noise * mean) / (variance + noise)
        smoothed[x] = 1 / (1 + math.exp(-posterior / _UNITS))
