"""How large a piece of a raster may be worked on at once."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from landcover.errors import InputError, MemoryExceededError
from landcover.nouns.grid import Window

_Scalar = TypeVar("_Scalar", bound=np.generic)

LARGEST_PX = 1024
"""Longest side of a window, px: beyond it time per pixel no longer falls, only memory grows."""
SMALLEST_PX = 64
"""Shortest side of a window, px: below it reading costs more than computing."""
BYTES_PER_GB = 10**9


def plan_windows(
    height: int,
    width: int,
    *,
    bytes_per_pixel: float,
    memory_gb: float,
    block: int = 512,
) -> list[Window]:
    """Cover a raster with the largest windows that fit into memory.

    Windows measure 1024 × 1024 px where memory allows, otherwise 512 × 1024, 512 × 512 and so
    on, halved in turn down to 64 × 64; the last of each row and column are smaller. At or above
    the block they are whole blocks, below it whole fractions of one, so no window straddles the
    edge of a block without need. The plan depends on nothing but the arguments.

    Args:
        height: Rows of the raster.
        width: Columns of the raster.
        bytes_per_pixel: Memory that one pixel of a window needs at the peak, bytes, over all
            windows that are worked on at the same time.
        memory_gb: Memory for it, GB (10⁹ bytes).
        block: Side of the raster's blocks, px: a power of two from 64 to 1024.

    Returns:
        Windows that cover each pixel once, row by row.

    Raises:
        InputError: A size, the bytes or the memory is not above 0, or the block is not such a
            power of two.
        MemoryExceededError: Not even a window of 64 × 64 px fits.
    """
    if min(height, width) < 1 or not (bytes_per_pixel > 0 and memory_gb > 0):
        raise InputError(
            "Windows need a raster of at least 1x1 px, bytes per pixel and memory above 0, found "
            f"{height}x{width} px, {bytes_per_pixel} bytes and {memory_gb} GB."
        )
    if not SMALLEST_PX <= block <= LARGEST_PX or block & (block - 1):
        raise InputError(
            f"The block of the window plan must be a power of two from {SMALLEST_PX} to "
            f"{LARGEST_PX} px, found {block}."
        )
    fits_px = memory_gb * BYTES_PER_GB / bytes_per_pixel
    rows = columns = LARGEST_PX
    while min(rows, height) * min(columns, width) > fits_px:
        if rows == SMALLEST_PX and columns == SMALLEST_PX:
            raise MemoryExceededError(
                f"A window of {SMALLEST_PX}x{SMALLEST_PX} px at {bytes_per_pixel:g} bytes per "
                f"pixel does not fit into {memory_gb:g} GB; give the job more memory or fewer "
                "threads or layers."
            )
        rows, columns = (rows // 2, columns) if rows == columns else (rows, columns // 2)
    return [
        Window(row, column, min(rows, height - row), min(columns, width - column))
        for row in range(0, height, rows)
        for column in range(0, width, columns)
    ]


def cover(window: Window, ratio: int) -> Window:
    """Find the window of a coarser grid that covers a window of a finer one.

    Args:
        window: Window of the finer grid.
        ratio: Fine pixels along one side of a coarse one, at least 1.

    Returns:
        The smallest such window.
    """
    row, column = window.row // ratio, window.column // ratio
    bottom = -(-(window.row + window.height) // ratio)
    right = -(-(window.column + window.width) // ratio)
    return Window(row, column, bottom - row, right - column)


def cut(
    fine: npt.NDArray[_Scalar], window: Window, coarse: Window, ratio: int
) -> npt.NDArray[_Scalar]:
    """Cut a window out of what its :func:`cover` was enlarged to.

    Args:
        fine: The cover, enlarged ``ratio`` times, (…, y, x).
        window: The wanted window of the finer grid.
        coarse: Its cover.
        ratio: Fine pixels along one side of a coarse one.

    Returns:
        The pixels of the window, (…, y, x).
    """
    row, column = window.row - coarse.row * ratio, window.column - coarse.column * ratio
    return fine[..., row : row + window.height, column : column + window.width]


def window_block(block: int) -> int:
    """Round a file's block to one that windows are planned by: a power of two from 64 to 1024."""
    power = 1 << max(0, int(block).bit_length() - 1)
    return min(LARGEST_PX, max(SMALLEST_PX, power))
