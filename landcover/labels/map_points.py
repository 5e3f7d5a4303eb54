"""Training points drawn from an existing land-cover map, class by class.

Pixels are drawn in the order of a hash of seed, row and column, so that no strip or thread plays a
part. Method: docs/methods/sampling.md#points-from-an-existing-map.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.labels.classes import Translator
from landcover.labels.conflicts import LabelFile, resolve_conflicts
from landcover.labels.eroded import Element, inner_pixels
from landcover.labels.features import project_points
from landcover.labels.points import DrawnPoints
from landcover.labels.polygons import BLOCK
from landcover.labels.raster_fields import hashed
from landcover.labels.rasters import STRIP_PIXELS, LabelStrips, pixel_centres
from landcover.labels.spaced import Metres, spaced
from landcover.nouns.grid import Grid, Window
from landcover.stores.rasters import TIFF_ONLY, open_raster

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
BLOCK_M = 30.0
"""Side of a pixel that holds the nine pixels around a point, metres."""


@dataclass(frozen=True)
class MapRule:
    """How pixels of a map become points."""

    erosion: Element = 2
    """Side of the element that takes the borders of a class away, px of the map; 0: none."""
    spacing_m: float = 30.0
    """Least distance between two points, metres."""
    distance_m: float = 1000.0
    """Least distance to a point that judges, metres."""
    seed: int = 0


@dataclass(frozen=True, eq=False)
class MapPoints:
    """Points of a map."""

    points: pd.DataFrame
    """Columns of ``LabelTable.points`` and ``times`` (int64): how often a point counts, more than
    once where its class had too few places."""
    found: dict[str, int]
    """Class → different places that were drawn."""
    warnings: tuple[str, ...]
    """What a person should know, one sentence each."""


def draw_from_map(
    path: Path,
    translator: Translator,
    wanted: Mapping[int, int],
    judges: tuple[Floats, Floats],
    rule: MapRule,
    within: Sequence[Grid] = (),
) -> MapPoints:
    """Draw points of each class from an existing map, away from borders and from what judges.

    Where a class has fewer places than points are wanted, its places are drawn again, at random,
    until there are enough (``times``), and a warning says so.

    Args:
        path: One-band raster of whole numbers, in any CRS.
        translator: What the numbers mean.
        wanted: Class code → number of points; a class that the map lacks is passed over.
        judges: Longitude and latitude of the points that judge the map, degrees.
        rule: How they are drawn.
        within: Only pixels in these rectangles are drawn; all if empty.

    Raises:
        InputError: The map is damaged, has a code that is not known, or no pixel with a value.
    """
    with open_raster(path, TIFF_ONLY) as raster:
        strips = LabelStrips(path, raster, within)
        values, _ = strips.count()
        if not values:
            where = " within the tiles" if within else ""
            raise InputError(f"{path.name}: every pixel of the map{where} is nodata.")
        meaning = translator.translate(path.name, values)
        codes = {int(text): code for text, code in meaning.code_by_label.items() if code}
        wanted = {code: n for code, n in wanted.items() if code in codes.values()}
        metres = Metres.of(strips.grid)
        least = min(metres.row, float(np.min(metres.column(np.arange(strips.grid.height)))))
        around = (2 * ceil(rule.spacing_m / least) + 1) ** 2
        most = max(1, sum(wanted.values())) * around
        near = _Near.of(strips.grid, metres, judges, rule.distance_m)
        candidates = _candidates(strips, codes, wanted, most, near, rule)
    drawn = spaced(candidates, wanted, strips.grid.width, metres, rule.spacing_m)
    found = _points(path.name, drawn, wanted, strips.grid, metres, translator, rule)
    return replace(found, warnings=(*meaning.warnings, *found.warnings))


@dataclass(frozen=True, eq=False)
class _Near:
    """Discs around the points that judge, in pixels of a map."""

    row: Floats
    column: Floats
    rows: float
    """Radius along a column, px."""
    columns: Floats
    """Radius along a row at each disc, px."""

    @classmethod
    def of(cls, grid: Grid, metres: Metres, judges: tuple[Floats, Floats], reach: float) -> _Near:
        x, y = project_points(*judges, "EPSG:4326", grid.crs)
        is_there = np.isfinite(x) & np.isfinite(y)
        row = (grid.uly - y[is_there]) / grid.pixel - 0.5
        column = (x[is_there] - grid.ulx) / grid.pixel - 0.5
        return cls(row, column, reach / metres.row, reach / metres.column(row))

    def mask(self, window: Window) -> NDArray[np.bool_]:
        """Tell which pixels of a window are too near, (y, x)."""
        found = np.zeros((window.height, window.width), dtype=np.bool_)
        if self.rows == 0:
            return found
        for row, column, reach in zip(self.row, self.column, self.columns, strict=True):
            top, bottom = _cut(row - window.row, self.rows, window.height)
            left, right = _cut(column - window.column, float(reach), window.width)
            if top < bottom and left < right:
                down = (np.arange(top, bottom) + window.row - row)[:, None] / self.rows
                along = (np.arange(left, right) + window.column - column)[None, :] / reach
                found[top:bottom, left:right] |= down**2 + along**2 < 1
        return found


def _cut(centre: float, reach: float, size: int) -> tuple[int, int]:
    return max(0, int(np.floor(centre - reach))), min(size, int(np.ceil(centre + reach)) + 1)


def _candidates(
    strips: LabelStrips,
    codes: Mapping[int, int],
    wanted: Mapping[int, int],
    most: int,
    near: _Near,
    rule: MapRule,
) -> dict[int, Ints]:
    """Give the first pixels of each class in the order of their hash."""
    whole, width = strips.window, strips.grid.width
    found: dict[int, tuple[NDArray[np.uint64], Ints]] = {}
    step = max(1, STRIP_PIXELS // max(1, whole.width))
    for top in range(whole.row, whole.row + whole.height, step):
        window = Window(top, whole.column, min(step, whole.row + whole.height - top), whole.width)
        around = _with_border(window, strips.grid)
        strip = strips.strip(around)
        known = _translated(np.where(strip.is_label, strip.values, 0), strip.is_label, codes)
        rows = slice(window.row - around.row, window.row - around.row + window.height)
        columns = slice(window.column - around.column, window.column - around.column + window.width)
        inner = inner_pixels(known, rule.erosion)[rows, columns] & ~near.mask(window)
        mine = known[rows, columns]
        for code in wanted:
            row, column = np.nonzero(inner & (mine == code))
            pixel = (row + window.row) * width + column + window.column
            order = hashed(pixel, width, rule.seed)
            if code in found:
                order = np.concatenate([found[code][0], order])
                pixel = np.concatenate([found[code][1], pixel])
            first = np.lexsort((pixel, order))[:most]
            found[code] = order[first], pixel[first]
    return {code: pixel for code, (_, pixel) in found.items()}


def _with_border(window: Window, grid: Grid) -> Window:
    top, left = max(0, window.row - 1), max(0, window.column - 1)
    bottom = min(grid.height, window.row + window.height + 1)
    right = min(grid.width, window.column + window.width + 1)
    return Window(top, left, bottom - top, right - left)


def _translated(
    values: NDArray[np.integer], is_label: NDArray[np.bool_], codes: Mapping[int, int]
) -> NDArray[np.uint8]:
    if not codes:
        return np.zeros(values.shape, np.uint8)
    known = np.array(sorted(codes))
    place = np.clip(np.searchsorted(known, values), 0, len(known) - 1)
    meant = np.array([codes[value] for value in known.tolist()], dtype=np.uint8)[place]
    return np.where(is_label & (known[place] == values), meant, 0).astype(np.uint8)


def _points(
    name: str,
    drawn: Mapping[int, Ints],
    wanted: Mapping[int, int],
    grid: Grid,
    metres: Metres,
    translator: Translator,
    rule: MapRule,
) -> MapPoints:
    """Make points of pixels; those of classes with too few are repeated at random."""
    legend = translator.legend
    rng = np.random.default_rng(rule.seed)
    warnings, times = [], []
    for code, pixel in drawn.items():
        n, lacking = np.ones(len(pixel), np.int64), wanted[code] - len(pixel)
        if lacking > 0:
            label = legend.name_of(code)
            if len(pixel):
                n += np.bincount(rng.integers(len(pixel), size=lacking), minlength=len(pixel))
            said = (
                "they are drawn again"
                if len(pixel)
                else (
                    f"it is not drawn. Lower sampling.distance_m ({rule.distance_m:g}) or "
                    f"sampling.erosion ({rule.erosion})"
                )
            )
            warnings.append(
                f"{name}: {label}: {wanted[code]} points wanted, {len(pixel)} places found away "
                f"from borders and from what judges; {said}."
            )
        times.append(n)
    pixels = np.concatenate([*drawn.values(), np.empty(0, np.int64)])
    codes = np.repeat(list(drawn), [len(pixel) for pixel in drawn.values()]).astype(np.int64)
    lon, lat = pixel_centres(grid, pixels)
    is_wide = rule.erosion == BLOCK or metres.row >= BLOCK_M
    block = np.full(len(pixels), BLOCK if is_wide else 1)
    group = np.full(len(pixels), "", dtype=object)
    points = DrawnPoints(lon, lat, codes, np.zeros_like(codes), group, pixels, block)
    origin = np.zeros(len(pixels), np.int64)
    table = resolve_conflicts(points, origin, [LabelFile(name, "pixel")], legend).points
    found = {legend.name_of(code): len(pixel) for code, pixel in drawn.items() if len(pixel)}
    table = table.assign(times=np.concatenate([*times, np.empty(0, np.int64)]))
    return MapPoints(table, found, tuple(warnings))
