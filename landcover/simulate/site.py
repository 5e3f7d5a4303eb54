"""Where the simulated pixels lie: the corner of a tile, and a window of each tile.

The arithmetic of the tiling grid is written here a second time on purpose: a simulator that
asked the library where a tile lies could not find the library wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import ceil, floor

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
    """Give the upper-left corner (easting, northing) of a tile, m.

    Method: docs/methods/tiles.md#tile-id-to-grid.

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
        raise InputError(f"{tile!r} is not a Sentinel-2 tile; give ids such as 30SUF.")
    cycle = (row - (5 if zone % 2 == 0 else 0)) % 20 * 100_000
    to_degrees = Transformer.from_crs(crs_of(tile), "EPSG:4326", always_xy=True)
    for north in range(cycle, 10_000_000, 2_000_000):
        _, latitude = to_degrees.transform(east + 50_000, north + 50_000)
        if _band_at(latitude) == band:
            origin = 0 if band >= "N" else 10_000_000
            up = origin + LATTICE_M * ceil((north + 100_000 - origin) / LATTICE_M)
            return LATTICE_M * floor(east / LATTICE_M), up
    raise InputError(f"{tile!r} is not a Sentinel-2 tile: no such square in latitude band {band}.")


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
    def to_degrees(self) -> Transformer:
        """From easting and northing to longitude and latitude."""
        return Transformer.from_crs(self.hull.crs, "EPSG:4326", always_xy=True)

    @cached_property
    def centre(self) -> tuple[float, float]:
        """Longitude and latitude of the middle, degrees."""
        left, bottom, right, top = self.hull.bounds
        lon, lat = self.to_degrees.transform((left + right) / 2, (bottom + top) / 2)
        return float(lon), float(lat)


def place_sites(tiles: Sequence[str], pixels: int) -> list[Site]:
    """Lay a window into each tile so that neighbours meet on the ground where they can.

    Neighbours share about 9.8 km; their windows meet in the middle of that strip, so the tile in
    which a point lies deepest is always one whose window holds it. Small windows reach one
    neighbour along each axis: tiles are paired from west to east and from north to south, and each
    block of up to two by two is a site of its own. Where windows are so large that those of two
    blocks would meet, all tiles of a zone are one site.

    Args:
        tiles: Different tiles, of any zones.
        pixels: Side of a window in 10 m pixels.

    Returns:
        Sites that share no ground.

    Raises:
        InputError: No tiles, one twice, or windows of two zones that overlap.
    """
    if not tiles or len(set(tiles)) != len(tiles):
        raise InputError(
            f"Tiles {', '.join(tiles) or 'none'}: expected different tiles, at least one."
        )
    zones: dict[str, list[str]] = {}
    for tile in tiles:
        zones.setdefault(crs_of(tile), []).append(tile)
    sites = [site for zone in zones.values() for site in _sites_of_zone(zone, pixels)]
    for one, other in combinations(sites, 2):
        if one.hull.crs != other.hull.crs and _overlap(_degrees_of(one), _degrees_of(other)):
            raise InputError(
                f"Tiles {', '.join((*one.tiles, *other.tiles))}: windows of {pixels} pixels of two "
                "UTM zones overlap; take fewer pixels or tiles farther apart, or lay them over one "
                "ground (--across-zones)."
            )
    return sites


def _sites_of_zone(tiles: Sequence[str], pixels: int) -> list[Site]:
    windows = _windows(tiles, pixels)
    easts = _groups([corner_of(tile)[0] for tile in tiles])
    souths = _groups([-corner_of(tile)[1] for tile in tiles])
    pairs: dict[tuple[int, int], list[str]] = {}
    for tile in tiles:
        east, north = corner_of(tile)
        pairs.setdefault((_place(east, easts), _place(-north, souths)), []).append(tile)
    sites = [_site({tile: windows[tile] for tile in group}) for group in pairs.values()]
    if any(_overlap(a.hull.bounds, b.hull.bounds) for a, b in combinations(sites, 2)):
        return [_site(windows)]
    return sites


def _site(windows: dict[str, Grid]) -> Site:
    boxes = [window.bounds for window in windows.values()]
    left, top = min(box[0] for box in boxes), max(box[3] for box in boxes)
    right, bottom = max(box[2] for box in boxes), min(box[1] for box in boxes)
    width, height = round(right - left) // 10, round(top - bottom) // 10
    crs = next(iter(windows.values())).crs
    hull = Grid(crs=crs, ulx=left, uly=top, pixel=10, width=width, height=height)
    return Site(windows, hull)


def _windows(tiles: Sequence[str], pixels: int) -> dict[str, Grid]:
    corners = {tile: corner_of(tile) for tile in tiles}
    side = pixels * 10
    lefts = _starts([x for x, _ in corners.values()], side)
    tops = _starts([-y for _, y in corners.values()], side)
    return {
        tile: Grid(
            crs=crs_of(tile), ulx=lefts[x], uly=-tops[-y], pixel=10, width=pixels, height=pixels
        )
        for tile, (x, y) in corners.items()
    }


def _groups(corners: Sequence[int]) -> list[list[int]]:
    """Pair the different corners along an axis, in order, where tiles touch."""
    groups: list[list[int]] = []
    for corner in sorted(set(corners)):
        is_near = groups and corner - groups[-1][0] < TILE_M - 3 * LATTICE_M
        if is_near and len(groups[-1]) == 1:
            groups[-1].append(corner)
        else:
            groups.append([corner])
    return groups


def _place(corner: int, groups: Sequence[Sequence[int]]) -> int:
    return next(number for number, group in enumerate(groups) if corner in group)


def _starts(corners: Sequence[int], side: int) -> dict[int, int]:
    """Choose where windows begin along an axis, by the corner of their tile."""
    starts = {}
    for group in _groups(corners):
        if len(group) == 1:
            wanted = [group[0] + _snap(PLACE_ALONE * TILE_M - side / 2)]
        else:
            near, far = group
            seam = (far + near + TILE_M) / 2
            start = far + _snap(seam - WINDOW_OVERLAP * side / 2 - far)
            wanted = [start + _snap(WINDOW_OVERLAP * side) - side, start]
        for corner, start in zip(group, wanted, strict=True):
            # A window never leaves its tile, however large it is.
            starts[corner] = min(max(start, corner), corner + TILE_M - side)
    return starts


Box = tuple[float, float, float, float]


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _degrees_of(site: Site) -> Box:
    west, south, east, north = site.to_degrees.transform_bounds(*site.hull.bounds, densify_pts=21)
    return west, south, east, north


def _snap(length: float) -> int:
    return LATTICE_M * round(length / LATTICE_M)
