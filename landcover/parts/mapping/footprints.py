"""Footprints of tiles in other coordinate reference systems."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from landcover.nouns.grid import Grid

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from landcover.raster.resample import Project


@cache
def footprint_in(grid: Grid, crs: str) -> BaseGeometry:
    """Draw the footprint of a UTM tile in another CRS, its sides densified.

    Args:
        grid: Grid of the tile, UTM.
        crs: The other CRS.

    Returns:
        A polygon, or several where the antimeridian cuts it.
    """
    import numpy as np
    import shapely
    from shapely.geometry import shape

    from landcover.publish.outlines import outline_of

    outline = shape(outline_of(grid))
    if crs == "EPSG:4326":
        return outline
    project = projection("EPSG:4326", crs)

    return shapely.transform(outline, lambda points: np.column_stack(project(*points.T)))


def do_touch(grid: Grid, target: Grid) -> bool:
    """Tell whether a UTM tile has an area in common with a grid of any CRS."""
    import shapely

    return bool(
        shapely.intersection(footprint_in(grid, target.crs), shapely.box(*target.bounds)).area > 0
    )


@cache
def projection(origin: str, goal: str) -> Project:
    """Give the function from (x, y) of one CRS to (x, y) of another, infinite where there is none.

    Args:
        origin: CRS of the coordinates, ``EPSG:n``.
        goal: CRS that is wanted.
    """
    from pyproj import Transformer

    return Transformer.from_crs(origin, goal, always_xy=True).transform
