"""Polygons of a class map, drawn strip by strip and joined across the strips' borders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Polygon

from landcover.nouns.grid import Grid
from landcover.stores.rasters import open_raster, outline_codes

STRIP_PIXELS = 1 << 20
"""Most pixels of a strip: a map of single pixels makes as many polygons, about 1 kB each."""
MOST_VERTICES = 1_000_000
"""A polygon that grows beyond so many vertices is cut at the border of a strip, so that the
commonest class of a large map does not have to be held as a whole."""


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
    strip_pixels: int = STRIP_PIXELS,
    most_vertices: int = MOST_VERTICES,
) -> Iterator[Shape]:
    """Draw the polygons of a class map, of which a strip and what reaches into it are in memory.

    Pixels of a class that hang together by their sides make one polygon. Simplified lines stay
    common to both neighbours; those along strips and the rim of the map stay as they are.

    Args:
        path: The map.
        grid: Its grid.
        simplify: Square root of the area of the triangle below which a corner goes, pixels; 0
            keeps all.
        strip_pixels: Most pixels of a strip, at least one row.
        most_vertices: Vertices beyond which a polygon is cut at the border of a strip.

    Yields:
        Polygons that do not overlap and cover every pixel with a class, in an order that the map
        alone decides.
    """
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
