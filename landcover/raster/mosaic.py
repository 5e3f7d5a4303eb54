"""Tiles of one zone joined on their lattice, without resampling.

Method: docs/methods/mosaics.md#primary-tile.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from landcover.compiled import compiled
from landcover.errors import InputError
from landcover.nouns.grid import Grid, Window

_Scalar = TypeVar("_Scalar", bound=np.generic)
Margins = npt.NDArray[np.float32]
Owners = npt.NDArray[np.int16]

NO_OWNER = -1
"""Owner of a pixel that no tile covers."""

# Corners read from files carry rounding; a lattice that is off by more is another lattice.
_OFF_LATTICE_PX = 1e-3


class Overlap(NamedTuple):
    """Where a tile and a window of the target meet."""

    source: Window
    """The pixels to read, on the tile's own grid."""
    target: Window
    """The same pixels within the target window (its first pixel is row 0, column 0)."""


def lattice_union(grids: Sequence[Grid]) -> Grid:
    """Find the smallest grid that covers all the others on their common lattice.

    Args:
        grids: At least one grid, all of one CRS and pixel size, a whole number of pixels apart.

    Returns:
        The covering grid.

    Raises:
        InputError: There is no grid, or two do not lie on one lattice.
    """
    if not grids:
        raise InputError("A union of grids needs at least one grid, found none.")
    first = grids[0]
    corners = [_steps(first, grid) for grid in grids]
    top = min(row for row, _ in corners)
    left = min(column for _, column in corners)
    bottom = max(row + grid.height for (row, _), grid in zip(corners, grids, strict=True))
    right = max(column + grid.width for (_, column), grid in zip(corners, grids, strict=True))
    # The corner is copied where a grid has it, so that a union of one grid is that grid.
    ulx = next(grid.ulx for grid, (_, column) in zip(grids, corners, strict=True) if column == left)
    uly = next(grid.uly for grid, (row, _) in zip(grids, corners, strict=True) if row == top)
    return Grid(
        crs=first.crs,
        ulx=ulx,
        uly=uly,
        pixel=first.pixel,
        width=right - left,
        height=bottom - top,
    )


def overlap_of(source: Grid, target: Grid, window: Window) -> Overlap | None:
    """Find the pixels that a tile has in a window of the target.

    Args:
        source: Grid of the tile.
        target: Grid of the mosaic, on the same lattice.
        window: Window of the target; it may reach beyond it.

    Returns:
        Both windows of the common pixels; None where there are none.

    Raises:
        InputError: The grids do not lie on one lattice.
    """
    row, column = _steps(target, source)
    tile = Window(row, column, *source.shape)
    common = tile.meet(window)
    return None if common.is_empty else Overlap(common.within(tile), common.within(window))


def paste(
    part: npt.NDArray[_Scalar], at: Window, shape: tuple[int, int], nodata: float
) -> npt.NDArray[_Scalar]:
    """Lay a tile's part into an otherwise empty window.

    Args:
        part: Pixels of the overlap, any dtype, (y, x).
        at: Where they lie in the window: `Overlap.target`.
        shape: (rows, columns) of the window.
        nodata: What fills the rest.

    Returns:
        The window, dtype of the part, (y, x).

    Raises:
        InputError: The part has another size than its place.
    """
    if part.shape != (at.height, at.width):
        raise InputError(
            f"A part of shape {part.shape} does not fill its place of {at.height}x{at.width} px; "
            "read the window that overlap_of names."
        )
    pasted = np.full(shape, nodata, dtype=part.dtype)
    pasted[at.slices] = part
    return pasted


def margin_to_edge(grid: Grid, window: Window, target_grid: Grid) -> Margins:
    """Measure how deep inside a tile's footprint each target pixel lies.

    Args:
        grid: Grid of the tile.
        window: Window of the target.
        target_grid: Grid of the mosaic, on the same lattice.

    Returns:
        Distance of the pixel's centre from the nearest edge of the tile, CRS unit (m), float32,
        (y, x) of the window; at least half a pixel inside, negative outside.

    Raises:
        InputError: The grids do not lie on one lattice.
    """
    row, column = _steps(target_grid, grid)
    rows = np.arange(window.height) + (window.row - row + 0.5)
    columns = np.arange(window.width) + (window.column - column + 0.5)
    to_north_or_south = np.minimum(rows, grid.height - rows)
    to_west_or_east = np.minimum(columns, grid.width - columns)
    margin = np.empty((window.height, window.width), dtype=np.float32)
    _lay(to_north_or_south, to_west_or_east, grid.pixel, margin)
    return margin


