"""The work grid of a tile: that of the finest band in its products (DESIGN §3.2)."""

from __future__ import annotations

from landcover.errors import InputError, MissingDataError
from landcover.nouns.grid import Grid
from landcover.nouns.output import Output
from landcover.stages.task import Task


def composites_of(task: Task, tile: str) -> dict[str, Output]:
    """Find the composites of a tile by period label, in the order of the recipe's seasons.

    Raises:
        MissingDataError: A season of the tile could not be prepared.
    """
    found: dict[str, Output] = {}
    for span in task.recipe.spans(task.run.arguments.year):
        for output in task.outputs_of("composite", f"{tile}.{span.name}"):
            found[output.stats["period"]["label"]] = output
    if not found:
        raise MissingDataError(f"{tile}: no season could be prepared.")
    return found


def work_grid(composite: Output) -> Grid:
    """Give the finest grid among a composite's layers."""
    grids = [Grid.from_document(grid) for grid in composite.stats["layers"].values()]
    return min(grids, key=lambda grid: grid.pixel)


def tile_work_grid(task: Task, tile: str) -> Grid:
    """Give the work grid of a tile.

    Raises:
        InputError: Its seasons lie on different grids.
    """
    grids = {period: work_grid(output) for period, output in composites_of(task, tile).items()}
    if len(set(grids.values())) > 1:
        places = "; ".join(f"{period} {grid.describe()}" for period, grid in grids.items())
        raise InputError(
            f"{tile}: the seasons lie on different grids ({places}). Deliver one extent."
        )
    return next(iter(grids.values()))
