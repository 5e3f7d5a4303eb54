"""Ground truth as a drawing: points in the colours of their classes, outlines of tiles."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, cos, floor, log10, radians
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landcover.nouns.label_summary import ClassCount
from landcover.publish.outlines import outline_of
from landcover.tiling import tile_grid

WIDTH, HEIGHT, MARGIN = 1080.0, 640.0, 54.0
"""Room for the drawing and for the degrees at its edge, SVG units."""
MOST_POINTS = 20_000
"""More points than this hide each other; those with the smallest ids are drawn."""
NAMED_TILES = 60
"""With more tiles their names would cover the points."""
_STEPS = (1, 2, 5, 10)
_LINES = 5


class Dots(NamedTuple):
    """The points of one class."""

    name: str
    title: str
    colour: str
    path: str
    """SVG path; every point is a line of no length, round at both ends."""


class Outline(NamedTuple):
    """One tile."""

    tile: str
    path: str
    x: float
    y: float
    is_named: bool


class Line(NamedTuple):
    """One meridian or parallel."""

    path: str
    x: float
    y: float
    text: str
    is_meridian: bool


class LabelMap(NamedTuple):
    """A drawing."""

    width: float
    height: float
    dots: tuple[Dots, ...]
    outlines: tuple[Outline, ...]
    lines: tuple[Line, ...]
    dot_size: float
    n_drawn: int
    scale: float
    """SVG units per degree of latitude."""


class _Frame(NamedTuple):
    """From degrees to the drawing: north up, longitudes shrunk at the middle latitude."""

    west: float
    north: float
    squeeze: float
    scale: float
    width: float
    height: float

    def place(
        self, lon: NDArray[np.float64], lat: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Place positions, SVG units."""
        x = MARGIN + (lon - self.west) * self.squeeze * self.scale
        return x, MARGIN + (self.north - lat) * self.scale


def label_map(
    points: pd.DataFrame, classes: Sequence[ClassCount], tiles: Sequence[str]
) -> LabelMap:
    """Lay out a map of labels.

    Args:
        points: ``point_id``, ``lon``, ``lat`` (degrees) and ``code``.
        classes: Classes, in the order in which they are drawn.
        tiles: Tiles whose outlines are drawn.
    """
    is_many = len(points) > MOST_POINTS
    shown = points.sort_values("point_id").head(MOST_POINTS) if is_many else points
    lon, lat = shown["lon"].to_numpy(float), shown["lat"].to_numpy(float)
    rings = {tile: _rings(tile) for tile in tiles}
    is_cut = _spread([lon, *(ring[:, 0] for parts in rings.values() for ring in parts)]) > 180
    if is_cut and not _reaches_around(lon):  # both sides of the antimeridian
        lon = lon % 360
        rings = {tile: [r % (360, 1000) for r in parts] for tile, parts in rings.items()}
    corners = [np.column_stack([lon, lat]), *(ring for parts in rings.values() for ring in parts)]
    frame = _frame(np.concatenate(corners))
    x, y = frame.place(lon, lat)
    code = shown["code"].to_numpy()
    dots = tuple(
        Dots(
            entry.name,
            entry.title,
            entry.colour,
            _dots(x[code == entry.code], y[code == entry.code]),
        )
        for entry in classes
        if (code == entry.code).any()
    )
    outlines = tuple(_outline(tile, parts, frame, len(tiles)) for tile, parts in rings.items())
    size = 9.0 if len(shown) < 300 else 6.0 if len(shown) < 3000 else 4.0
    return LabelMap(
        round(frame.width, 1), round(frame.height, 1), dots, outlines, tuple(_lines(frame)),
        size, len(shown), frame.scale,
    )  # fmt: skip


def _spread(parts: Sequence[NDArray[np.float64]]) -> float:
    lon = np.concatenate(parts)
    return float(np.ptp(lon)) if len(lon) else 0.0


def _reaches_around(lon: NDArray[np.float64]) -> bool:
    """Tell whether turning the globe by 180 degrees would bring nothing together."""
    return len(lon) > 0 and float(np.ptp(lon % 360)) >= float(np.ptp(lon))


def _frame(corners: NDArray[np.float64]) -> _Frame:
    (west, south), (east, north) = corners.min(axis=0), corners.max(axis=0)
    # A single place gets a kilometre around it.
    pad_lat = max(0.03 * (north - south), 0.005)
    squeeze = max(cos(radians((south + north) / 2)), 0.05)
    pad_lon = max(0.03 * (east - west), 0.005 / squeeze)
    west, east, south, north = west - pad_lon, east + pad_lon, south - pad_lat, north + pad_lat
    wide, tall = (east - west) * squeeze, north - south
    scale = min((WIDTH - 2 * MARGIN) / wide, (HEIGHT - 2 * MARGIN) / tall)
    return _Frame(
        float(west), float(north), squeeze, float(scale),
        float(wide * scale + 2 * MARGIN), float(tall * scale + 2 * MARGIN),
    )  # fmt: skip


def _rings(tile: str) -> list[NDArray[np.float64]]:
    geometry = outline_of(tile_grid(tile))
    parts = geometry["coordinates"]
    polygons = parts if geometry["type"] == "MultiPolygon" else [parts]
    return [np.asarray(polygon[0], dtype=np.float64) for polygon in polygons]


def _outline(tile: str, parts: list[NDArray[np.float64]], frame: _Frame, n_tiles: int) -> Outline:
    placed = [np.column_stack(frame.place(ring[:, 0], ring[:, 1])) for ring in parts]
    path = " ".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in ring) + "Z" for ring in placed)
    middle = placed[0].mean(axis=0)
    is_wide = float(np.ptp(placed[0][:, 0])) > 46
    return Outline(
        tile, path, round(float(middle[0]), 1), round(float(middle[1]), 1),
        is_wide and n_tiles <= NAMED_TILES,
    )  # fmt: skip


def _dots(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    return "".join(f"M{a:.1f} {b:.1f}h0" for a, b in zip(x.tolist(), y.tolist(), strict=True))


def _lines(frame: _Frame) -> list[Line]:
    """Draw a handful of meridians and parallels at round degrees."""
    wide = (frame.width - 2 * MARGIN) / frame.scale / frame.squeeze
    tall = (frame.height - 2 * MARGIN) / frame.scale
    left, right, top, bottom = MARGIN, frame.width - MARGIN, MARGIN, frame.height - MARGIN
    lines = []
    for degree, step in _round_degrees(frame.west, frame.west + wide):
        x = float(frame.place(np.array([degree]), np.array([0.0]))[0][0])
        text = _degrees((degree + 180) % 360 - 180, step, "E", "W")
        lines.append(Line(f"M{x:.1f} {top}V{bottom:.1f}", x, bottom + 16, text, True))
    for degree, step in _round_degrees(frame.north - tall, frame.north):
        y = float(frame.place(np.array([0.0]), np.array([degree]))[1][0])
        text = _degrees(degree, step, "N", "S")
        lines.append(Line(f"M{left} {y:.1f}H{right:.1f}", left - 6, y + 4, text, False))
    return lines


def _round_degrees(low: float, high: float) -> list[tuple[float, float]]:
    rough = (high - low) / _LINES
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in _STEPS if factor * power >= rough * 0.999)
    return [(n * step, step) for n in range(ceil(low / step), floor(high / step) + 1)]


def _degrees(value: float, step: float, positive: str, negative: str) -> str:
    digits = max(0, -floor(log10(step) + 1e-9))
    side = "" if abs(value) < step / 2 else positive if value > 0 else negative
    return f"{abs(value):.{digits}f}° {side}".strip()
