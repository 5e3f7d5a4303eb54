"""A joined class map cleaned window by window: majority filter, then the sieve."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.nouns.grid import Grid, Window
from landcover.raster.majority import majority
from landcover.raster.resample import ANCHOR_PX
from landcover.raster.sieve import sieve, sieve_halo
from landcover.raster.windows import LARGEST_PX, plan_windows
from landcover.recipe.mosaic import MosaicRecipe
from landcover.stages.task import Job
from landcover.stores.rasters import RasterStyle, create_raster, open_raster

SIEVE_PASSES = 4
"""Most passes of the sieve: small patches that touch only small ones wait for the next."""
BYTES_PER_PIXEL = 24
"""Codes, labels and their parents."""
_BARE = RasterStyle(dtype="uint8", nodata=0)
Clean = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def halo_of(how: MosaicRecipe) -> int:
    """Say how many pixels around a cell decide what its cleaned map holds.

    Whole steps of :data:`ANCHOR_PX`, so that warped pixels are the same as without the halo.
    """
    sieving = SIEVE_PASSES * sieve_halo(how.min_pixels) if how.min_pixels > 1 else 0
    return -(-(how.majority // 2 + sieving) // ANCHOR_PX) * ANCHOR_PX


def clean(
    job: Job, source: Path, grid: Grid, how: MosaicRecipe, path: Path, style: RasterStyle
) -> dict[str, Any]:
    """Clean a class map.

    Args:
        job: Memory of the job; is asked between windows.
        source: The joined map, with its halo; what is written between is put beside it.
        grid: Grid of the cleaned map, on the lattice of the joined one.
        how: The recipe's mosaic section.
        path: Where the cleaned map goes.
        style: What it says of its codes.

    Returns:
        ``majority_pixels`` and ``sieved_pixels``: how many pixels took another class, halo
        included; ``sieve_passes``.
    """
    stats: dict[str, Any] = {}
    at = source
    if how.majority > 1:
        voted = source.with_name("voted.tif")
        voting = partial(majority, window=how.majority)
        stats["majority_pixels"] = _apply(job, at, voted, voting, how.majority // 2)
        at = voted
    if how.min_pixels > 1:
        sieving = partial(sieve, min_pixels=how.min_pixels)
        stats.update(sieved_pixels=0, sieve_passes=0)
        for number in range(SIEVE_PASSES):
            sieved = source.with_name(f"sieved-{number}.tif")
            changed = _apply(job, at, sieved, sieving, sieve_halo(how.min_pixels))
            at.unlink()
            at = sieved
            stats["sieved_pixels"] += changed
            stats["sieve_passes"] += 1
            if not changed:
                break
    crop(job, at, path, grid, style)
    return stats


def _apply(job: Job, source: Path, path: Path, clean: Clean, halo: int) -> int:
    """Write what a function makes of a raster, each window seen with a halo; count changes."""
    changed = 0
    with open_raster(source) as reader:
        grid = reader.info.grid
        assert grid is not None  # it was written by this stage
        wider = ((LARGEST_PX + 2 * halo) / LARGEST_PX) ** 2
        windows = plan_windows(
            *grid.shape, bytes_per_pixel=BYTES_PER_PIXEL * wider, memory_gb=job.memory_gb
        )
        with create_raster(path, grid, _BARE) as writer:
            for window in windows:
                job.check()
                seen = _widen(window, halo, grid)
                before = reader.read(seen, band=1)
                top, left = window.row - seen.row, window.column - seen.column
                inner = Window(top, left, window.height, window.width).slices
                after = clean(before)[inner]
                changed += int(np.count_nonzero(after != before[inner]))
                writer.write(after, window)
    return changed


def crop(job: Job, source: Path, path: Path, grid: Grid, style: RasterStyle) -> None:
    """Copy a part of a raster into a file of its own.

    Args:
        job: Is asked between windows.
        source: The raster.
        path: Where the part goes.
        grid: Grid of the part, on the lattice of the raster.
        style: What the file says of its numbers.
    """
    with open_raster(source) as reader:
        whole = reader.info.grid
        assert whole is not None  # it was written by this stage
        down = round((whole.uly - grid.uly) / grid.pixel)
        right = round((grid.ulx - whole.ulx) / grid.pixel)
        with create_raster(path, grid, style) as writer:
            for window in grid.windows(LARGEST_PX, LARGEST_PX):
                job.check()
                row, column, height, width = window
                part = reader.read(Window(row + down, column + right, height, width))
                writer.write(part, window)


def _widen(window: Window, halo: int, grid: Grid) -> Window:
    top, left = max(0, window.row - halo), max(0, window.column - halo)
    bottom = min(grid.height, window.row + window.height + halo)
    right = min(grid.width, window.column + window.width + halo)
    return Window(top, left, bottom - top, right - left)
