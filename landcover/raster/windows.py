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
    block: tuple[int, int] = (512, 512),
) -> list[Window]:
    """Cover a raster with the largest windows that fit into memory.

    Windows are as many whole blocks as fit into 1024 × 1024 px, at least one, where memory
    allows: 1024 × 1024 px of blocks of 512 or 1024 px, 640 × 640 px of blocks of 640 px, 960 ×
    960 px of blocks of 192 px. Where it does not, rows and columns are halved in turn, to whole
    blocks as long as there are several, then to parts of one, down to 64 px. The last of each row
    and column are smaller. The plan depends on nothing but the arguments.

    Args:
        height: Rows of the raster.
        width: Columns of the raster.
        bytes_per_pixel: Memory that one pixel of a window needs at the peak, bytes, over all
            windows that are worked on at the same time.
        memory_gb: Memory for it, GB (10⁹ bytes).
        block: Rows and columns of the raster's blocks, px; a block may be as large as the raster.

    Returns:
        Windows that cover each pixel once, row by row.

    Raises:
        InputError: A size, the bytes or the memory is not above 0.
        MemoryExceededError: Not even a window of 64 × 64 px fits.
    """
    sizes_are_right = min(height, width, *block) >= 1 and bytes_per_pixel > 0 and memory_gb > 0
    if not sizes_are_right:
        raise InputError(
            "Windows need a raster and blocks of at least 1x1 px, bytes per pixel and memory above "
            f"0, found {height}x{width} px in blocks of {block[0]}x{block[1]} px, "
            f"{bytes_per_pixel} bytes and {memory_gb} GB."
        )
    fits_px = memory_gb * BYTES_PER_GB / bytes_per_pixel
    # A block beyond the edge of the raster is as good as one that ends there.
    unit_rows, unit_columns = min(block[0], height), min(block[1], width)
    rows, columns = _largest(unit_rows), _largest(unit_columns)
    while min(rows, height) * min(columns, width) > fits_px:
        if max(rows, columns) <= SMALLEST_PX:
            raise MemoryExceededError(
                f"A window of {SMALLEST_PX}x{SMALLEST_PX} px at {bytes_per_pixel:g} bytes per "
                f"pixel does not fit into {memory_gb:g} GB; give the job more memory or fewer "
                "threads or layers."
            )
        # Fewer whole blocks before parts of blocks, the longer side first.
        if (_several(rows, unit_rows), rows) >= (_several(columns, unit_columns), columns):
            rows = _smaller(rows, unit_rows)
        else:
            columns = _smaller(columns, unit_columns)
    return list(Window.whole((height, width)).pieces(rows, columns))


def _largest(block: int) -> int:
    """Find the largest multiple of a block within the longest side of a window, or the block."""
    return max(1, LARGEST_PX // block) * block


def _several(side: int, block: int) -> bool:
    return side > max(block, SMALLEST_PX)


def _smaller(side: int, block: int) -> int:
    """Halve the side of a window: to whole blocks while there are several, not below 64 px."""
    blocks = side // block
    half = blocks // 2 * block if blocks > 1 else -(-side // 2)
    return max(half, SMALLEST_PX)


def cut(
    fine: npt.NDArray[_Scalar], window: Window, coarse: Window, ratio: int
) -> npt.NDArray[_Scalar]:
    """Cut a window out of what was read of a coarser grid (:meth:`Window.coarsened`).

    Args:
        fine: The pixels of ``coarse``, each enlarged ``ratio`` times, (…, y, x).
        window: The wanted window of the finer grid.
        coarse: Window of the coarser grid that covers it.
        ratio: Fine pixels along one side of a coarse one.

    Returns:
        The pixels of the window, (…, y, x).
    """
    rows, columns = window.within(coarse.refined(ratio)).slices
    return fine[..., rows, columns]
