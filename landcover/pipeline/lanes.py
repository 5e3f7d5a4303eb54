"""Which lanes a scheduler maps a group of stages over: the units with work, in a lasting order.

What earlier runs made is found by a dry run and needs no lane. A unit whose tile has a lane in an
earlier group gets one even where that failed: when the failed lane is repaired, the one that
follows is there. The first list of a run is kept (:mod:`landcover.ledger.lanes`).
"""

from __future__ import annotations

from collections.abc import Collection

from landcover.ledger import lanes, outputs, runs, units
from landcover.nouns.run import Unit
from landcover.nouns.stages import GROUPS, TABLE, Group, Stage
from landcover.parts.task import Task
from landcover.pipeline.dry_run import find_again
from landcover.pipeline.planning import plan_group, units_of_tiles


def plan_lanes(
    task: Task, group: Group, *, tiles: Collection[str] | None = None, shard: str = ""
) -> list[Unit]:
    """List the lanes of a group and write its units to the ledger.

    Units that have all their outputs already are written as reused.

    Args:
        task: The run (its unit does not matter).
        group: Group of stages.
        tiles: Tiles that are planned here; all of the run if None.
        shard: Name of this part of the run, which has a list of its own; empty for all of it.

    Returns:
        Those of the first call first, in the same order; none where nothing is to be done.
    """
    stages = [stage for stage in GROUPS[group] if task.run.includes(stage)]
    if not stages or runs.same_as(task.workspace.records, task.run.id) is not None:
        return []
    planned = plan_group(task, group, tiles)
    records, run = task.workspace.records, task.run.id
    kept = lanes.load(records, run, group, shard)
    listed = {unit.id for unit in kept or ()}
    awaited = {tile for tile in _begun(task, group, shard) if tiles is None or tile in tiles}
    wanted = [
        unit
        for unit in planned
        if unit.tile in awaited or (unit.id not in listed and has_work(task, unit, stages))
    ]
    known = {unit.id for unit in planned}
    wanted += [u for u in units_of_tiles(task, group, awaited) if u.id not in known]
    order = {tile: place for place, tile in enumerate(task.run.arguments.tiles)}
    wanted.sort(key=lambda unit: order.get(str(unit.tile), 0))
    return lanes.extend(records, run, group, wanted, shard)


def _begun(task: Task, group: Group, shard: str) -> set[str]:
    """Name the tiles that have a lane in an earlier group of this run."""
    found: set[str] = set()
    for earlier in GROUPS:
        if earlier == group:
            return found
        listed = lanes.load(task.workspace.records, task.run.id, earlier, shard) or ()
        found.update(unit.tile for unit in listed if unit.tile is not None)
    return found


def has_work(task: Task, unit: Unit, stages: list[Stage]) -> bool:
    """Tell whether something of a unit is to be made; else write it down as reused."""
    # A stage that checks has no outputs where tiles share no ground: that tells nothing.
    if any(_is_new(task, stage) for stage in stages if TABLE[stage].checks is None):
        return True
    again = find_again(task.workspace, task.run, task.recipe, unit, stages)
    for state in again or ():
        before = units.load(task.workspace.records, state.run, state.stage, unit.id)
        if before is None or not before.is_finished:
            units.save(task.workspace.records, state)
    return again is None


def _is_new(task: Task, stage: Stage) -> bool:
    """Tell whether this workspace has nothing of a stage: a dry run need not be tried."""
    where = {"wanted.stage": stage}
    return not task.workspace.records.count_documents(outputs.COLLECTION, where)
