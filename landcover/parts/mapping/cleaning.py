"""A joined class map cleaned window by window: majority filter, then the sieve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from landcover.nouns.grid import Grid
from landcover.parts.mapping.halos import SIEVE_PASSES, reach_of
from landcover.parts.task import Job
from landcover.raster.halos import sieve_halo
from landcover.raster.levels import Codes, refill_second
from landcover.raster.majority import majority
from landcover.raster.sieve import sieve
from landcover.raster.windows import LARGEST_PX, plan_windows
from landcover.recipe.mosaic import MosaicRecipe
from landcover.stores.rasters import RasterStyle, create_raster, open_raster

BYTES_PER_PIXEL = 24
"""Codes, labels and their parents."""
_BARE = RasterStyle(dtype="uint8", nodata=0)


def clean(job: Job, source: Path, how: MosaicRecipe) -> tuple[Path, dict[str, Any]]:
    """Clean a class map.

    Args:
        job: Memory of the job; is asked between windows.
        source: The joined map, with its halo; what is written is put beside it, and it may go.
        how: The recipe's mosaic section.

    Returns:
        The cleaned map, halo included; and ``majority_pixels`` and ``sieved_pixels``: how many
        pixels took another class, halo included; ``sieve_passes``.
    """
    stats: dict[str, Any] = {}
    at = source
    if how.majority > 1:
        voted = source.with_name("voted.tif")
        voting = partial(majority, window=how.majority)
        stats["majority_pixels"] = _apply(job, [at], voted, voting, how.majority // 2)
        at = voted
    if how.min_pixels > 1:
        sieving = partial(sieve, min_pixels=how.min_pixels)
        stats.update(sieved_pixels=0, sieve_passes=0)
        for number in range(SIEVE_PASSES):
            sieved = source.with_name(f"sieved-{number}.tif")
            changed = _apply(job, [at], sieved, sieving, sieve_halo(how.min_pixels))
            at.unlink()
            at = sieved
            stats["sieved_pixels"] += changed
            stats["sieve_passes"] += 1
            if not changed:
                break
    return at, stats


def refill(
    job: Job, cleaned: Path, second: Path, how: MosaicRecipe, parents: Codes
) -> tuple[Path, dict[str, Any]]:
    """Make the second level fit a cleaned map, see :func:`~landcover.raster.levels.refill_second`.

    Args:
        job: Memory of the job; is asked between windows.
        cleaned: The cleaned map, with its halo.
        second: The joined second level on the same grid; what is written is put beside it.
        how: The recipe's mosaic section.
        parents: See :func:`~landcover.raster.levels.parents_of`.

    Returns:
        The second level, halo included; and ``second_refilled_pixels``: how many pixels took
        another code, halo included.
    """
    path, reach = second.with_name("refilled.tif"), reach_of(how)
    filling = partial(refill_second, parents=parents, reach=reach)
    return path, {"second_refilled_pixels": _apply(job, [cleaned, second], path, filling, reach)}


def _apply(
    job: Job, sources: Sequence[Path], path: Path, clean: Callable[..., Codes], halo: int
) -> int:
    """Write what a function makes of rasters of one grid, each window seen with a halo.

    Returns:
        How many pixels differ from the last of the rasters.
    """
    changed = 0
    with ExitStack() as opened:
        readers = [opened.enter_context(open_raster(source)) for source in sources]
        grid = readers[0].info.grid
        assert grid is not None  # it was written by this stage
        wider = ((LARGEST_PX + 2 * halo) / LARGEST_PX) ** 2
        windows = plan_windows(
            *grid.shape, bytes_per_pixel=BYTES_PER_PIXEL * wider, memory_gb=job.memory_gb
        )
        writer = opened.enter_context(create_raster(path, grid, _BARE))
        for window in windows:
            job.check()
            seen = window.widened(halo, grid.shape)
            before = [reader.read(seen, band=1) for reader in readers]
            inner = window.within(seen).slices
            after = clean(*before)[inner]
            changed += int(np.count_nonzero(after != before[-1][inner]))
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
                writer.write(reader.read(window.shifted(down, right)), window)
