"""Elevation, slope and aspect of a tile: voids filled, denoised, resampled to its work grid."""

from __future__ import annotations

import logging
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.errors import MissingDataError
from landcover.nouns.grid import Grid, Window
from landcover.nouns.work_windows import WorkWindows, whole_or_cut
from landcover.parts.preparation.elevation import Elevation, names
from landcover.parts.preparation.heights import Heights, read_elevation
from landcover.parts.preparation.metric_grid import HALO, METRIC_PIXEL
from landcover.parts.task import Task
from landcover.raster.denoise import denoise_dem
from landcover.raster.terrain import extend_edges, slope_aspect
from landcover.raster.voids import fill_voids
from landcover.raster.windows import plan_windows
from landcover.recipe import Denoise
from landcover.stores.rasters import (
    RasterStyle,
    ResamplingName,
    create_raster,
    read_warped,
    write_raster,
)

log = logging.getLogger(__name__)
BLOCK = 2048
"""Cells along a side of what is denoised at once."""
EDGE_CELLS = 3
"""Cells by which a DEM is continued beyond its edge, so that the edge has a slope."""
REACH_CELLS = 8
"""Cells around a pixel that its elevation, slope and aspect come from, and more: three of the
continued edge, one of the slope, two of the resampling."""
FLOAT = RasterStyle(dtype="float32", nodata=float("nan"))


def write_terrain(
    task: Task, grid: Grid, metric: Grid, elevation: Elevation, path: Path
) -> dict[str, Any]:
    """Write elevation, slope and aspect of a tile.

    Args:
        task: Unit, recipe and job.
        grid: Work grid of the tile.
        metric: Grid of 30 m that covers it with its halo, on which slopes are computed.
        elevation: Where the heights come from.
        path: Folder to make: ``elevation.tif`` (m), ``slope.tif`` and ``aspect.tif`` (degrees),
            float32, NaN nodata.

    Returns:
        ``missing_cells``, ``filled_cells``, and of each raster its range and percent of nodata
        where the tile is worked on; ``windows_percent``, how much of it that is, where not all.

    Raises:
        InputError: The elevation cannot be used.
        MissingDataError: It has no value in the tile.
    """
    path.mkdir()
    recipe = task.recipe.terrain
    heights = read_elevation(elevation, metric, recipe.resampling, path)
    if not np.isfinite(heights).any():
        raise MissingDataError(
            f"{task.unit.label}: the elevation in {task.run.arguments.dem} has no value in the "
            "tile. Name a DEM that covers it with --dem, or run without."
        )
    heights, is_filled = fill_voids(heights, recipe.fill_voids)
    # A file is asked at its own resolution where it ends; what was filled is known now.
    ends = None if is_filled.any() else elevation.file
    covered = _coverage(heights, metric, ends, path / "known.tif")
    heights = _denoised(task, heights, metric, recipe.denoise)
    heights = extend_edges(heights, EDGE_CELLS)
    slope, aspect = slope_aspect(
        heights, METRIC_PIXEL, convention=recipe.aspect, flat_below=recipe.flat_below
    )
    scratch = path / "metric.tif"
    stats: dict[str, Any] = {
        "missing_cells": names((*elevation.sea, *elevation.unknown)),
        "filled_cells": int(is_filled.sum()),
        **({} if task.windows is None else {"windows_percent": task.windows.percent_of(grid)}),
    }
    layers: tuple[tuple[str, NDArray[np.float32], ResamplingName], ...] = (
        ("elevation", heights, "bilinear"),
        ("slope", slope, "bilinear"),
        ("aspect", aspect, "nearest"),  # degrees wrap around: never average them
    )
    for name, values, resampling in layers:
        write_raster(scratch, values, metric, FLOAT)
        stats[name] = _resample(task, scratch, path / f"{name}.tif", grid, resampling, covered)
        scratch.unlink()
    (path / "known.tif").unlink(missing_ok=True)
    percent = stats["elevation"]["nodata_percent"]
    if percent:
        log.warning(
            "%s: the DEM leaves %.2f %% of %s without elevation; nodata there",
            task.unit.label,
            percent,
            "the tile" if task.windows is None else "the region's windows",
        )
    return stats


def _denoised(task: Task, heights: Heights, metric: Grid, how: Denoise | None) -> Heights:
    # On the metric grid: in degrees all faces stand upright, and nothing is smoothed
    # (docs/methods/terrain.md#order).
    if how is None:
        return heights
    result = heights.copy()
    # Blocks of one size, whatever the memory: the last bits of a height depend on them. So a part
    # of a tile takes those that it needs, each whole.
    for top in range(0, heights.shape[0], BLOCK):
        for left in range(0, heights.shape[1], BLOCK):
            if not _is_needed(task.windows, metric, Window(top, left, BLOCK, BLOCK)):
                continue
            task.job.check()
            north, west = max(0, top - HALO), max(0, left - HALO)
            around = heights[north : top + BLOCK + HALO, west : left + BLOCK + HALO]
            smooth = denoise_dem(
                around,
                METRIC_PIXEL,
                how.threshold,
                how.normal_iterations,
                vertex_iterations=how.vertex_iterations,
                neighbourhood=how.neighbourhood,
            )
            inner = result[top : top + BLOCK, left : left + BLOCK]
            row, column = top - north, left - west
            inner[:] = smooth[row : row + inner.shape[0], column : column + inner.shape[1]]
    return result


def _is_needed(windows: WorkWindows | None, metric: Grid, block: Window) -> bool:
    """Tell whether a block of the metric grid decides anything where the tile is worked on."""
    if windows is None:
        return True
    # Slopes and resampling look a few cells far; the metric grid begins a halo before the tile.
    around = windows.widened(ceil(REACH_CELLS * METRIC_PIXEL / windows.pixel))
    return around.touch(block.shifted(-HALO, -HALO), metric)


def _coverage(heights: Heights, metric: Grid, file: Path | None, scratch: Path) -> Path | None:
    """Name a raster that is nodata where the tile must have none; None where it is all known."""
    if not np.isnan(heights).any():
        return None
    if file is not None:
        return file
    known = np.where(np.isnan(heights), np.nan, 1).astype(np.float32)
    write_raster(scratch, known, metric, FLOAT)
    return scratch


def _resample(
    task: Task,
    source: Path,
    path: Path,
    grid: Grid,
    resampling: ResamplingName,
    covered: Path | None,
) -> dict[str, float]:
    low, high, n_nodata = np.inf, -np.inf, 0
    n_pixels = 0
    windows = plan_windows(*grid.shape, bytes_per_pixel=32, memory_gb=task.job.memory_gb)
    with create_raster(path, grid, FLOAT, is_sparse=task.windows is not None) as raster:
        for window in windows:
            parts = whole_or_cut([window], grid, task.windows)
            if not parts:
                continue
            task.job.check()
            # Whole windows, whatever is written of them: the last bits of a slope depend on them.
            values = read_warped(source, grid, resampling=resampling, window=window)
            if covered is not None:
                is_known = read_warped(covered, grid, resampling="nearest", window=window)
                values[np.isnan(is_known)] = np.nan
            for part in parts:
                written = values[part.within(window).slices]
                raster.write(written, part)
                seen = written[np.isfinite(written)]
                n_pixels += written.size
                n_nodata += written.size - seen.size
                if seen.size:
                    low, high = min(low, float(seen.min())), max(high, float(seen.max()))
    percent = round(100 * n_nodata / n_pixels, 4)
    if np.isinf(low):
        return {"nodata_percent": percent}
    return {"nodata_percent": percent, "minimum": round(low, 3), "maximum": round(high, 3)}