def primary_owner(grids: Sequence[Grid], target: Grid, window: Window) -> Owners:
    """Name the tile that owns each pixel: the one in which it lies deepest.

    Args:
        grids: Grids of the tiles, in the order of their ids.
        target: Grid of the mosaic, on the same lattice.
        window: Window of the target.

    Returns:
        Index of the owner, int16, (y, x) of the window; the lower index where margins are equal,
        −1 where no tile covers the pixel.

    Raises:
        InputError: There is no grid, or the grids do not lie on one lattice.
    """
    margins = [margin_to_edge(grid, window, target) for grid in grids]
    return deepest_valid([margin > 0 for margin in margins], margins)


def deepest_valid(is_valid: Sequence[npt.NDArray[np.bool_]], margins: Sequence[Margins]) -> Owners:
    """Name, at each pixel, the tile with the greatest margin among those that are valid there.

    Args:
        is_valid: For each tile, in the order of their ids, True where it has a value, bool, (y, x).
        margins: For each tile its margin, see `margin_to_edge`.

    Returns:
        Index of the tile, int16, (y, x); the lower index where margins are equal, −1 where no
        tile is valid. Pixels outside a tile (negative margin) are never its own.

    Raises:
        InputError: There is no tile, or the numbers or shapes of the arrays differ.
    """
    shapes = {array.shape for array in (*is_valid, *margins)}
    if not is_valid or len(is_valid) != len(margins) or len(shapes) > 1:
        raise InputError(
            f"A mosaic needs one validity and one margin of one shape for each tile, found "
            f"{len(is_valid)} and {len(margins)} of shapes {sorted(shapes)}."
        )
    owner = np.full(is_valid[0].shape, NO_OWNER, dtype=np.int16)
    deepest = np.zeros(owner.shape, dtype=np.float32)
    for index, (valid, margin) in enumerate(zip(is_valid, margins, strict=True)):
        _own(valid, margin, index, deepest, owner)
    return owner


def take_from_owner(
    values: Sequence[npt.NDArray[_Scalar]], owner: Owners, nodata: float
) -> npt.NDArray[_Scalar]:
    """Copy each pixel from the tile that owns it.

    Args:
        values: For each tile its values in the window, one dtype, (y, x).
        owner: Index of the owner, int16, (y, x), −1 where there is none.
        nodata: Value of a pixel without owner.

    Returns:
        The joined window, same dtype.

    Raises:
        InputError: There is no tile.
    """
    if not values:
        raise InputError("A mosaic needs at least one tile, found none.")
    joined = np.full(owner.shape, nodata, dtype=values[0].dtype)
    for index, tile in enumerate(values):
        np.copyto(joined, tile, where=owner == index)
    return joined


@compiled()
def _lay(down, across, pixel, margin):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    for y in range(down.size):
        for x in range(across.size):
            margin[y, x] = np.float32(min(down[y], across[x]) * pixel)


@compiled()
def _own(is_valid, margin, index, deepest, owner):  # type: ignore[no-untyped-def]  # pragma: no cover
    for y in range(owner.shape[0]):
        for x in range(owner.shape[1]):
            is_deeper = is_valid[y, x] & (margin[y, x] > deepest[y, x])
            owner[y, x] = np.int16(index) if is_deeper else owner[y, x]
            deepest[y, x] = margin[y, x] if is_deeper else deepest[y, x]


def blend_primary(
    values: Sequence[npt.NDArray[_Scalar]], margins: Sequence[Margins], nodata: float
) -> npt.NDArray[_Scalar]:
    """Join tiles without mixing: each pixel from the valid tile in which it lies deepest.

    Args:
        values: For each tile, in the order of their ids, its values in the window, one dtype,
            (y, x).
        margins: For each tile its margin, see `margin_to_edge`.
        nodata: Code of nodata in the values and in the result; NaN for floats.

    Returns:
        The joined window, same dtype. Where the deepest tile is nodata, the next valid one
        decides; nodata where none is valid.

    Raises:
        InputError: There is no tile, or the numbers or shapes of the arrays differ.
    """
    owner = deepest_valid([~_is_nodata(tile, nodata) for tile in values], margins)
    return take_from_owner(values, owner, nodata)


def _is_nodata(values: npt.NDArray[Any], nodata: float) -> npt.NDArray[np.bool_]:
    return np.isnan(values) if np.isnan(nodata) else np.asarray(values == nodata)


def _steps(origin: Grid, grid: Grid) -> tuple[int, int]:
    """Count rows down and columns right from the corner of one grid to that of another."""
    rows = (origin.uly - grid.uly) / origin.pixel
    columns = (grid.ulx - origin.ulx) / origin.pixel
    off = max(abs(rows - round(rows)), abs(columns - round(columns)))
    same_pixel = isclose(origin.pixel, grid.pixel, rel_tol=1e-9)
    if origin.crs != grid.crs or not same_pixel or off > _OFF_LATTICE_PX:
        raise InputError(
            f"Grids do not lie on one lattice: {origin.describe()} against {grid.describe()}; "
            "only tiles of one CRS, pixel size and alignment can be joined without resampling."
        )
    return round(rows), round(columns)
