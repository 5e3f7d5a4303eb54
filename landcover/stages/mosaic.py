"""Mosaic: tiles of one UTM zone joined, each pixel from the tile in which it lies deepest."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from landcover.errors import InputError, MissingDataError
from landcover.nouns.grid import Grid
from landcover.nouns.output import Output, Wanted
from landcover.raster.mosaic import blend_primary, lattice_union, margin_to_edge, overlap_of, paste
from landcover.raster.reflectance import NODATA
from landcover.raster.windows import plan_windows
from landcover.stages.classify import (
    CLASSES,
    CONFIDENCE,
    CONFIDENCE_STYLE,
    class_style,
    load_model,
)
from landcover.stages.grids import composites_of, work_grid, zone_of
from landcover.stages.prepared import prepared_tiles
from landcover.stages.task import Task
from landcover.stores import layout
from landcover.stores.rasters import RasterStyle, create_raster, open_raster

VERSION = 1
TRUE_COLOUR = ("B04", "B03", "B02")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """One tile's raster and the grid it takes in the mosaic."""

    tile: str
    path: str
    grid: Grid


def mosaic(task: Task) -> None:
    """Join the class maps and the composites of the unit's zone.

    Raises:
        MissingDataError: No tile of the zone was prepared.
    """
    tiles = [t for t in prepared_tiles(task) if _zone(task, t) == task.unit.cell]
    if not tiles:
        raise MissingDataError(f"{task.unit.label}: no tile of this zone was prepared.")
    maps = {str(u.tile): o for u, o in task.all_outputs("classify") if str(u.tile) in tiles}
    period, composites = _clearest(task, tiles)
    wanted = Wanted(
        stage="mosaic",
        version=VERSION,
        unit=str(task.unit.cell),
        inputs={
            "maps": tuple(maps[tile].id for tile in sorted(maps)),
            "composites": tuple(composites[tile].id for tile in tiles),
        },
        params={"period": period},
    )
    key = layout.mosaic(str(task.unit.cell), wanted.id)
    task.need(wanted, key, partial(_make, task, maps, composites), {"period": period})


def _make(
    task: Task, maps: dict[str, Output], composites: dict[str, Output], path: Path
) -> dict[str, Any]:
    path.mkdir()
    stats: dict[str, Any] = {"tiles": sorted(composites), "mapped": sorted(maps)}
    if maps:
        _, card = load_model(task)
        for name, style in ((CLASSES, class_style(card)), (CONFIDENCE, CONFIDENCE_STYLE)):
            sources = [
                Source(tile, task.href(o, name), Grid.from_document(o.stats["grid"]))
                for tile, o in sorted(maps.items())
            ]
            stats["grid"] = _join(task, sources, path / name, style)
    for layer in TRUE_COLOUR:
        sources = [
            Source(tile, task.href(o, f"{layer}.tif"), Grid.from_document(o.stats["layers"][layer]))
            for tile, o in sorted(composites.items())
            if layer in o.stats["layers"]
        ]
        if sources:
            style = RasterStyle("int16", NODATA, (layer,), scale=1e-4)
            stats["composite_grid"] = _join(task, sources, path / f"{layer}.tif", style)
    return stats


def _join(task: Task, sources: list[Source], path: Path, style: RasterStyle) -> dict[str, Any]:
    snapped = [_snap(source, sources[0].grid) for source in sources]
    target = lattice_union([source.grid for source in snapped])
    windows = plan_windows(
        *target.shape, bytes_per_pixel=12 * len(sources), memory_gb=task.job.memory_gb
    )
    with create_raster(path, target, style) as raster:
        for window in windows:
            task.job.check()
            present = [(s, o) for s in snapped if (o := overlap_of(s.grid, target, window))]
            if not present:
                continue
            values, margins = [], []
            for source, overlap in present:
                with open_raster(source.path) as reader:
                    part = reader.read(overlap.source, band=1)
                values.append(paste(part, overlap.target, window[2:], float(style.nodata or 0)))
                margins.append(margin_to_edge(source.grid, window, target))
            raster.write(blend_primary(values, margins, float(style.nodata or 0)), window)
    return target.to_document()


def _snap(source: Source, first: Grid) -> Source:
    """Move a grid to the lattice of another one: nearest neighbour, by half a pixel at most.

    Tiles at their full resolution share a lattice and are not moved (spec: mosaic §3); those
    delivered at a coarser one may be off by a part of a pixel.
    """
    grid = source.grid
    if (grid.crs, grid.pixel) != (first.crs, first.pixel):
        raise InputError(
            f"{source.tile}: {grid.describe()} cannot be joined with {first.describe()}: "
            "tiles of one mosaic need one CRS and pixel size."
        )
    columns = round((grid.ulx - first.ulx) / grid.pixel)
    rows = round((first.uly - grid.uly) / grid.pixel)
    moved = grid.model_copy(
        update={"ulx": first.ulx + columns * grid.pixel, "uly": first.uly - rows * grid.pixel}
    )
    off = max(abs(moved.ulx - grid.ulx), abs(moved.uly - grid.uly))
    if off > 1e-3 * grid.pixel:
        log.warning(
            "%s: moved by %.1f m (of a %g m pixel) onto the lattice of the mosaic",
            source.tile, off, grid.pixel,
        )  # fmt: skip
    return Source(source.tile, source.path, moved)


def _clearest(task: Task, tiles: list[str]) -> tuple[str, dict[str, Output]]:
    """Choose the period whose composites have fewest holes, for the true-colour picture."""
    by_tile = {tile: composites_of(task, tile) for tile in tiles}
    periods = list(next(iter(by_tile.values())))
    holes = {
        period: sum(float(by_tile[t][period].stats["coverage"]["percent_0"]) for t in tiles)
        for period in periods
    }
    best = min(periods, key=lambda period: (round(holes[period], 1), periods.index(period)))
    return best, {tile: by_tile[tile][best] for tile in tiles}


def _zone(task: Task, tile: str) -> str:
    output = next(iter(composites_of(task, tile).values()))
    return zone_of(work_grid(output))
