"""Pixels of a tile on a lattice that is not its own, whatever the windows.

Method: docs/methods/mosaics.md#target-grids.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from landcover.compiled import compiled
from landcover.nouns.grid import Grid, Window
from landcover.raster.feather import PROBABILITY_NODATA
from landcover.raster.halos import ANCHOR_PX

_Scalar = TypeVar("_Scalar", bound=np.generic)
Floats = npt.NDArray[np.float64]
Project = Callable[[Floats, Floats], tuple[Floats, Floats]]
"""Coordinates of the target's CRS (x, y) to those of the tile's, not finite where it has none."""


class Places(NamedTuple):
    """Where the pixels of a target window lie on a tile."""

    source: Window
    """The pixels of the tile that are needed."""
    rows: Floats
    """Row of each target pixel's centre, counted from the top of ``source``, (y, x); NaN outside
    the tile."""
    columns: Floats
    """Column, counted from its left side."""
    margin: npt.NDArray[np.float32]
    """Distance from the nearest edge of the tile, unit of the tile's CRS, (y, x); −1 outside."""


def find_places(grid: Grid, target: Grid, window: Window, project: Project) -> Places | None:
    """Find the pixels of a target window on a tile of another CRS.

    Args:
        grid: Grid of the tile.
        target: Grid of the mosaic.
        window: Window of the target; it may reach beyond it.
        project: From the target's CRS to the tile's.

    Returns:
        The places; None where the tile has none of the pixels.
    """
    anchors = _project_anchors(grid, target, window, project)
    if anchors is None:
        return None
    rows, columns = np.empty((2, window.height, window.width))
    margin = np.empty(rows.shape, dtype=np.float32)
    ends = np.array([np.inf, np.inf, -np.inf, -np.inf])
    _place(*anchors, float(grid.height), float(grid.width), grid.pixel, rows, columns, margin, ends)
    if ends[0] > ends[2]:
        return None
    # A pixel more on each side: bilinear interpolation must find the same neighbours in any window.
    first, last = ends[:2].astype(int), ends[2:].astype(int) + 1
    source = Window.between(*first.tolist(), *last.tolist()).widened(1, grid.shape)
    rows -= source.row
    columns -= source.column
    return Places(source, rows, columns, margin)


def take_nearest(part: npt.NDArray[_Scalar], places: Places, nodata: float) -> npt.NDArray[_Scalar]:
    """Take the pixel in which each target pixel's centre lies.

    Args:
        part: Pixels of ``places.source``, any dtype, (y, x).
        places: See :func:`find_places`.
        nodata: What stands where the tile has no pixel.

    Returns:
        (y, x) of the target window, same dtype.
    """
    taken = np.full(places.rows.shape, nodata, dtype=part.dtype)
    _take_nearest(part, places.rows, places.columns, taken)
    return taken


def take_bilinear(part: npt.NDArray[np.uint8], places: Places) -> npt.NDArray[np.uint8]:
    """Interpolate probabilities between the four nearest pixels that have them.

    Args:
        part: Probabilities of ``places.source``, uint8, (class, y, x), 255 where nodata.
        places: See :func:`find_places`.

    Returns:
        uint8, (class, y, x) of the target window, rounded half up; 255 where the pixel in which
        the centre lies is nodata, so that validity is that of the nearest class.
    """
    taken = np.full((part.shape[0], *places.rows.shape), PROBABILITY_NODATA, dtype=np.uint8)
    _interpolate(np.ascontiguousarray(part), places.rows, places.columns, taken)
    return taken


Anchors = tuple[Floats, Floats, npt.NDArray[np.int64], Floats, npt.NDArray[np.int64], Floats]
"""Rows and columns of the anchors on the tile; and for each row and each column of a window the
anchor before it and how far along to the next it lies."""


def _project_anchors(grid: Grid, target: Grid, window: Window, project: Project) -> Anchors | None:
    row_at, row_share = _along(window.row, window.height)
    column_at, column_share = _along(window.column, window.width)
    anchor_rows = np.arange(row_at[0], row_at[-1] + 2) * ANCHOR_PX
    anchor_columns = np.arange(column_at[0], column_at[-1] + 2) * ANCHOR_PX
    x = target.ulx + anchor_columns * target.pixel
    y = target.uly - anchor_rows * target.pixel
    source_x, source_y = project(*(a.ravel() for a in np.meshgrid(x, y)))
    if not _may_touch(grid, source_x, source_y):
        return None
    shape = anchor_rows.size, anchor_columns.size
    rows = ((grid.uly - source_y) / grid.pixel).reshape(shape)
    columns = ((source_x - grid.ulx) / grid.pixel).reshape(shape)
    return rows, columns, row_at - row_at[0], row_share, column_at - column_at[0], column_share


