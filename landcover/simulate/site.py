"""Where the simulated pixels lie: the corner of a tile, and a window of each tile.

The arithmetic of the tiling grid is written here a second time on purpose: a simulator that
asked the library where a tile lies could not find the library wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import ceil, floor

import numpy as np
import numpy.typing as npt
from pyproj import Transformer

from landcover.errors import InputError
from landcover.nouns.grid import Grid

TILE_M = 109_800
"""Side of a Sentinel-2 tile, m."""
LATTICE_M = 60
"""Pixel of the coarsest band, m: all corners are multiples of it."""
WINDOW_OVERLAP = 0.15
"""Share of a window that it has in common with its neighbour."""
PLACE_ALONE = 0.25
"""Centre of the windows along an axis without a neighbour, as a share of the tile from its
upper-left corner: away from the strips that tiles share (for 30SUF it lies on land)."""

_BANDS = "CDEFGHJKLMNPQRSTUVWX"
_COLUMNS = {1: "ABCDEFGH", 2: "JKLMNPQR", 0: "STUVWXYZ"}
_ROWS = "ABCDEFGHJKLMNPQRSTUV"


def crs_of(tile: str) -> str:
    """Name the UTM zone of a tile as ``EPSG:n``."""
    return f"EPSG:{(32600 if tile[2] >= 'N' else 32700) + int(tile[:2])}"


def corner_of(tile: str) -> tuple[int, int]:
    """Give the upper-left corner (easting, northing) of a tile, m (spec: tiles §1).

    Raises:
        InputError: The id names no square of the grid.
    """
    try:
        zone, band = int(tile[:2]), tile[2]
        _BANDS.index(band)
        east = (_COLUMNS[zone % 3].index(tile[3]) + 1) * 100_000
        row = _ROWS.index(tile[4])
        well_formed = len(tile) == 5 and 1 <= zone <= 60
    except (ValueError, IndexError):
        well_formed = False
    if not well_formed:
        raise InputError(f"{tile!r} is no Sentinel-2 tile; give ids such as 30SUF.")
    cycle = (row - (5 if zone % 2 == 0 else 0)) % 20 * 100_000
    to_degrees = Transformer.from_crs(crs_of(tile), "EPSG:4326", always_xy=True)
    for north in range(cycle, 10_000_000, 2_000_000):
        _, latitude = to_degrees.transform(east + 50_000, north + 50_000)
        if _band_at(latitude) == band:
            origin = 0 if band >= "N" else 10_000_000
            up = origin + LATTICE_M * ceil((north + 100_000 - origin) / LATTICE_M)
            return LATTICE_M * floor(east / LATTICE_M), up
    raise InputError(f"{tile!r} is no Sentinel-2 tile: no such square in latitude band {band}.")


def _band_at(latitude: float) -> str:
    return _BANDS[min(max(floor((latitude + 80) / 8), 0), len(_BANDS) - 1)]


@dataclass(frozen=True)
class Site:
    """The windows of some neighbouring tiles and the rectangle that holds them all."""

    windows: dict[str, Grid]
    """Work area of each tile, 10 m grid, in the order asked for."""
    hull: Grid
    """Smallest 10 m grid that holds all windows."""

    @property
    def tiles(self) -> tuple[str, ...]:
        """Tile ids in the order asked for."""
        return tuple(self.windows)

    def slices(self, tile: str, factor: int = 1) -> tuple[slice, slice]:
        """Cut a tile's window out of a hull array whose pixel is ``factor`` × 10 m."""
        window = self.windows[tile]
        row, column = self.hull.pixel_at(window.ulx + 5, window.uly - 5)
        return (
            slice(row // factor, (row + window.height) // factor),
            slice(column // factor, (column + window.width) // factor),
        )

    @cached_property
    def is_inside(self) -> npt.NDArray[np.bool_]:
        """True where a pixel of the hull lies in a window, bool, (y, x)."""
        inside = np.zeros(self.hull.shape, dtype=np.bool_)
        for tile in self.windows:
            inside[self.slices(tile)] = True
        return inside

    @cached_property
    def to_degrees(self) -> Transformer:
        """From easting and northing to longitude and latitude."""
        return Transformer.from_crs(self.hull.crs, "EPSG:4326", always_xy=True)

    @cached_property
    def centre(self) -> tuple[float, float]:
        """Longitude and latitude of the middle, degrees."""
        left, bottom, right, top = self.hull.bounds
        lon, lat = self.to_degrees.transform((left + right) / 2, (bottom + top) / 2)
        return float(lon), float(lat)


def place_windows(tiles: Sequence[str], pixels: int) -> Site:
    """Lay a window into each tile so that neighbours meet on the ground.

    Neighbours share about 9.8 km; their windows meet in the middle of that strip, so the tile in
    which a point lies deepest is always one whose window holds it.

    Args:
        tiles: One to four tiles of one zone that touch each other (a 2 × 2 block at most).
        pixels: Side of a window in 10 m pixels.

    Raises:
        InputError: The tiles do not fit into one block of two by two.
    """
    corners = {tile: corner_of(tile) for tile in tiles}
    if not tiles or len(corners) != len(tiles) or len({crs_of(tile) for tile in tiles}) > 1:
        raise InputError(
            f"Tiles {', '.join(tiles) or 'none'}: expected one to four different tiles of one UTM "
            "zone; simulate other zones into another folder."
        )
    side = pixels * 10
    lefts = _starts(sorted({x for x, _ in corners.values()}), side, tiles)
    tops = _starts(sorted({-y for _, y in corners.values()}), side, tiles)
    crs = crs_of(tiles[0])
    windows = {
        tile: Grid(crs=crs, ulx=lefts[x], uly=-tops[-y], pixel=10, width=pixels, height=pixels)
        for tile, (x, y) in corners.items()
    }
    left, top = min(lefts.values()), -min(tops.values())
    width, height = max(lefts.values()) - left + side, max(tops.values()) + top + side
    hull = Grid(crs=crs, ulx=left, uly=top, pixel=10, width=width // 10, height=height // 10)
    return Site(windows, hull)


def _starts(corners: list[int], side: int, tiles: Sequence[str]) -> dict[int, int]:
    gaps = [far - near for near, far in pairwise(corners)]
    if len(corners) > 2 or any(gap >= TILE_M - 3 * LATTICE_M for gap in gaps):
        raise InputError(
            f"Tiles {', '.join(tiles)} do not touch in one block of two by two; simulate at most "
            "four neighbours at a time."
        )
    if len(corners) == 1:
        middle = _snap(PLACE_ALONE * TILE_M - side / 2)
        return {corners[0]: corners[0] + middle}
    near, far = corners
    seam = (far + near + TILE_M) / 2
    start = far + _snap(seam - WINDOW_OVERLAP * side / 2 - far)
    return {near: start + _snap(WINDOW_OVERLAP * side) - side, far: start}


def _snap(length: float) -> int:
    return LATTICE_M * round(length / LATTICE_M)
