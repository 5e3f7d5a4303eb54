"""Restore: gaps of a month filled from the others, and terrain shadow given light.

Method: docs/methods/composites.md#gap-filling, docs/methods/composites.md#terrain-shadow. Only in
runs whose recipe has a section ``restore``.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from landcover.nouns.grid import Grid
from landcover.nouns.output import Output, Wanted
from landcover.nouns.stages import version_of
from landcover.parts.preparation.restoring import require_year, terrain_below
from landcover.parts.task import Task
from landcover.recipe.restoring import Restore
from landcover.stores import layout


def restore(task: Task) -> None:
    """Restore the composite of every period of the unit."""
    recipe = task.recipe.restore
    if recipe is None:
        return
    months = sorted(task.outputs_of("composite"), key=lambda o: str(o.stats["period"]["start"]))
    layers = require_year(task, months)
    terrain = terrain_below(task, layers)
    for place, month in enumerate(months):
        tile, period = month.unit.split("/")
        wanted = Wanted(
            stage="restore",
            version=version_of("restore"),
            unit=month.unit,
            inputs={
                "composite": (month.id,),
                "others": tuple(other.id for other in _others(recipe, months, place)),
                **({"terrain": (terrain.id,)} if terrain else {}),
            },
            # What others lack decides which layers there are, and how far away each of them is.
            params={**recipe.to_params(), "layers": list(layers), "place": [place, len(months)]},
        )
        key = layout.restored(tile, period, wanted.id)
        task.need(wanted, key, partial(_write, task, months, layers, terrain, place))


def _others(recipe: Restore, months: list[Output], place: int) -> list[Output]:
    """List the months that may fill one, in order of time."""
    if recipe.fill is None:
        return []
    n, reach = len(months), recipe.fill.reach
    steps = [step for step in range(-reach, reach + 1) if step % n]
    places = {place + s if not recipe.fill.cyclic else (place + s) % n for s in steps}
    return [months[p] for p in sorted(places) if 0 <= p < n and p != place]


def _write(
    task: Task,
    months: list[Output],
    layers: dict[str, Grid],
    terrain: Output | None,
    place: int,
    path: Path,
) -> dict[str, Any]:
    # Compiled loops: who only plans needs none.
    from landcover.parts.preparation.restored_files import Year, write_restored

    return write_restored(Year(task, months, layers, terrain, place), path)
