"""The quality map as shapes of an SVG: tiles in their places, coloured by what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, radians
from typing import Any, NamedTuple

from landcover.publish.outlines import outline_of
from landcover.publish.quality import TileQuality
from landcover.tiling import tile_grid

WIDTH = 640.0
"""Width of the drawing, SVG units."""
MARGIN = 4.0
NAME_WIDTH = 48.0
"""Narrowest tile that its name fits into, SVG units."""


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


class Sketch(NamedTuple):
    """A drawing."""

    width: float
    height: float
    shapes: tuple[Shape, ...]


def sketch(tiles: Sequence[TileQuality], longest: float = 280.0) -> Sketch:
    """Lay out the whole footprints of tiles, north up; a part of a tile could be too small to see.

    Args:
        tiles: Tiles.
        longest: Greatest height, SVG units.

    Returns:
        The drawing; longitudes are shrunk by the cosine of the middle latitude.
    """
    rings = [_rings(outline_of(tile_grid(tile.tile))) for tile in tiles]
    if _spread(rings) > 180:  # tiles on both sides of the antimeridian
        rings = [[[(x % 360, y) for x, y in ring] for ring in tile] for tile in rings]
    points = [point for tile in rings for ring in tile for point in ring]
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)
    squeeze = cos(radians((south + north) / 2))
    wide, tall = max((east - west) * squeeze, 1e-9), max(north - south, 1e-9)
    scale = min((WIDTH - 2 * MARGIN) / wide, (longest - 2 * MARGIN) / tall)

    def place(x: float, y: float) -> tuple[float, float]:
        return MARGIN + (x - west) * squeeze * scale, MARGIN + (north - y) * scale

    shapes = []
    for tile, parts in zip(tiles, rings, strict=True):
        placed = [[place(x, y) for x, y in ring] for ring in parts]
        path = " ".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in p) + "Z" for p in placed)
        middle = placed[0]
        shapes.append(
            Shape(
                path,
                round(sum(x for x, _ in middle) / len(middle), 1),
                round(sum(y for _, y in middle) / len(middle), 1),
                max(x for x, _ in middle) - min(x for x, _ in middle) >= NAME_WIDTH,
                tile,
            )
        )
    return Sketch(
        round(wide * scale + 2 * MARGIN, 1), round(tall * scale + 2 * MARGIN, 1), tuple(shapes)
    )


def _spread(rings: list[list[list[tuple[float, float]]]]) -> float:
    longitudes = [x for tile in rings for ring in tile for x, _ in ring]
    return max(longitudes) - min(longitudes)


def _rings(geometry: dict[str, Any]) -> list[list[tuple[float, float]]]:
    parts = geometry["coordinates"]
    polygons = parts if geometry["type"] == "MultiPolygon" else [parts]
    return [[(x, y) for x, y in polygon[0]] for polygon in polygons]
