"""Which tile a ground-truth point belongs to (docs/methods/labels.md#assignment-to-tiles)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import Transformer

from landcover.nouns.grid import Grid
from landcover.tiling import mgrs_tile

Mode = Literal["primary", "all", "mgrs"]


def assign_points(
    points: pd.DataFrame, grids: Mapping[str, Grid], mode: Mode = "primary"
) -> dict[str, pd.DataFrame]:
    """Give each point to a tile, with its pixel there.

    Margins are measured to the edge of the tile's raster, so that a delivery that covers only a
    part of a tile is not given points it does not hold.

    Args:
        points: ``lon`` and ``lat`` in degrees, any further columns.
        grids: Work grid of each tile.
        mode: ``primary``: the tile in which the point lies deepest, ties to the smaller id;
            ``all``: every tile that holds it; ``mgrs``: the tile of its 100 km square, or the
            primary one where that square has none here.

    Returns:
        Tile → its points with ``row`` and ``column`` of their pixel, in the order given. Tiles
        without points are absent; so are points outside every grid.
    """
    tiles = sorted(grids)
    placed = _place_all(points, {tile: grids[tile] for tile in tiles})
    chosen = None if mode == "all" else _best(points, placed, mode)
    result = {}
    for number, (tile, place) in enumerate(placed.items()):
        is_own = np.ones(len(place.points), bool)
        if chosen is not None:
            is_own = chosen[place.points] == number
        if is_own.any():
            mine = points.iloc[place.points[is_own]]
            result[tile] = mine.assign(row=place.rows[is_own], column=place.columns[is_own])
    return result


class _Place(NamedTuple):
    """The points that lie in a tile, in the order given, with their pixels."""

    points: NDArray[np.int64]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    margin: NDArray[np.float64]
    """Distance to the nearest edge of the raster, metres."""


def _place_all(points: pd.DataFrame, grids: Mapping[str, Grid]) -> dict[str, _Place]:
    """Find the points of each tile; each zone projects them once, whatever its tiles."""
    found: dict[str, _Place] = {}
    for crs in dict.fromkeys(grid.crs for grid in grids.values()):
        to_grid = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
        x, y = to_grid.transform(points["lon"].to_numpy(), points["lat"].to_numpy())
        # In the order of x the points of a tile are a run; infinite ones come last.
        order = np.argsort(x, kind="stable")
        for tile, grid in grids.items():
            if grid.crs == crs:
                first, last = np.searchsorted(x[order], (grid.bounds[0], grid.bounds[2]))
                found[tile] = _place(x, y, np.sort(order[first:last]), grid)
    return {tile: found[tile] for tile in grids}


def _place(
    x: NDArray[np.float64], y: NDArray[np.float64], near: NDArray[np.int64], grid: Grid
) -> _Place:
    west, south, east, north = grid.bounds
    # A point exactly on the southern or eastern edge lies on the next tile's first pixel.
    near = near[(y[near] > south) & (y[near] <= north) & (x[near] < east)]
    x, y = x[near], y[near]
    margin = np.minimum(np.minimum(x - west, east - x), np.minimum(y - south, north - y))
    rows = np.floor((grid.uly - y) / grid.pixel)
    columns = np.floor((x - grid.ulx) / grid.pixel)
    return _Place(near, rows.astype(np.int64), columns.astype(np.int64), margin)


def _best(points: pd.DataFrame, placed: Mapping[str, _Place], mode: Mode) -> NDArray[np.int64]:
    """Give the number of the tile that each point belongs to; -1 where it lies in none."""
    deepest = np.full(len(points), -1.0)
    best = np.full(len(points), -1)
    for number, place in enumerate(placed.values()):
        # Of equal margins the first stays: the smaller id.
        is_deeper = place.margin > deepest[place.points]
        which = place.points[is_deeper]
        deepest[which], best[which] = place.margin[is_deeper], number
    if mode == "mgrs":
        named = {tile: number for number, tile in enumerate(placed)}
        squares = np.array(
            [
                named.get(mgrs_tile(lon, lat), -1)
                for lon, lat in zip(points["lon"], points["lat"], strict=True)
            ],
            dtype=np.int64,
        )
        for number, place in enumerate(placed.values()):
            own = place.points[squares[place.points] == number]
            best[own] = number
    return best
