"""Polygons of a class map, drawn strip by strip and joined across the strips' borders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Polygon

from landcover.nouns.grid import Grid
from landcover.raster.outlines import Outlines, outline_patches
from landcover.stores.rasters import open_raster

STRIP_PIXELS = 1 << 20
"""Most pixels of a strip: a map of single pixels makes as many polygons, about 0.1 kB each."""
MOST_VERTICES = 1_000_000
"""A polygon that grows beyond so many vertices is cut at the border of a strip, so that the
commonest class of a large map does not have to be held as a whole."""


def class_polygons(
    path: Path,
    grid: Grid,
    simplify: float,
    *,
    strip_pixels: int = STRIP_PIXELS,
    most_vertices: int = MOST_VERTICES,
) -> Iterator[Outlines]:
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
        Polygons that do not overlap and cover every pixel with a class, in pixels of the map, some
        at a time, in an order that the map alone decides.
    """
    rows = max(1, strip_pixels // grid.width)
    seam = _Seam(most_vertices, np.zeros(grid.width, dtype=np.int64))
    with open_raster(path) as raster:
        for window in grid.windows(rows, grid.width):
            outlines, edges = outline_patches(raster.read(window, band=1), window.row)
            if simplify > 0:
                shapes = shapely.coverage_simplify(
                    polygons_of(outlines), simplify, simplify_boundary=False
                )
                outlines = _outlines_of(outlines.codes, shapes)
            yield from seam.pass_strip(outlines, edges)
    yield from seam.close()


def polygons_of(outlines: Outlines) -> NDArray[np.object_]:
    """Make geometries of polygons; x is the column, y the row, downwards."""
    points = outlines.points.astype(np.float64)
    made = shapely.from_ragged_array(
        shapely.GeometryType.POLYGON, points, (outlines.starts, outlines.rings)
    )
    return np.asarray(made, dtype=object)


def _outlines_of(codes: Any, polygons: Iterable[Polygon]) -> Outlines:
    _, points, (starts, rings) = shapely.to_ragged_array(list(polygons))
    # Nothing moves corners of pixels: simplifying leaves some out, joining takes some away.
    return Outlines(
        np.asarray(codes, np.uint8),
        np.asarray(rings, np.int64),
        np.asarray(starts, np.int64),
        points.astype(np.int32),
    )


@dataclass
class _Open:
    """A polygon that more may be added to."""

    code: int
    parts: list[Polygon] = field(default_factory=list)
    n_vertices: int = 0


@dataclass
class _Seam:
    """Polygons that reach the lower border of the strips so far."""

    most_vertices: int
    above: NDArray[np.int64]
    """Number of the open polygon above each column of the border; 0: none."""
    open: dict[int, _Open] = field(default_factory=dict)
    last: int = 0
    """Number given last."""

    def pass_strip(self, outlines: Outlines, edges: NDArray[np.int64]) -> Iterator[Outlines]:
        """Join the polygons of the next strip; give those that nothing can be added to."""
        numbers = self._join(outlines, edges)
        done = np.flatnonzero((numbers == 0) & (outlines.codes > 0))
        if len(done):
            yield outlines.take(done)
        self.above = numbers[edges[1]]
        yield from self._leave()

    def close(self) -> Iterator[Outlines]:
        """Give what is still open: the strip was the last one."""
        self.above = np.zeros_like(self.above)
        yield from self._leave()

    def _join(self, outlines: Outlines, edges: NDArray[np.int64]) -> NDArray[np.int64]:
        """Add polygons to the open ones that they continue, and give their numbers; 0: none."""
        meets: dict[int, set[int]] = {}
        for polygon, number in np.unique(np.stack([edges[0], self.above]), axis=1).T.tolist():
            meets.setdefault(polygon, set()).add(number)
        reaching = set(edges[1].tolist())
        at_edge = np.unique(edges)
        at_edge = at_edge[outlines.codes[at_edge] > 0]
        edge = outlines.take(at_edge)
        lengths = edge.starts[edge.rings[1:]] - edge.starts[edge.rings[:-1]]
        numbers = np.zeros(len(outlines), dtype=np.int64)
        became: dict[int, int] = {}
        rows = zip(at_edge.tolist(), edge.codes.tolist(), lengths.tolist(), polygons_of(edge),
                   strict=True)  # fmt: skip
        for polygon, code, n_vertices, shape in rows:
            met = {_follow(became, number) for number in meets.get(polygon, ()) if number}
            same = sorted(number for number in met if self.open[number].code == code)
            number = self._unite(same, became)
            if not number and polygon in reaching:
                number = self.last = self.last + 1
                self.open[number] = _Open(code)
            if number:
                numbers[polygon] = number
                self.open[number].parts.append(shape)
                self.open[number].n_vertices += n_vertices
        for number in became:
            numbers[numbers == number] = _follow(became, number)
        return numbers

    def _unite(self, same: list[int], became: dict[int, int]) -> int:
        """Make one of several open polygons that turn out to be the same."""
        for other in same[1:]:
            became[other], gone = same[0], self.open.pop(other)
            self.open[same[0]].parts += gone.parts
            self.open[same[0]].n_vertices += gone.n_vertices
        return same[0] if same else 0

    def _leave(self) -> Iterator[Outlines]:
        """Give the polygons that do not reach the border, or are too large to be held."""
        reaching = set(np.unique(self.above).tolist())
        left = [number for number in self.open if number not in reaching]
        large = [number for number, polygon in self.open.items()
                 if number in reaching and polygon.n_vertices > self.most_vertices]  # fmt: skip
        self.above[np.isin(self.above, large)] = 0
        whole = [(part, known.code) for known in map(self.open.pop, left + large)
                 for part in _united(known.parts)]  # fmt: skip
        if whole:
            shapes, codes = zip(*whole, strict=True)
            yield _outlines_of(codes, shapes)


def _follow(became: dict[int, int], number: int) -> int:
    """Tell what became of an open polygon that others joined."""
    while number in became:
        number = became[number]
    return number


def _united(parts: list[Polygon]) -> Iterable[Polygon]:
    if len(parts) == 1:
        return parts
    return list(shapely.get_parts(shapely.union_all(parts)))
