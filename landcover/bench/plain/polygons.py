"""Polygons of a class map by GDAL's polygonizer, one geometry after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import rasterio.features
import shapely
from affine import Affine
from numpy.typing import NDArray
from shapely.geometry import Polygon

from landcover.nouns.grid import Grid
from landcover.stores.rasters import open_raster


class Shape(NamedTuple):
    """A polygon of one class."""

    code: int
    polygon: Polygon
    """In pixels of the map: x is the column, y the row, downwards."""


def class_polygons(
    path: Path,
    grid: Grid,
    simplify: float,
    *,
    strip_pixels: int,
    most_vertices: int = 1_000_000,
) -> Iterator[Shape]:
    """Draw the polygons as ``publish.class_polygons`` says."""
    rows = max(1, strip_pixels // grid.width)
    seam = _Seam(most_vertices, np.zeros(grid.width, dtype=np.int64))
    with open_raster(path) as raster:
        for window in grid.windows(rows, grid.width):
            codes, polygons = outline_codes(raster.read(window, band=1), window.row)
            if simplify > 0:
                polygons = shapely.coverage_simplify(polygons, simplify, simplify_boundary=False)
            shapes = (Shape(int(c), p) for c, p in zip(codes, polygons, strict=True) if c)
            yield from seam.pass_strip(shapes, window.row, window.row + window.height)
    yield from seam.close()


@dataclass
class _Seam:
    """Polygons that reach the lower border of the strips so far."""

    most_vertices: int
    above: NDArray[np.int64]
    """Number of the open polygon above each column of the border; 0: none."""
    below: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """The same below the strip that is being passed, as far as it is known."""
    open: dict[int, list[Shape]] = field(default_factory=dict)
    """Number → parts of one polygon."""
    last: int = 0
    """Number given last."""

    def pass_strip(self, shapes: Iterable[Shape], top: int, bottom: int) -> Iterator[Shape]:
        """Join the polygons of the next strip; give those that nothing can be added to."""
        self.below = np.zeros_like(self.above)
        for shape in shapes:
            _, low, _, high = shape.polygon.bounds
            at_top, at_bottom = low == top, high == bottom
            number = self._join(shape, _columns(shape.polygon, top)) if at_top else 0
            if at_bottom:
                number = number or self._open()
                for start, end in _columns(shape.polygon, bottom):
                    self.below[start:end] = number
            if number:
                self.open[number].append(shape)
            else:
                yield shape
        self.above = self.below
        reaching = set(np.unique(self.above).tolist())
        for number in [n for n in self.open if n not in reaching]:
            yield from _united(self.open.pop(number))
        for number, parts in list(self.open.items()):
            if sum(shapely.count_coordinates(part.polygon) for part in parts) > self.most_vertices:
                self.above[self.above == number] = 0
                yield from _united(self.open.pop(number))

    def close(self) -> Iterator[Shape]:
        """Give what is still open: the strip was the last one."""
        for parts in self.open.values():
            yield from _united(parts)
        self.open.clear()

    def _open(self) -> int:
        self.last += 1
        self.open[self.last] = []
        return self.last

    def _join(self, shape: Shape, columns: list[tuple[int, int]]) -> int:
        """Find the open polygon that a polygon continues; several become one."""
        met = {int(n) for start, end in columns for n in np.unique(self.above[start:end])} - {0}
        same = sorted(n for n in met if self.open[n][0].code == shape.code)
        for other in same[1:]:
            self.open[same[0]] += self.open.pop(other)
            for border in (self.above, self.below):
                border[border == other] = same[0]
        return same[0] if same else 0


def _columns(polygon: Polygon, row: int) -> list[tuple[int, int]]:
    """List the columns along which a polygon lies at a horizontal line, as half-open ranges."""
    x, y = shapely.get_coordinates(polygon.exterior).T
    on_line = (y[:-1] == row) & (y[1:] == row)
    ends = np.sort(np.column_stack([x[:-1], x[1:]])[on_line], axis=1).astype(np.int64)
    return [(int(start), int(end)) for start, end in ends]


def _united(parts: list[Shape]) -> Iterator[Shape]:
    if len(parts) == 1:
        yield parts[0]
        return
    whole = shapely.union_all([part.polygon for part in parts])
    for polygon in shapely.get_parts(whole):
        yield Shape(parts[0].code, polygon)


def outline_codes(
    codes: NDArray[np.uint8], row: int = 0
) -> tuple[NDArray[np.uint8], NDArray[np.object_]]:
    """Draw a polygon around each group of equal codes that hang together by their sides.

    Args:
        codes: Class codes, uint8, (y, x).
        row: Row of the map that the first row of the codes is.

    Returns:
        The code of each polygon, uint8, (n,), and the polygons in pixels of the map: x is the
        column, y the row, downwards. They cover every pixel once; code 0 is one of the codes.
    """
    found = rasterio.features.shapes(codes, connectivity=4, transform=Affine.translation(0, row))
    values: list[int] = []
    points: list[tuple[float, float]] = []
    lengths: list[int] = []
    owners: list[int] = []
    for geometry, value in found:
        for ring in geometry["coordinates"]:
            points += ring
            lengths.append(len(ring))
            owners.append(len(values))
        values.append(int(value))
    # All at once: one by one a million rings would take minutes. The first ring is the outer one.
    of_ring = np.repeat(np.arange(len(lengths)), lengths)
    rings = np.asarray(shapely.linearrings(np.array(points), indices=of_ring), dtype=object)
    polygons = np.asarray(shapely.polygons(rings, indices=np.array(owners)), dtype=object)
    return np.array(values, dtype=np.uint8), polygons


def placed(batch: Sequence[Shape], grid: Grid) -> NDArray[np.object_]:
    """Move polygons from pixels to the CRS of the map; outer rings counter-clockwise."""
    corner = np.array([grid.ulx, grid.uly])
    step = np.array([grid.pixel, -grid.pixel])
    polygons = np.array([shape.polygon for shape in batch], dtype=object)
    placed = shapely.transform(polygons, lambda xy: corner + xy * step)
    return np.asarray(shapely.orient_polygons(placed), dtype=object)
