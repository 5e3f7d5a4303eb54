"""The work grid of a tile: that of the finest band in its products.

Method: docs/methods/tiles.md#work-grid.
"""

from __future__ import annotations

from collections.abc import Mapping

from landcover.errors import InputError, MissingDataError
from landcover.ledger import units
from landcover.nouns.grid import Grid
from landcover.nouns.output import Output
from landcover.nouns.stages import Stage
from landcover.parts.task import Task


def last_prepared(task: Task) -> Stage:
    """Name the stage whose composites features are computed of."""
    return "restore" if task.run.restores else "composite"


def composites_of(task: Task, tile: str) -> dict[str, Output]:
    """Find the composites of a tile by period label, in the order of the recipe's seasons.

    Raises:
        MissingDataError: A season of the tile could not be prepared.
    """
    found: dict[str, Output] = {}
    for span in task.spans:
        for output in task.outputs_of(last_prepared(task), f"{tile}.{span.name}"):
            found[output.stats["period"]["label"]] = output
    if not found:
        raise MissingDataError(f"{tile}: no season could be prepared.")
    return found


def work_grid(composite: Output) -> Grid:
    """Give the finest grid among a composite's layers."""
    grids = [Grid.from_document(grid) for grid in composite.stats["layers"].values()]
    return min(grids, key=lambda grid: grid.pixel)


def zone_of(grid: Grid) -> str:
    """Name the mosaic cell of a grid: its zone's EPSG code."""
    return grid.crs.removeprefix("EPSG:")


def tile_work_grid(task: Task, tile: str) -> Grid:
    """Give the work grid of a tile.

    Raises:
        InputError: Its seasons lie on different grids.
    """
    return agreed_grid(tile, composites_of(task, tile))


def agreed_grid(tile: str, composites: Mapping[str, Output]) -> Grid:
    """Give the one work grid that all composites of a tile have.

    Args:
        tile: Tile id, for the message.
        composites: Period label → composite.

    Raises:
        InputError: They lie on different grids.
    """
    grids = {period: work_grid(output) for period, output in composites.items()}
    if len(set(grids.values())) > 1:
        places = "; ".join(f"{period} {grid.describe()}" for period, grid in grids.items())
        raise InputError(
            f"{tile}: the seasons lie on different grids ({places}). Deliver one extent."
        )
    return next(iter(grids.values()))


def terrain_of(task: Task, tile: str) -> Output | None:
    """Find the terrain of a tile; None where the run has none.

    Raises:
        MissingDataError: The run has a terrain, but not of this tile.
    """
    if not task.run.includes("terrain"):
        return None
    state = units.load(task.workspace.records, task.run.id, "terrain", tile)
    if state is None or not state.is_finished:
        why = f": {state.message}" if state and state.message else ""
        raise MissingDataError(f"{tile}: its terrain is not there{why}.")
    return task.outputs_of("terrain", tile)[0]
