"""Which units each group of stages has to work on, given what became of the earlier ones."""

from __future__ import annotations

from collections.abc import Collection

from landcover.ledger import units
from landcover.nouns.run import Unit
from landcover.nouns.stages import GROUPS, Group
from landcover.parts.mapping.cells import plan_cells
from landcover.parts.prepared import note_prepared, prepared_tiles
from landcover.parts.task import Task
from landcover.pipeline.neighbours import stop_steps

_BY_TILE: tuple[Group, ...] = ("terrain", "sample", "classify")
WHOLE_RUN = Unit(id="all", label="all tiles")


def plan_group(task: Task, group: Group, tiles: Collection[str] | None = None) -> list[Unit]:
    """List the units of a group and write them to the ledger as planned.

    A tile that could not be prepared is not planned again further on: its reason stands where
    it failed, and the report tells it. So does that of a tile whose composites are off by a
    radiometric offset against those of its neighbours: units of stage ``overlap`` count pixels of
    each pair, and here all pairs together say which composite is wrong.

    Args:
        task: The run (its unit does not matter).
        group: Group of stages.
        tiles: Tiles whose units are planned; all of the run if None.

    Returns:
        Units in order of their ids; none where the run does not include the group or nothing is
        left to work on.
    """
    if group not in ("prepare", "overlap"):
        stop_steps(task)
    stages = [stage for stage in GROUPS[group] if task.run.includes(stage)]
    if not stages:
        return []
    if group not in ("prepare", "overlap") and task.has_finished("composite"):
        note_prepared(task)
    planned = [unit for unit in _units(task, group) if tiles is None or unit.tile in tiles]
    units.plan(task.workspace.records, task.run.id, stages, planned)
    return planned


def units_of_tiles(task: Task, group: Group, tiles: Collection[str]) -> list[Unit]:
    """Name the units that tiles have in a group, whether they are prepared or not.

    Args:
        task: The run (its unit does not matter).
        group: Group of stages; those that do not work tile by tile have none.
        tiles: Tiles whose units are named.
    """
    if group == "overlap":
        return _overlapping(task, tiles)
    return [_tile(tile) for tile in sorted(tiles)] if group in _BY_TILE else []


def _units(task: Task, group: Group) -> list[Unit]:
    run = task.run
    if group == "prepare":
        return [
            Unit(id=f"{tile}.{span.name}", label=f"{tile} {span.name}", tile=tile, span=span.name)
            for tile in run.arguments.tiles
            for span in task.spans
        ]
    if group == "overlap":
        return _overlapping(task)
    if group in ("terrain", "sample"):
        return [_tile(tile) for tile in prepared_tiles(task)]
    if group == "classify":
        has_model = run.arguments.model is not None or bool(task.finished("train"))
        return [_tile(tile) for tile in prepared_tiles(task)] if has_model else []
    if group == "mosaic":
        return [Unit(id=cell, label=_label(cell), cell=cell) for cell in plan_cells(task)]
    if group == "validate":
        has_points = bool(task.finished("train")) or run.test_label_id is not None
        return [WHOLE_RUN] if task.finished("classify") and has_points else []
    return [WHOLE_RUN]


def _overlapping(task: Task, others: Collection[str] = ()) -> list[Unit]:
    """List the tiles with composites that have a neighbour with composites after them.

    Args:
        task: The run.
        others: Tiles that count as having composites.
    """
    if not task.run.computes("overlap"):
        return []
    from landcover.parts.preparation.overlaps import later_neighbours

    tiles = {str(state.unit.tile) for state in task.finished("composite")} | {*others}
    return [
        Unit(id=tile, label=f"{tile} and neighbours", tile=tile)
        for tile in sorted(tiles)
        if later_neighbours(tile, tiles)
    ]


def _tile(tile: str) -> Unit:
    return Unit(id=tile, label=tile, tile=tile)


def _label(cell: str) -> str:
    return f"zone EPSG:{cell}" if cell.isdigit() else f"cell {cell}"
