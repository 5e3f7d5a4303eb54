"""Which tile a ground-truth point belongs to (docs/methods/labels.md#assignment-to-tiles)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landcover.labels.placement import Place, place_points
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
    placed = place_points(
        points["lon"].to_numpy(), points["lat"].to_numpy(), {tile: grids[tile] for tile in tiles}
    )
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


def _best(points: pd.DataFrame, placed: Mapping[str, Place], mode: Mode) -> NDArray[np.int64]:
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
