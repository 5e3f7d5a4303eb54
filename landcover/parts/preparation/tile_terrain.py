"""The terrain of a tile, made by whoever needs it first (docs/methods/terrain.md)."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Any

from landcover.nouns.grid import Grid
from landcover.nouns.output import Output, Wanted
from landcover.nouns.stages import version_of
from landcover.parts.preparation.elevation import Elevation, find_elevation, names
from landcover.parts.preparation.metric_grid import metric_grid
from landcover.parts.task import Task
from landcover.stores import layout

log = logging.getLogger(__name__)


def need_terrain(task: Task, tile: str, grid: Grid) -> Output:
    """Make the terrain of a tile, or find it: whoever needs it first makes it.

    Args:
        task: Who needs it.
        tile: Tile id.
        grid: Work grid of the tile.

    Returns:
        ``elevation.tif`` (m), ``slope.tif`` and ``aspect.tif`` (degrees), float32, NaN nodata.

    Raises:
        MissingDataError: No elevation cell of the tile is there.
        InputError: The elevation cannot be used.
        UnavailableError: The server of the elevation does not answer.
    """
    metric = metric_grid(grid)
    elevation = find_elevation(task, tile, metric)
    for cells, what in ((elevation.unknown, "nodata"), (elevation.sea, "sea level")):
        if cells:
            log.warning("%s: elevation cells %s are absent: %s there", tile, names(cells), what)
    wanted = Wanted(
        stage="terrain",
        version=version_of("terrain"),
        unit=tile,
        inputs={"dem": elevation.ids},
        params={
            **task.recipe.terrain.to_document(),
            "grid": grid.to_document(),
            "sea": names(elevation.sea),
            "unknown": names(elevation.unknown),
            **task.window_params,
        },
    )
    make = partial(_write, task, grid, metric, elevation)
    return task.need(wanted, layout.terrain(tile, wanted.id), make)


def _write(
    task: Task, grid: Grid, metric: Grid, elevation: Elevation, path: Path
) -> dict[str, Any]:
    # Compiled loops: who only plans, or finds the terrain made, needs none.
    from landcover.parts.preparation.terrain_rasters import write_terrain

    return write_terrain(task, grid, metric, elevation, path)
