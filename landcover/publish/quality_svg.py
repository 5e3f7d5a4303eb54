"""The quality map as shapes of an SVG: tiles in their places, coloured by what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, radians
from typing import Any, NamedTuple

from landcover.publish.outlines import outline_of
from landcover.publish.quality import TileQuality
from landcover.tiling import tile_grid

WIDTH = 960.0
"""Greatest width of the drawing, SVG units."""
MARGIN = 4.0
NAME_WIDTH = 48.0
"""Narrowest tile that its name fits into, SVG units."""
LARGEST_TILE = 96.0
"""Width from which a tile is not drawn larger, SVG units."""
SHRINK = 0.9
"""Share of its side that a tile is drawn with: neighbours overlap by a tenth on the ground, and
one would hide the other."""

Ring = list[tuple[float, float]]


class Shape(NamedTuple):
    """One tile."""

    path: str
    """SVG path."""
    x: float
    """Where its name goes."""
    y: float
    is_named: bool
    """Whether the name fits in."""
    tile: TileQuality


class Drawing(NamedTuple):
    """A drawing."""

    width: float
    height: float
    shapes: tuple[Shape, ...]


class Places(NamedTuple):
    """Outlines of tiles on a flat sheet: degrees of latitude, longitudes shrunk to match."""

    rings: list[list[Ring]]
    """(x, y) of each part of each tile, y upwards."""
    bounds: tuple[float, float, float, float]
    """West, south, east, north of all of them."""
    squeeze: float
    """Sheet units per degree of longitude: the cosine of the middle latitude."""


def lay_out(tiles: Sequence[TileQuality]) -> Places:
    """Place the whole footprints of tiles, each a little shrunk so that none hides another.

    A part of a tile could be too small to see, so the whole is drawn. Tiles on both sides of the
    antimeridian are drawn side by side.
    """
    rings = [_rings(outline_of(tile_grid(tile.tile))) for tile in tiles]
    if _spread(rings) > 180:
        rings = [[[(x % 360, y) for x, y in ring] for ring in tile] for tile in rings]
    latitudes = [y for tile in rings for ring in tile for _, y in ring]
    squeeze = cos(radians((min(latitudes) + max(latitudes)) / 2))
    flat = [[[(x * squeeze, y) for x, y in ring] for ring in tile] for tile in rings]
    shrunk = [_shrunk(tile) for tile in flat]
    points = [point for tile in shrunk for ring in tile for point in ring]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return Places(shrunk, (min(xs), min(ys), max(xs), max(ys)), squeeze)


def middle_of(parts: list[Ring]) -> tuple[float, float]:
    """Give the middle of a tile's largest part, where its name goes."""
    ring = max(parts, key=lambda r: max(x for x, _ in r) - min(x for x, _ in r))
    xs, ys = [x for x, _ in ring], [y for _, y in ring]
    return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2


def sketch(tiles: Sequence[TileQuality], longest: float = 460.0) -> Drawing:
    """Lay out tiles as SVG shapes, north up.

    Args:
        tiles: Tiles.
        longest: Greatest height, SVG units.

    Returns:
        The drawing.
    """
    places = lay_out(tiles)
    west, south, east, north = places.bounds
    scale = min(
        (WIDTH - 2 * MARGIN) / max(east - west, 1e-9),
        (longest - 2 * MARGIN) / max(north - south, 1e-9),
        LARGEST_TILE / max(_width(parts) for parts in places.rings),
    )

    def place(x: float, y: float) -> tuple[float, float]:
        return MARGIN + (x - west) * scale, MARGIN + (north - y) * scale

    shapes = []
    for tile, parts in zip(tiles, places.rings, strict=True):
        placed = [[place(x, y) for x, y in ring] for ring in parts]
        path = " ".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in p) + "Z" for p in placed)
        x, y = middle_of(placed)
        shapes.append(Shape(path, round(x, 1), round(y, 1), _width(placed) >= NAME_WIDTH, tile))
    return Drawing(
        round((east - west) * scale + 2 * MARGIN, 1),
        round((north - south) * scale + 2 * MARGIN, 1),
        tuple(shapes),
    )


def _width(parts: list[Ring]) -> float:
    return max(max(x for x, _ in ring) - min(x for x, _ in ring) for ring in parts)


def _shrunk(parts: list[Ring]) -> list[Ring]:
    x0, y0 = middle_of(parts)
    return [[(x0 + SHRINK * (x - x0), y0 + SHRINK * (y - y0)) for x, y in ring] for ring in parts]


def _spread(rings: list[list[Ring]]) -> float:
    longitudes = [x for tile in rings for ring in tile for x, _ in ring]
    return max(longitudes) - min(longitudes)


def _rings(geometry: dict[str, Any]) -> list[Ring]:
    parts = geometry["coordinates"]
    polygons = parts if geometry["type"] == "MultiPolygon" else [parts]
    return [[(x, y) for x, y in polygon[0]] for polygon in polygons]
