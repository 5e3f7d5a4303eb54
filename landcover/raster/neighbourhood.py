"""Means over square neighbourhoods, of windows and of patches around single pixels alike."""

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


def mean_inside(values: Values, radius: int) -> Values:
    """Take the mean of what is known in the square around each pixel that has all of it.

    Sums are float64, pixel by pixel in the order of :func:`offsets` and no running sums, so every
    block that holds a pixel and its square gives it the same bits.

    Args:
        values: float32, (…, y + 2·radius, x + 2·radius), NaN where nodata.
        radius: Pixels on each side: 1 for 3 x 3.

    Returns:
        float32, (…, y, x), NaN where the pixel itself is.
    """
    height, width = (size - 2 * radius for size in values.shape[-2:])
    is_known = np.isfinite(values)
    filled = np.where(is_known, values, np.float32(0))
    total = np.zeros((*values.shape[:-2], height, width))
    count = np.zeros(total.shape, dtype=np.int32)
    for row, column in offsets(radius):
        top, left = radius + row, radius + column
        there = (..., slice(top, top + height), slice(left, left + width))
        total += filled[there]
        count += is_known[there]
    centre = is_known[..., radius : radius + height, radius : radius + width]
    total /= np.maximum(count, 1)
    return np.where(centre, total, np.nan).astype(np.float32)


def box_mean(values: Values, radius: int) -> Values:
    """Take the mean of what is known in the square around each pixel.

    Args:
        values: float32, (y, x), NaN where nodata.
        radius: Pixels on each side: 1 for 3 x 3.

    Returns:
        float32, (y, x), NaN where the pixel itself is; beyond the edge is nothing.
    """
    return mean_inside(np.pad(values, radius, constant_values=np.nan), radius)
