"""Terrain: elevation, slope and aspect of a tile on its work grid (spec: dem §3-6)."""

from __future__ import annotations

import logging
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from landcover.errors import MissingDataError
from landcover.ledger.outputs import sha256_of
from landcover.nouns.grid import Grid
from landcover.nouns.output import Wanted
from landcover.products.dem import DegreeCells, find_dem
from landcover.raster.denoise import denoise_dem
from landcover.raster.terrain import extend_edges, slope_aspect
from landcover.raster.windows import plan_windows
from landcover.recipe import Denoise
from landcover.stages.grids import tile_work_grid
from landcover.stages.task import Task
from landcover.stores import layout
from landcover.stores.rasters import (
    RasterStyle,
    ResamplingName,
    by_pixel_size,
    create_raster,
    joined,
    read_warped,
    write_raster,
)

VERSION = 2
METRIC_PIXEL = 30.0
HALO = 64
"""Cells around the tile on the metric grid: enough for denoising to be seamless (dem §2)."""
EDGE_CELLS = 3
"""Cells by which a DEM is continued beyond its edge, so that the edge has a slope."""
FLOAT = RasterStyle(dtype="float32", nodata=float("nan"))

log = logging.getLogger(__name__)


def terrain(task: Task) -> None:
    """Make elevation, slope and aspect of the unit's tile."""
    tile = str(task.unit.tile)
    grid = tile_work_grid(task, tile)
    metric = metric_grid(grid)
    dem = find_dem(Path(str(task.run.arguments.dem)))
    files, missing = _files(dem, metric)
    if not files:
        raise MissingDataError(
            f"{tile}: no elevation cell of the tile is in {task.run.arguments.dem} "
            f"({_names(missing)} needed). Add the cells or run without --dem."
        )
    if missing and not task.recipe.terrain.missing_is_sea:
        log.warning("%s: elevation cells %s are absent: nodata there", tile, _names(missing))
    elif missing:
        log.warning("%s: elevation cells %s are absent: sea level there", tile, _names(missing))
    wanted = Wanted(
        stage="terrain",
        version=VERSION,
        unit=tile,
        inputs={"dem": tuple(sha256_of(file)[:16] for file in files)},
        params={
            **task.recipe.terrain.to_document(),
            "grid": grid.to_document(),
            "missing": _names(missing),
        },
    )
    make = partial(_make, task, grid, metric, files, missing)
    task.need(wanted, layout.terrain(tile, wanted.id), make)


def metric_grid(grid: Grid) -> Grid:
    """Give the 30 m grid that covers a work grid with its halo (dem §6)."""
    west, south, east, north = grid.bounds
    width, height = (ceil(side / METRIC_PIXEL) for side in (east - west, north - south))
    return Grid(
        crs=grid.crs,
        ulx=west - METRIC_PIXEL * HALO,
        uly=north + METRIC_PIXEL * HALO,
        pixel=METRIC_PIXEL,
        width=width + 2 * HALO,
        height=height + 2 * HALO,
    )


def _make(
    task: Task,
    grid: Grid,
    metric: Grid,
    files: list[Path],
    missing: list[tuple[int, int]],
    path: Path,
) -> dict[str, Any]:
    path.mkdir()
    recipe = task.recipe.terrain
    elevation = _elevation(metric, files, recipe.resampling)
    if recipe.missing_is_sea and missing:
        _fill_sea(elevation, metric, missing)
    covered = _coverage(elevation, metric, files, missing, path / "known.tif")
    elevation = _denoised(elevation, recipe.denoise)
    elevation = extend_edges(elevation, EDGE_CELLS)
    slope, aspect = slope_aspect(elevation, METRIC_PIXEL, convention=recipe.aspect)
    scratch = path / "metric.tif"
    stats: dict[str, Any] = {"missing_cells": _names(missing)}
    layers: tuple[tuple[str, NDArray[np.float32], ResamplingName], ...] = (
        ("elevation", elevation, "bilinear"),
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
            "%s: the DEM leaves %.2f %% of the tile without elevation; nodata there",
            task.unit.label,
            percent,
        )
    return stats


