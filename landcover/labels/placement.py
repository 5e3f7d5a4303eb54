"""Where points lie in tiles, from coordinates alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from landcover.nouns.grid import Grid


class Place(NamedTuple):
    """The points that lie in a tile, in the order given, with their pixels."""

    points: NDArray[np.int64]
    """Places in the list of points."""
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    margin: NDArray[np.float64]
    """Distance to the nearest edge of the raster, metres."""


def place_points(
    lon: NDArray[np.float64], lat: NDArray[np.float64], grids: Mapping[str, Grid]
) -> dict[str, Place]:
    """Find the points of each tile; each zone projects them once, whatever its tiles.

    Args:
        lon: Longitudes, degrees.
        lat: Latitudes, degrees.
        grids: Work grid of each tile.

    Returns:
        Tile → its points; those of a point in several tiles are among all of them.
    """
    found: dict[str, Place] = {}
    for crs in dict.fromkeys(grid.crs for grid in grids.values()):
        to_grid = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
        x, y = to_grid.transform(lon, lat)
        # In the order of x the points of a tile are a run; infinite ones come last.
        order = np.argsort(x, kind="stable")
        for tile, grid in grids.items():
            if grid.crs == crs:
                first, last = np.searchsorted(x[order], (grid.bounds[0], grid.bounds[2]))
                found[tile] = _place(x, y, np.sort(order[first:last]), grid)
    return {tile: found[tile] for tile in grids}


def _place(
    x: NDArray[np.float64], y: NDArray[np.float64], near: NDArray[np.int64], grid: Grid
) -> Place:
    west, south, east, north = grid.bounds
    # A point exactly on the southern or eastern edge lies on the next tile's first pixel.
    near = near[(y[near] > south) & (y[near] <= north) & (x[near] < east)]
    x, y = x[near], y[near]
    margin = np.minimum(np.minimum(x - west, east - x), np.minimum(y - south, north - y))
    rows = np.floor((grid.uly - y) / grid.pixel)
    columns = np.floor((x - grid.ulx) / grid.pixel)
    return Place(near, rows.astype(np.int64), columns.astype(np.int64), margin)
