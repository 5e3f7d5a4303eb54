"""Which pixels resemble no training sample, one pixel after the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from landcover.compiled import compiled
from landcover.learn.applicability import Applicability

_STEP = 8


def is_outside(known: Applicability, features: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell which pixels resemble no training sample, bool, (n,), of features (n, d)."""
    columns = known.order
    placed = (features[:, columns] - known.centre[columns]) * known.factor[columns]
    placed = np.ascontiguousarray(placed)
    return np.asarray(_is_far(placed, known.references, known.threshold))


@compiled()
def _is_far(  # pragma: no cover - compiled
    pixels: NDArray[np.float32], references: NDArray[np.float32], threshold: np.float32
) -> NDArray[np.bool_]:
    found = np.empty(pixels.shape[0], dtype=np.bool_)
    n, width = references.shape
    last = 0
    for pixel in range(pixels.shape[0]):
        is_far = True
        for number in range(n):
            # A neighbour's reference is asked first: it is near most often, and one suffices.
            reference = last if number == 0 else number - 1 if number <= last else number
            total = np.float32(0)
            column = 0
            while column < width and total <= threshold:
                for c in range(column, min(column + _STEP, width)):
                    difference = pixels[pixel, c] - references[reference, c]
                    total += difference * difference
                column += _STEP
            if total <= threshold:
                is_far = False
                last = reference
                break
        found[pixel] = is_far
    return found
