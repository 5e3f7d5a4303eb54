"""How many pixels of two rasters differ."""

from __future__ import annotations

import numpy as np

from landcover.stores.rasters import open_raster

_BLOCK = 1024


def differing_pixels(one: str, other: str) -> tuple[int | None, int]:
    """Count the pixels in which two rasters differ in any band, window by window.

    Returns:
        How many differ, None where size, bands or place differ; and how many there are.
    """
    count = 0
    with open_raster(one) as left, open_raster(other) as right:
        mine, theirs = left.info, right.info
        total = mine.shape[0] * mine.shape[1]
        if mine.grid is None or (mine.grid, mine.bands) != (theirs.grid, theirs.bands):
            return None, total
        for window in mine.grid.windows(_BLOCK, _BLOCK):
            a, b = left.read(window), right.read(window)
            is_nan = np.zeros(a.shape, np.bool_)
            if a.dtype.kind == "f" and b.dtype.kind == "f":
                is_nan = np.isnan(a) & np.isnan(b)
            count += int(((a != b) & ~is_nan).any(axis=0).sum())
    return count, total
