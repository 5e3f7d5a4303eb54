"""Small holes of an elevation filled from around them (docs/methods/terrain.md#voids)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

_TOUCHING = np.ones((3, 3), dtype=bool)
"""Cells that touch at a corner belong to one void."""


def fill_voids(
    elevation: npt.NDArray[np.float32], largest: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """Fill small voids by the heights around them, weighted by their inverse squared distances.

    A void that reaches the edge of the array stays: nobody knows how large it is.

    Args:
        elevation: Metres, float32, (y, x), NaN where void.
        largest: Cells of the largest void that is filled; 0 fills none.

    Returns:
        The elevation, float32, and True where it was filled, bool; both (y, x).
    """
    is_void = np.isnan(elevation)
    is_filled = np.zeros(elevation.shape, dtype=bool)
    if largest < 1 or not is_void.any():
        return elevation, is_filled
    filled = elevation.copy()
    void_of, _ = ndimage.label(is_void, _TOUCHING)
    sizes = np.bincount(void_of.ravel())
    for number, (rows, columns) in enumerate(ndimage.find_objects(void_of), start=1):
        touches = rows.start == 0 or columns.start == 0
        touches |= rows.stop == elevation.shape[0] or columns.stop == elevation.shape[1]
        if sizes[number] > largest or touches:
            continue
        around = (
            slice(rows.start - 1, rows.stop + 1),
            slice(columns.start - 1, columns.stop + 1),
        )
        is_here = void_of[around] == number
        is_rim = ndimage.binary_dilation(is_here, _TOUCHING) & ~is_here
        filled[around][is_here] = _weighted(elevation[around], is_here, is_rim)
        is_filled[around] |= is_here
    return filled, is_filled


def _weighted(
    heights: npt.NDArray[np.float32], is_here: npt.NDArray[np.bool_], is_rim: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    targets, sources = np.argwhere(is_here), np.argwhere(is_rim)
    squares = ((targets[:, np.newaxis] - sources[np.newaxis]) ** 2).sum(axis=2)
    weights = 1.0 / squares
    known = heights[is_rim].astype(np.float64)
    return np.asarray((weights * known).sum(axis=1) / weights.sum(axis=1))
