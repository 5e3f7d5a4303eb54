"""Which tiles an area of interest needs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.tiling.cover import thin_out
from landcover.tiling.geometry import Region, read_region, shift
from landcover.tiling.points import Integers, hits
from landcover.tiling.squares import ROW_0, SIDE, square_of, tile_list, upper_left
from landcover.tiling.utm import Floats, central_meridian, project, unproject

if TYPE_CHECKING:
    from shapely import Polygon, STRtree

STEPS = 24
"""Edges that each side of a footprint is drawn with: their chords leave it by less than half a
metre at 45° and by 4 m at the end of the grid."""
DENSE_DEGREES = 0.05
"""Longest edge of an area of interest when it is projected."""
PAD_DEGREES = 0.01
"""Grows the bounding box of a drawn footprint beyond what its chords may leave out."""


def footprint(tile: str) -> Polygon:
    """Draw the footprint of a tile.

    Args:
        tile: Tile id, such as ``30SUF``.

    Returns:
        Counter-clockwise polygon in EPSG:4326, 24 edges a side. Longitudes are continuous: those
        of a tile on the antimeridian run on past 180 or -180.

    Raises:
        InputError: The id is not well formed or names no tile.
    """
    import shapely

    square = square_of(tile)
    lon, lat = _outlines(np.array([square.row]), np.array([square.column]))
    return shapely.Polygon(np.column_stack([lon[0] + central_meridian(square.zone), lat[0]]))


def tiles_intersecting(
    geometry: Any,
    min_overlap_m2: float = 0.0,
    minimal: bool = False,
    land_only: bool = False,
) -> list[str]:
    """Find the tiles that an area of interest needs.

    Args:
        geometry: Shapely geometry or GeoJSON-like mapping in EPSG:4326, of any dimension. An edge
            longer than 180° is read the short way round, across the antimeridian; one of exactly
            360° is a whole parallel.
        min_overlap_m2: A tile is kept when its overlap with the polygons is larger, square metres
            in the tile's projection. Lines and points need only touch the tile.
        minimal: Drop tiles that repeat covered area: take the tile with the largest uncovered
            area (ties to the smaller id) until nothing is left.
        land_only: Leave out tiles that hold no land.

    Returns:
        Tile ids, sorted; empty where the area lies outside the grid.

    Raises:
        InputError: The geometry is none, is empty or is not in degrees, or ``min_overlap_m2`` is
            negative or not finite.

    Examples:
        >>> from shapely import box
        >>> from landcover import api
        >>> api.tiles_intersecting(box(-4.5, 36.7, -4.4, 36.8))
        ['30SUF']
    """
    if not (isfinite(min_overlap_m2) and min_overlap_m2 >= 0):
        raise InputError(
            f"min_overlap_m2 must be a finite number of square metres from 0 up, found "
            f"{min_overlap_m2!r}."
        )
    region = read_region(geometry)
    index = _index()
    needed = _overlaps(region.polygons, 2) > min_overlap_m2
    needed |= _overlaps(region.lines, 1) > 0
    needed |= _touches(region)
    if land_only:
        needed &= index.is_land
    tiles = sorted(index.ids[needed].tolist())
    return thin_out(tiles, [footprint(tile) for tile in tiles], region) if minimal else tiles


@dataclass(frozen=True)
class _Index:
    """All tiles, and a tree over their boxes in degrees, with those on the antimeridian twice."""

    ids: NDArray[np.str_]
    is_land: NDArray[np.bool_]
    zone: Integers
    corner: tuple[Integers, Integers]
    tile: Integers
    """Number of the tile that each box belongs to."""
    boxes: NDArray[Any]
    tree: STRtree


@cache
def _index() -> _Index:
    import shapely

    listed = tile_list()
    zone, place, column = where = np.nonzero(listed.ids)
    row = place - ROW_0
    # The same square of another zone is the same footprint elsewhere: draw each only once.
    squares, drawn = np.unique(np.stack([row, column]), axis=1, return_inverse=True)
    lon, lat = _outlines(*squares)
    west, east = (f(lon, axis=1)[drawn] + central_meridian(zone) for f in (np.min, np.max))
    south, north = (f(lat, axis=1)[drawn] for f in (np.min, np.max))
    pad = PAD_DEGREES
    boxes = shapely.box(west - pad, south - pad, east + pad, north + pad)
    over_west, over_east = np.flatnonzero(west < pad - 180), np.flatnonzero(east > 180 - pad)
    boxes = np.concatenate([boxes, shift(boxes[over_west], 360), shift(boxes[over_east], -360)])
    tile = np.concatenate([np.arange(len(zone)), over_west, over_east])
    return _Index(
        ids=listed.ids[where],
        is_land=listed.is_land[where],
        zone=zone,
        corner=upper_left(row, column),
        tile=tile,
        boxes=boxes,
        tree=shapely.STRtree(boxes),
    )


def _outlines(row: Integers, column: Integers) -> tuple[Floats, Floats]:
    """Draw footprints, counter-clockwise from the upper-left corner.

    Returns:
        Degrees east of the central meridian, and latitude, float64, (tile, 4 * STEPS).
    """
    ulx, uly = upper_left(row, column)
    along = np.arange(STEPS) * (SIDE / STEPS)
    none, all_ = np.zeros(STEPS), np.full(STEPS, float(SIDE))
    east = np.concatenate([none, along, all_, SIDE - along])
    south = np.concatenate([along, all_, SIDE - along, none])
    return unproject(ulx[:, None] + east, uly[:, None] - south)


def _touches(region: Region) -> NDArray[np.bool_]:
    import shapely

    lon, lat = shapely.get_coordinates(region.points).T
    return np.isin(_index().ids, hits(lon, lat)[1])


def _overlaps(shape: Any, dimension: int) -> Floats:
    """Measure the overlap of one geometry with every tile, in the tile's projection.

    Args:
        shape: Polygons or lines, EPSG:4326, longitude -180 to 180; may be empty.
        dimension: 2 measures areas, 1 lengths.

    Returns:
        Square metres or metres, float64, (tile,).
    """
    import shapely

    index = _index()
    overlap = np.zeros(len(index.ids))
    near = index.tree.query(shape, predicate="intersects")
    if dimension == 2:
        # The inside of a wide area needs no geometry: such tiles overlap it wholly.
        inside = index.tree.query(shape, predicate="contains_properly")
        overlap[index.tile[inside]] = float(SIDE) ** 2
        near = np.setdiff1d(near, inside)
    # Clip first, in degrees: what is projected then lies near its zone, and is small.
    pieces, origin = shapely.get_parts(
        shapely.intersection(shape, index.boxes[near]), return_index=True
    )
    is_full = shapely.get_dimensions(pieces) == dimension
    pieces, tile = shapely.segmentize(pieces[is_full], DENSE_DEGREES), near[origin[is_full]]
    tile = index.tile[tile]
    lonlat, piece = shapely.get_coordinates(pieces, return_index=True)
    xy = np.column_stack(project(lonlat[:, 0], lonlat[:, 1], index.zone[tile[piece]]))
    pieces = shapely.set_coordinates(pieces, xy)
    if dimension == 2:
        # Rounding may let two edges touch that ran close to each other.
        is_torn = ~shapely.is_valid(pieces)
        pieces[is_torn] = shapely.buffer(pieces[is_torn], 0)
    ulx, uly = (axis[tile] for axis in index.corner)
    common = shapely.intersection(pieces, shapely.box(ulx, uly - SIDE, ulx + SIDE, uly))
    measure = shapely.area(common) if dimension == 2 else shapely.length(common)
    np.add.at(overlap, tile, measure)
    return overlap