def _may_touch(grid: Grid, x: Floats, y: Floats) -> bool:
    left, bottom, right, top = grid.bounds
    is_finite = np.isfinite(x) & np.isfinite(y)
    x, y = x[is_finite], y[is_finite]
    is_apart = not x.size or x.max() < left or x.min() > right
    return not (is_apart or y.max() < bottom or y.min() > top)


def _along(start: int, count: int) -> tuple[npt.NDArray[np.int64], Floats]:
    """Name the anchor before each pixel's centre, and how far along to the next it lies, 0-1."""
    pixels = np.arange(start, start + count)
    anchor = pixels // ANCHOR_PX
    return anchor, (pixels - anchor * ANCHOR_PX + 0.5) / ANCHOR_PX


@compiled()
def _place(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    anchor_rows, anchor_columns, row_at, row_share, column_at, column_share, height, width, pixel,
    rows, columns, margin, ends,
):  # fmt: skip
    """Place pixels between the anchors, NaN outside the tile, and tell how deep they lie in it.

    ``ends`` gets the least and the greatest row and column inside.
    """
    for y in range(rows.shape[0]):
        above, down = row_at[y], row_share[y]
        for x in range(rows.shape[1]):
            left, across = column_at[x], column_share[x]
            row = _between(anchor_rows, above, left, down, across)
            column = _between(anchor_columns, above, left, down, across)
            # False of what is not finite, which is nowhere on the tile.
            if (row >= 0) & (column >= 0) & (row < height) & (column < width):
                rows[y, x], columns[y, x] = row, column
                depth = min(min(row, height - row), min(column, width - column))
                margin[y, x] = np.float32(depth * pixel)
                ends[0], ends[1] = min(ends[0], row), min(ends[1], column)
                ends[2], ends[3] = max(ends[2], row), max(ends[3], column)
            else:
                rows[y, x], columns[y, x], margin[y, x] = np.nan, np.nan, -1


@compiled()
def _between(anchors, above, left, down, across):  # type: ignore[no-untyped-def]  # pragma: no cover
    upper = anchors[above, left] + (anchors[above, left + 1] - anchors[above, left]) * across
    below = anchors[above + 1, left]
    lower = below + (anchors[above + 1, left + 1] - below) * across
    return upper + (lower - upper) * down


@compiled()
def _take_nearest(part, rows, columns, taken):  # type: ignore[no-untyped-def]  # pragma: no cover
    for y in range(rows.shape[0]):
        for x in range(rows.shape[1]):
            if not np.isnan(rows[y, x]):
                taken[y, x] = part[int(rows[y, x]), int(columns[y, x])]


@compiled()
def _interpolate(part: Any, rows: Any, columns: Any, taken: Any) -> None:
    n_classes, height, width = part.shape
    for y in range(rows.shape[0]):
        for x in range(rows.shape[1]):
            row, column = rows[y, x], columns[y, x]
            if np.isnan(row) or part[0, int(row), int(column)] == PROBABILITY_NODATA:
                continue
            top, left = int(np.floor(row - 0.5)), int(np.floor(column - 0.5))
            down, across = row - 0.5 - top, column - 0.5 - left
            weights = (
                (1 - down) * (1 - across), (1 - down) * across, down * (1 - across), down * across
            )  # fmt: skip
            total = 0.0
            for corner in range(4):
                r, c = top + corner // 2, left + corner % 2
                if 0 <= r < height and 0 <= c < width and part[0, r, c] != PROBABILITY_NODATA:
                    total += weights[corner]
            for k in range(n_classes):
                value = 0.0
                for corner in range(4):
                    r, c = top + corner // 2, left + corner % 2
                    if 0 <= r < height and 0 <= c < width and part[0, r, c] != PROBABILITY_NODATA:
                        value += weights[corner] * part[k, r, c]
                taken[k, y, x] = int(value / total + 0.5)
