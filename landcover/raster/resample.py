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

_Scalar = TypeVar("_Scalar", bound=np.generic)
Floats = npt.NDArray[np.float64]
Project = Callable[[Floats, Floats], tuple[Floats, Floats]]
"""Coordinates of the target's CRS (x, y) to those of the tile's, not finite where it has none."""

ANCHOR_PX = 50
"""Distance of the pixels that are projected, the others lie between them: counted from the corner
of the target, so that no window changes a place. At 10 m that is wrong by less than a centimetre;
it divides the 10,000 and 12,000 px of the cells of a target grid, so neighbours agree too."""


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
    between = _between_anchors(grid, target, window, project)
    if between is None:
        return None
    rows, columns = between
    with np.errstate(invalid="ignore"):
        is_inside = (rows >= 0) & (columns >= 0) & (rows < grid.height) & (columns < grid.width)
    if not is_inside.any():
        return None
    rows[~is_inside] = np.nan
    columns[~is_inside] = np.nan
    # A pixel more on each side: bilinear interpolation must find the same neighbours in any window.
    first = int(np.nanmin(rows)), int(np.nanmin(columns))
    beyond = int(np.nanmax(rows)) + 1, int(np.nanmax(columns)) + 1
    source = Window.between(*first, *beyond).widened(1, grid.shape)
    depth = np.minimum(
        np.minimum(rows, grid.height - rows), np.minimum(columns, grid.width - columns)
    )
    margin = np.where(is_inside, depth * grid.pixel, -1).astype(np.float32)
    return Places(source, rows - source.row, columns - source.column, margin)


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
    is_inside = ~np.isnan(places.rows)
    at = places.rows[is_inside].astype(np.intp), places.columns[is_inside].astype(np.intp)
    taken[is_inside] = part[at]
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


def _between_anchors(
    grid: Grid, target: Grid, window: Window, project: Project
) -> tuple[Floats, Floats] | None:
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
    across, down = (column_at - column_at[0], column_share), (row_at - row_at[0], row_share)
    return _spread(rows, down, across), _spread(columns, down, across)


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


def _spread(anchors: Floats, down: tuple[Any, Floats], across: tuple[Any, Floats]) -> Floats:
    (rows, row_share), (columns, column_share) = down, across
    with np.errstate(invalid="ignore"):  # places that the tile's CRS does not have
        left, right = anchors[:, columns], anchors[:, columns + 1]
        between = left + (right - left) * column_share
        above, below = between[rows], between[rows + 1]
        return np.asarray(above + (below - above) * row_share[:, np.newaxis])


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
