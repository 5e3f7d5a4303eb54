"""Which tile a ground-truth point belongs to (docs/methods/labels.md#assignment-to-tiles)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

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
    places = {tile: _place(points, grids[tile]) for tile in tiles}
    margins = np.stack([places[tile][2] for tile in tiles]) if tiles else np.empty((0, len(points)))
    owned = _owned(points, tiles, margins, mode)
    result = {}
    for number, tile in enumerate(tiles):
        mine = owned[number]
        if mine.any():
            rows, columns, _ = places[tile]
            result[tile] = points[mine].assign(row=rows[mine], column=columns[mine])
    return result


def _owned(
    points: pd.DataFrame, tiles: list[str], margins: NDArray[np.float64], mode: Mode
) -> NDArray[np.bool_]:
    inside = margins >= 0
    if mode == "all" or not tiles:
        return inside
    # argmax takes the first of equal margins: the smaller id.
    best = np.where(inside.any(axis=0), np.argmax(margins, axis=0), -1)
    if mode == "mgrs":
        index = {tile: number for number, tile in enumerate(tiles)}
        named = [
            index.get(mgrs_tile(lon, lat), -1)
            for lon, lat in zip(points["lon"], points["lat"], strict=True)
        ]
        for point, number in enumerate(named):
            if number >= 0 and inside[number, point]:
                best[point] = number
    return np.asarray(np.arange(len(tiles))[:, None] == best[None, :], dtype=np.bool_)


def _place(
    points: pd.DataFrame, grid: Grid
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    to_grid = Transformer.from_crs("EPSG:4326", grid.crs, always_xy=True)
    x, y = to_grid.transform(points["lon"].to_numpy(), points["lat"].to_numpy())
    west, south, east, north = grid.bounds
    margin = np.minimum(np.minimum(x - west, east - x), np.minimum(y - south, north - y))
    # A point exactly on the southern or eastern edge lies on the next tile's first pixel.
    on_far_edge = (x >= east) | (y <= south)
    margin = np.where(np.isfinite(margin) & ~on_far_edge, margin, -1.0)
    rows = np.floor((grid.uly - np.where(margin >= 0, y, grid.uly)) / grid.pixel)
    columns = np.floor((np.where(margin >= 0, x, grid.ulx) - grid.ulx) / grid.pixel)
    return rows.astype(np.int64), columns.astype(np.int64), margin
