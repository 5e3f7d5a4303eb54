"""Means over square neighbourhoods, of whole windows and of single pixels alike."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]


def offsets(radius: int) -> Iterator[tuple[int, int]]:
    """Give the (row, column) steps from a pixel to each of its square neighbourhood, in order."""
    for row in range(-radius, radius + 1):
        for column in range(-radius, radius + 1):
            yield row, column


class NeighbourMean:
    """The mean of what is known around some pixels, added up step by step.

    Sums are float64 in the order of :func:`offsets`, so a window and a single pixel agree in every
    bit.
    """

    def __init__(self, centre: Values) -> None:
        """Begin.

        Args:
            centre: Values of the pixels themselves, float32, any shape, NaN where nodata.
        """
        self._is_known = np.isfinite(centre)
        self._total = np.zeros(centre.shape)
        self._count = np.zeros(centre.shape, dtype=np.int32)

    def add(self, neighbours: Values, here: tuple[slice, ...] | NDArray[np.bool_]) -> None:
        """Add the neighbours of one step.

        Args:
            neighbours: Their values, float32, NaN where nodata.
            here: Which pixels have such a neighbour inside the image.
        """
        seen = np.isfinite(neighbours)
        self._total[here] += np.where(seen, neighbours, 0)
        self._count[here] += seen

    def result(self) -> Values:
        """Give the means, float32; NaN where the pixel itself is nodata."""
        mean = self._total / np.maximum(self._count, 1)
        return np.where(self._is_known, mean, np.nan).astype(np.float32)


def box_mean(values: Values, radius: int) -> Values:
    """Take the mean of what is known in the square around each pixel.

    Args:
        values: float32, (y, x), NaN where nodata.
        radius: Pixels on each side: 1 for 3 x 3.

    Returns:
        float32, (y, x), NaN where the pixel itself is; beyond the edge is nothing.
    """
    height, width = values.shape
    mean = NeighbourMean(values)
    for row, column in offsets(radius):
        here = (_inside(row, height), _inside(column, width))
        there = (_inside(-row, height), _inside(-column, width))
        mean.add(values[there], here)
    return mean.result()


def _inside(step: int, size: int) -> slice:
    """Give the pixels whose neighbour at a step lies inside an axis."""
    return slice(max(0, -step), max(0, min(size, size - step)))
