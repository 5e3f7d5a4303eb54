"""What the composites of a year must have in common to be restored, and the ground below them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.nouns.output import Output
from landcover.parts.preparation.tile_terrain import need_terrain
from landcover.parts.task import Task


def require_year(task: Task, months: Sequence[Output]) -> dict[str, Grid]:
    """Give the layers that any month has, in the order of the recipe, each with its grid.

    Args:
        task: The unit.
        months: Its composites; one of a month without products has no layers.

    Raises:
        InputError: A layer lies on another grid in another month.
    """
    grids: dict[str, Grid] = {}
    where: dict[str, str] = {}
    for month in months:
        for layer, document in month.stats["layers"].items():
            grid = Grid.from_document(document)
            first = grids.setdefault(layer, grid)
            name = str(month.stats["period"]["name"])
            where.setdefault(layer, name)
            if grid != first:
                raise InputError(
                    f"{task.unit.label}: {layer} of {where[layer]} lies on {first.describe()}, "
                    f"that of {name} on {grid.describe()}; restore needs one grid. Deliver one "
                    "extent."
                )
    return {layer: grids[layer] for layer in task.recipe.composite.all_layers if layer in grids}


def terrain_below(task: Task, layers: dict[str, Grid]) -> Output | None:
    """Make or find the terrain that shadow is told from water by; None where none is restored.

    Raises:
        InputError: The run has no elevation, or no product has a band that shadow is found in.
        MissingDataError: No elevation cell of the tile is there.
    """
    restore = task.recipe.restore
    if restore is None or restore.shadow is None:
        return None
    lacking = [band for band in ("B02", "B08", "B11") if band not in layers]
    if lacking:
        raise InputError(
            f"{task.unit.label}: restore.shadow needs {', '.join(lacking)}, which no product of "
            "the year has. Set restore.shadow to null, or deliver products with it."
        )
    if task.run.arguments.dem is None:
        raise InputError(
            f"{task.unit.label}: restore.shadow needs an elevation, and the run has none. Name one "
            "with --dem, or set restore.shadow to null."
        )
    finest = min(layers.values(), key=lambda grid: grid.pixel)
    # A task of its own: what the unit has at this stage are its composites.
    apart = replace(task, made=[], n_reused=0)
    return need_terrain(apart, str(task.unit.tile), finest)
