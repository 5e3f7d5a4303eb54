"""Tile ids, the grids they stand for, and the list of the tiles that exist.

A tile is named by its MGRS 100 km square: ``30SUF`` is zone 30, latitude band S, column U, row F.
Northings are counted from the equator here, negative in the south: the published grid is snapped
to 60 m from the equator in both hemispheres, so one formula serves both.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.tiling.utm import FALSE_NORTHING, ZONES

SIDE = 109_800
"""Side of a tile, metres: its square and about 9.8 km more to the east and the south."""
SQUARE = 100_000
"""Side of an MGRS square, metres."""
SNAP = 60
"""Tile corners are multiples of this, metres, so that 10, 20 and 60 m pixels share them."""

BANDS = "CDEFGHJKLMNPQRSTUVWX"
COLUMNS = ("STUVWXYZ", "ABCDEFGH", "JKLMNPQR")
"""Column letters by zone modulo 3; the first stands 100 km east of the zone's false origin."""
ROWS = "ABCDEFGHJKLMNPQRSTUV"

ROW_0 = 101
"""Where row 0 stands in the tables: rows -101 to 100 leave an empty one beyond either pole."""
TABLE = (ZONES + 1, 2 * ROW_0, 11)
"""Shape of the tables: zone (0 unused), row, column (0, 9 and 10 always empty)."""


class Square(NamedTuple):
    """A 100 km square of one zone."""

    zone: int
    """UTM zone, 1-60."""
    row: int
    """Southern edge, in 100 km from the equator, negative in the south."""
    column: int
    """Western edge, in 100 km of UTM easting, 1-8."""


@dataclass(frozen=True)
class TileList:
    """The tiles that exist, as tables over (zone, row + ROW_0, column)."""

    ids: NDArray[np.str_]
    """Tile id, empty where the square has no tile."""
    is_land: NDArray[np.bool_]
    """True where the tile holds land."""


def tile_grid(tile: str, resolution: int = 10) -> Grid:
    """Give the exact raster grid of a tile.

    Args:
        tile: Tile id, such as ``30SUF``.
        resolution: Pixel side, whole metres, a divisor of 109,800.

    Returns:
        The grid in the tile's UTM zone, 109,800 m wide and high.

    Raises:
        InputError: The id is not well formed or names no tile, or the resolution does not
            divide the tile.

    Examples:
        >>> from landcover import api
        >>> api.tile_grid("30SUF").transform
        (10.0, 0.0, 300000.0, 0.0, -10.0, 4100040.0)
    """
    square = square_of(tile)
    try:
        pixel = operator.index(resolution)
    except TypeError:
        pixel = 0
    if pixel < 1 or SIDE % pixel:
        raise InputError(
            f"Tile {tile}: resolution must be a whole number of metres that divides {SIDE}, "
            f"found {resolution!r}; choose 10, 20 or 60."
        )
    ulx, uly = upper_left(square.row, square.column)
    south = square.row < 0
    return Grid(
        crs=f"EPSG:{32700 + square.zone if south else 32600 + square.zone}",
        ulx=float(ulx),
        uly=float(uly + FALSE_NORTHING if south else uly),
        pixel=float(pixel),
        width=SIDE // pixel,
        height=SIDE // pixel,
    )


def neighbours_of(tile: str) -> list[str]:
    """List the tiles of a tile's zone and hemisphere that share ground with it, up to eight.

    Tiles stand 100 km apart and are 109.8 km wide, so each overlaps those around it.

    Args:
        tile: Tile id.

    Raises:
        InputError: The id is not well formed or names no tile.
    """
    square = square_of(tile)
    place = square.row + ROW_0
    rows = slice(place - 1, place + 2)
    around = tile_list().ids[square.zone, rows, square.column - 1 : square.column + 2]
    is_same_half = (np.arange(place - 1, place + 2) < ROW_0) == (square.row < 0)
    found = around[is_same_half].ravel()
    return [str(other) for other in found if other and other != tile]


def upper_left(row: Any, column: Any) -> tuple[Any, Any]:
    """Give the upper-left corner of a square's tile: outwards to the next multiple of 60 m.

    Args:
        row: Row of the square, integer or integer array.
        column: Column of the square, integer or integer array.

    Returns:
        Easting and northing from the equator, metres, whole numbers of the same kind.
    """
    return SNAP * (column * SQUARE // SNAP), -SNAP * (-(row + 1) * SQUARE // SNAP)


def square_of(tile: str) -> Square:
    """Find the square that a tile id names.

    Raises:
        InputError: The id is not well formed or names no tile.
    """
    if not isinstance(tile, str) or not re.fullmatch("[0-9]{2}[A-Z]{3}", tile):
        raise InputError(
            f"Tile {tile!r}: expected two digits and three capital letters, such as 30SUF; "
            "correct the id."
        )
    zone, band, column, row = int(tile[:2]), tile[2], tile[3], tile[4]
    for found, what, allowed in (
        (f"{zone:02d}", "zone", [f"{z:02d}" for z in range(1, ZONES + 1)]),
        (band, "latitude band", list(BANDS)),
        (column, f"column letter of zone {zone:02d}", list(COLUMNS[zone % 3])),
        (row, "row letter", list(ROWS)),
    ):
        if found not in allowed:
            expected = "01 to 60" if what == "zone" else f"one of {''.join(allowed)}"
            raise InputError(
                f"Tile {tile}: {what} must be {expected}, found {found}; correct the id."
            )
    square = Square(zone, _row(zone, band, row), COLUMNS[zone % 3].index(column) + 1)
    listed = str(tile_list().ids[zone, square.row + ROW_0, square.column])
    if listed != tile:
        remedy = (
            f"that square's centre lies in band {listed[2]}, use {listed}"
            if listed
            else "other tiles cover that square, find them with tiles_containing"
        )
        raise InputError(f"Tile {tile}: the Sentinel-2 grid has no tile of this name; {remedy}.")
    return square


@cache
def tile_list() -> TileList:
    """Read the packaged list of tiles; its format is described in :mod:`landcover.tiling`."""
    ids = np.full(TABLE, "", dtype="U5")
    is_land = np.zeros(TABLE, dtype=np.bool_)
    text = (resources.files("landcover.tiling") / "tiles.txt").read_text(encoding="ascii")
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, *words = line.split()
        zone, letters = int(name[:2]), COLUMNS[int(name[:2]) % 3]
        for word in words:
            rows, columns = word.split(":")
            for row in rows:
                place = ROW_0 + _row(zone, name[2], row)
                for column in columns:
                    where = zone, place, letters.index(column.upper()) + 1
                    ids[where] = name + column.upper() + row
                    is_land[where] = column.isupper()
    ids.flags.writeable = is_land.flags.writeable = False
    return TileList(ids, is_land)


def _row(zone: int, band: str, letter: str) -> int:
    """Resolve a row letter, which comes again every 2,000 km, by its latitude band.

    A band is 8° (12° in the north, and C and X reach on to the end of the grid), less than half
    of the 18° between two rows of one letter: the row nearest to the band's middle is the only
    one that can lie in it. A degree of latitude is 1.11 rows.
    """
    k = ROWS.index(letter) - (0 if zone % 2 else 5)
    middle = {"C": -79.0, "X": 79.0}.get(band, BANDS.index(band) * 8 - 76.0)
    return k + 20 * round((middle * 1.11 - 0.5 - k) / 20)