def _denoised(elevation: NDArray[np.float32], how: Denoise | None) -> NDArray[np.float32]:
    # On the metric grid: in degrees all faces stand upright, and nothing is smoothed (dem §1).
    if how is None:
        return elevation
    return denoise_dem(
        elevation,
        METRIC_PIXEL,
        how.threshold,
        how.normal_iterations,
        vertex_iterations=how.vertex_iterations,
        neighbourhood=how.neighbourhood,
    )


def _coverage(
    elevation: NDArray[np.float32],
    metric: Grid,
    files: list[Path],
    missing: list[tuple[int, int]],
    scratch: Path,
) -> Path | None:
    """Name a raster that is nodata where the tile must have none; None where it is all known."""
    if not np.isnan(elevation).any():
        return None
    if len(files) == 1 and not missing:
        return files[0]
    known = np.where(np.isnan(elevation), np.nan, 1).astype(np.float32)
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
    windows = plan_windows(*grid.shape, bytes_per_pixel=32, memory_gb=task.job.memory_gb)
    with create_raster(path, grid, FLOAT) as raster:
        for window in windows:
            task.job.check()
            values = read_warped(source, grid, resampling=resampling, window=window)
            if covered is not None:
                is_known = read_warped(covered, grid, resampling="nearest", window=window)
                values[np.isnan(is_known)] = np.nan
            raster.write(values, window)
            seen = values[np.isfinite(values)]
            n_nodata += values.size - seen.size
            if seen.size:
                low, high = min(low, float(seen.min())), max(high, float(seen.max()))
    percent = round(100 * n_nodata / (grid.width * grid.height), 4)
    if np.isinf(low):
        return {"nodata_percent": percent}
    return {"nodata_percent": percent, "minimum": round(low, 3), "maximum": round(high, 3)}


def _elevation(metric: Grid, files: list[Path], resampling: ResamplingName) -> NDArray[np.float32]:
    elevation = np.full(metric.shape, np.nan, np.float32)
    # Cells of one pixel size are joined before the warp, so that no seam is interpolated.
    for zone in by_pixel_size(files):
        warped = read_warped(joined(zone), metric, resampling=resampling)
        elevation = np.where(np.isnan(elevation), warped, elevation)
    return elevation


def _fill_sea(elevation: NDArray[np.float32], metric: Grid, missing: list[tuple[int, int]]) -> None:
    rows, columns = np.nonzero(np.isnan(elevation))
    lons, lats = Transformer.from_crs(metric.crs, "EPSG:4326", always_xy=True).transform(
        metric.ulx + (columns + 0.5) * metric.pixel, metric.uly - (rows + 0.5) * metric.pixel
    )
    corners = set(missing)
    is_sea = np.array(
        [
            (int(lat), int(lon)) in corners
            for lat, lon in zip(np.floor(lats), np.floor(lons), strict=True)
        ],
        dtype=bool,
    )
    elevation[rows[is_sea], columns[is_sea]] = 0.0


def _files(dem: Path | DegreeCells, metric: Grid) -> tuple[list[Path], list[tuple[int, int]]]:
    if isinstance(dem, Path):
        return [dem], []
    west, south, east, north = metric.bounds
    box = Transformer.from_crs(metric.crs, "EPSG:4326", always_xy=True).transform_bounds(
        west, south, east, north, densify_pts=21
    )
    present, missing = dem.needed(box)
    return [present[corner] for corner in sorted(present)], missing


def _names(corners: list[tuple[int, int]]) -> str:
    names = [
        f"{'N' if lat >= 0 else 'S'}{abs(lat):02d}{'E' if lon >= 0 else 'W'}{abs(lon):03d}"
        for lat, lon in corners
    ]
    return ", ".join(names) or "none"
