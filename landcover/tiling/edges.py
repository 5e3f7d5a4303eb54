"""Edges that stay straight in the reference system in which they were drawn."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

LONGEST_DEGREES = 0.01
"""Longest edge in degrees. Along a parallel at 60° its chord on a map leaves it by 1 cm
(sagitta L² tan(latitude) / 8R, L = 560 m)."""
LONGEST_M = 1000.0
"""Longest edge in metres, for systems with a unit of length."""
MOST_PARTS = 20_000
"""Parts of the longest edge; a box around the world needs no more."""


def densify(geometries: NDArray[Any], crs: str) -> NDArray[Any]:
    """Put vertices on long edges, so that they stay straight in their own system when projected.

    An edge between two corners along a parallel is no straight line on a UTM map: at 37° and 12°
    of length the middle lies 17 km off its chord. Geometries without a long edge stay as they are,
    vertex by vertex.

    Args:
        geometries: Shapely geometries or None, (geometry,).
        crs: Reference system of their coordinates.

    Returns:
        Geometries of the same place; (geometry,).
    """
    import shapely

    longest = _longest(crs)
    bounds = shapely.bounds(geometries)
    extent = np.max(bounds[:, 2:] - bounds[:, :2], axis=1, initial=-np.inf)
    is_long = np.isfinite(extent) & (extent > longest)
    if not is_long.any():
        return geometries
    dense = np.array(geometries, dtype=object)
    steps = np.maximum(longest, extent[is_long] / MOST_PARTS)
    dense[is_long] = shapely.segmentize(dense[is_long], steps)
    return dense


@lru_cache(maxsize=64)
def _longest(crs: str) -> float:
    from pyproj import CRS

    known = CRS.from_user_input(crs)
    if known.is_geographic:
        return LONGEST_DEGREES
    factor = known.axis_info[0].unit_conversion_factor if known.axis_info else 1.0
    return LONGEST_M / (factor or 1.0)
