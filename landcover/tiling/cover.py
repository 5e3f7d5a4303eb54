"""Few tiles that still cover an area: greedy set cover."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from landcover.tiling.geometry import Region, split_at_antimeridian
from landcover.tiling.utm import equal_area

if TYPE_CHECKING:
    from shapely import Polygon

DENSE_DEGREES = 0.05
"""Longest edge of the area when it is projected."""
SEAM_M = 2.0
"""A tile counts as covering this much more than its drawn edge: chords of footprints and areas
leave the true edge by up to half a metre in the plane, and must not call for another tile."""
THREAD_M = 0.5
"""Half the width of the strip that stands for a line, radius of the disc that stands for a
point: they take part in the cover by their area."""


def thin_out(tiles: Sequence[str], footprints: Sequence[Polygon], region: Region) -> list[str]:
    """Leave out tiles that only repeat area which others cover.

    Takes the tile with the largest uncovered area first, ties to the first in the sequence
    (Chvátal 1979: at most ln(n) + 1 times as many as needed).

    Args:
        tiles: Tile ids, sorted.
        footprints: Footprint of each, EPSG:4326, longitudes continuous.
        region: Area of interest.

    Returns:
        The tiles taken, sorted.
    """
    import shapely

    if not tiles:
        return []
    area = _plane_region(region)
    covers = np.array([_plane(split_at_antimeridian(np.array([one]))) for one in footprints])
    left = shapely.intersection(area, covers)
    gain = _areas(left)
    wide = shapely.buffer(covers, SEAM_M, quad_segs=1)
    tree = shapely.STRtree(wide)
    taken = []
    while gain.max() > 0:
        best = int(np.argmax(gain))
        taken.append(tiles[best])
        near = tree.query(wide[best], predicate="intersects")
        left[near] = shapely.difference(left[near], wide[best])
        gain[near] = _areas(left[near])
        gain[best] = 0.0
    return sorted(taken)


def _areas(geometries: Any) -> Any:
    """Measure areas to a tenth of a square metre, below which equal ones differ by rounding."""
    import shapely

    return np.round(shapely.area(geometries), 1)


def _plane_region(region: Region) -> Any:
    import shapely

    threads = [
        shapely.buffer(_plane(np.array([part])), THREAD_M, quad_segs=2)
        for part in (region.points, region.lines)
    ]
    return shapely.union_all([_plane(np.array([region.polygons])), *threads])


def _plane(parts: Any) -> Any:
    """Join geometries in EPSG:4326 in the equal-area plane, metres."""
    import shapely

    dense = shapely.segmentize(parts, DENSE_DEGREES)
    return shapely.union_all(shapely.transform(dense, equal_area))
