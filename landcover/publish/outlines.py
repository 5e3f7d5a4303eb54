"""Where a grid lies on the globe."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.recipe.mosaic import CELL_SIDE
from landcover.tiling.geometry import split_at_antimeridian
from landcover.tiling.utm import FALSE_NORTHING, central_meridian, unproject

Floats = NDArray[np.float64]
POINTS_PER_SIDE = 9
"""Enough that a straight line between two points is off by less than a metre on a tile's side."""
DECIMALS = 7
"""Of a degree: about a centimetre."""


def outline_of(grid: Grid) -> dict[str, Any]:
    """Draw the footprint of a UTM grid, or of a cell of a target grid, as a GeoJSON geometry.

    Args:
        grid: Grid of a tile or mosaic.

    Returns:
        A polygon in longitude and latitude, degrees, counter-clockwise, its sides densified; two
        polygons where the antimeridian cuts it.

    Raises:
        InputError: The grid is neither in UTM nor in a CRS of the recipe's target grids.
    """
    import shapely

    left, bottom, right, top = grid.bounds
    corners = shapely.LinearRing([(left, top), (left, bottom), (right, bottom), (right, top)])
    longest = max(right - left, top - bottom) / (POINTS_PER_SIDE - 1)
    x, y = shapely.get_coordinates(shapely.segmentize(corners, longest * (1 + 1e-9))).T
    lon, lat = lonlat_of(grid, x, y)
    ring = np.column_stack([lon, lat])
    ring[-1] = ring[0]
    pieces = split_at_antimeridian(np.array([shapely.Polygon(ring)], dtype=object))
    whole = pieces[0] if len(pieces) == 1 else shapely.MultiPolygon(list(pieces))
    return _rounded(shapely.geometry.mapping(whole))


def lonlat_of(grid: Grid, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Give longitude and latitude of places in the CRS of a grid.

    Args:
        grid: Grid of a tile or mosaic.
        x: Easting, or longitude, in the unit of the CRS, float64.
        y: Northing, or latitude, likewise.

    Returns:
        Longitude and latitude, degrees, float64. Beside the antimeridian longitudes of a UTM grid
        go on beyond 180.

    Raises:
        InputError: The grid is neither in UTM nor in a CRS of the recipe's target grids.
    """
    epsg = grid.crs.removeprefix("EPSG:")
    if epsg.isdigit() and len(epsg) == 5 and epsg[:3] in ("326", "327"):
        relative, lat = unproject(x, y - (FALSE_NORTHING if epsg[:3] == "327" else 0))
        return relative + central_meridian(int(epsg[3:])), lat
    if grid.crs not in CELL_SIDE:
        raise InputError(
            f"{grid.describe()}: expected a UTM grid (EPSG:326xx or 327xx) or one of "
            f"{', '.join(CELL_SIDE)}."
        )
    return Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform(x, y)


def _rounded(geometry: dict[str, Any]) -> dict[str, Any]:
    def walk(part: Any) -> Any:
        if isinstance(part, float):
            return round(part, DECIMALS)
        return [walk(inner) for inner in part]

    return {"type": geometry["type"], "coordinates": walk(geometry["coordinates"])}
