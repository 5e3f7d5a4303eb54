"""Points drawn from a raster of labels, spread over its fields, read strip by strip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.labels.classes import Translation, Translator
from landcover.labels.features import project, project_points
from landcover.labels.ids import stable_id
from landcover.labels.points import DrawnPoints
from landcover.labels.polygons import BLOCK
from landcover.labels.raster_fields import Strip, draw_from_fields
from landcover.nouns.grid import Grid, Window
from landcover.nouns.legend import Legend
from landcover.stores.rasters import TIFF_ONLY, RasterReader, open_raster, pixels_within

POINTS_PER_CLASS = 200
STRIP_PIXELS = 1 << 20
"""Pixels that are looked at together."""

Ints = NDArray[np.int64]


def draw_from_raster(
    path: Path,
    translator: Translator,
    *,
    points_per_class: int | None,
    seed: int,
    within: Sequence[Grid] = (),
) -> tuple[DrawnPoints, dict[str, int], tuple[str, ...]]:
    """Draw points of each class from a label raster.

    Pixels that the file masks (a mask band or file, an alpha band, nodata) are no labels.

    Args:
        path: One-band raster of whole numbers, in any CRS, beside which an alpha band may lie.
        translator: What the numbers mean; they are its labels, as text.
        points_per_class: Most points of a class; 200 if None.
        seed: Another seed, other points.
        within: Only pixels whose centre lies in one of these rectangles are labels, and only they
            are read; all if empty.

    Returns:
        Points at pixel centres, class by class; reason → pixels dropped; and warnings.

    Raises:
        InputError: The raster is damaged, has several bands or fractions, no pixel has a value,
            or one is unknown.
    """
    n = POINTS_PER_CLASS if points_per_class is None else points_per_class
    if n < 1:
        raise InputError(f"{path.name}: points_per_class must be at least 1, found {n}.")
    with open_raster(path, TIFF_ONLY) as raster:
        strips = LabelStrips(path, raster, within)
        found, n_masked = strips.count()
        if not found:
            where = " within the tiles" if within else ""
            raise InputError(f"{path.name}: every pixel{where} is nodata; labels were expected.")
        meaning = translator.translate(path.name, found)
        drawn = _draw(strips, meaning, translator.legend, n, seed)
    dropped = dict(meaning.dropped)
    if n_masked:
        dropped["nodata"] = n_masked
    return drawn, dropped, meaning.warnings


class LabelStrips:
    """The strips of a label raster, as often as they are asked for."""

    def __init__(self, path: Path, raster: RasterReader, within: Sequence[Grid]) -> None:
        info = raster.info
        is_integer = np.issubdtype(np.dtype(info.dtype), np.integer)
        if info.bands - info.has_alpha != 1 or not is_integer:
            raise InputError(
                f"{path.name}: a label raster has one band of whole numbers (uint8 or uint16), "
                f"found {info.bands} of {info.dtype}."
            )
        if info.grid is None:
            raise InputError(f"{path.name}: {info.trouble}")
        self.grid = info.grid
        self._raster, self._nodata = raster, info.nodata
        self._areas = _on_grid(within, info.grid)
        self.window = _rectangle(self._areas, info.grid)

    def __iter__(self) -> Iterator[Strip]:
        whole = self.window
        step = max(1, STRIP_PIXELS // max(1, whole.width))
        for top in range(whole.row, whole.row + whole.height, step):
            height = min(step, whole.row + whole.height - top)
            yield self.strip(Window(top, whole.column, height, whole.width))

    def count(self) -> tuple[dict[str, int], int]:
        """Count the pixels of each number, and those inside that are none."""
        counts: Counter[int] = Counter()
        n_masked = 0
        for strip in self:
            values, times = np.unique(strip.values[strip.is_label], return_counts=True)
            counts.update(dict(zip(values.tolist(), times.tolist(), strict=True)))
            n_masked += self._inside(strip) - int(strip.is_label.sum())
        return {str(value): counts[value] for value in sorted(counts)}, n_masked

    def _inside(self, strip: Strip) -> int:
        if not self._areas:
            return strip.values.size
        return int(self._is_within(strip.values.shape, strip.row, strip.column).sum())

    def strip(self, window: Window) -> Strip:
        """Read a window."""
        values = self._raster.read(window, band=1)
        is_label = self._raster.read_mask(window)
        if self._nodata is not None:
            is_label &= values != self._nodata
        if self._areas:
            is_label &= self._is_within(values.shape, window.row, window.column)
        return Strip(values, is_label, window.row, window.column)

    def _is_within(self, shape: tuple[int, ...], row: int, column: int) -> NDArray[np.bool_]:
        moved = [shapely.affinity.translate(area, -column, -row) for area in self._areas]
        return pixels_within(moved, (shape[0], shape[1]))


def _on_grid(within: Sequence[Grid], grid: Grid) -> list[shapely.Geometry]:
    """Give rectangles in pixels of a grid: x is the column, y the row, downwards."""
    areas = []
    for one in within:
        outline = np.array([shapely.box(*one.bounds)], dtype=object)
        moved = project(outline, one.crs, grid.crs)[0]
        if not np.isfinite(moved.bounds).all():
            continue
        to_pixels = (1 / grid.pixel, 0, 0, -1 / grid.pixel, -grid.ulx / grid.pixel,
                     grid.uly / grid.pixel)  # fmt: skip
        areas.append(shapely.affinity.affine_transform(moved, to_pixels))
    return areas


def _rectangle(areas: Sequence[shapely.Geometry], grid: Grid) -> Window:
    """Give the rectangle of a grid that holds some areas; all of it without areas."""
    if not areas:
        return Window(0, 0, grid.height, grid.width)
    bounds = shapely.bounds(np.array(areas, dtype=object))
    left, top = (max(0, int(np.floor(v))) for v in bounds[:, :2].min(axis=0))
    right, bottom = (int(np.ceil(v)) for v in bounds[:, 2:].max(axis=0))
    width, height = min(right, grid.width) - left, min(bottom, grid.height) - top
    return Window(top, left, max(0, height), max(0, width)) if width > 0 else Window(0, 0, 0, 1)


def _draw(
    strips: LabelStrips, meaning: Translation, legend: Legend, n: int, seed: int
) -> DrawnPoints:
    grid = strips.grid
    none = np.empty(0, dtype=np.int64)
    pixels, firsts, codes = [none], [none], [none]
    for class_code in legend.codes:
        of_class = [int(v) for v, known in meaning.code_by_label.items() if known == class_code]
        if of_class:
            pixel, first = draw_from_fields(strips, of_class, grid.width, n, seed)
            pixels.append(pixel)
            firsts.append(first)
            codes.append(np.full(len(pixel), class_code, dtype=np.int64))
    pixel, first, code = (np.concatenate(part) for part in (pixels, firsts, codes))
    lon, lat = pixel_centres(grid, pixel)
    west, north = pixel_centres(grid, first)
    group = [
        "f" + stable_id(f"{round(x * 1e7)}/{round(y * 1e7)}/{legend.name_of(c)}".encode())
        for x, y, c in zip(west.tolist(), north.tolist(), code.tolist(), strict=True)
    ]
    return DrawnPoints(
        lon, lat, code, np.zeros_like(code), np.array(group, dtype=object), pixel,
        np.full(len(code), BLOCK),
    )  # fmt: skip


def pixel_centres(grid: Grid, pixel: Ints) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give longitude and latitude, degrees, of the centres of pixels, by their flat index."""
    row, column = np.divmod(pixel, grid.width)
    x = grid.ulx + (column + 0.5) * grid.pixel
    y = grid.uly - (row + 0.5) * grid.pixel
    return project_points(x, y, grid.crs)
