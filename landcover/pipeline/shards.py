"""A region in shards: which tiles of a phase have work, and what of a shard is left to do.

All shards write to one run of the ledger, so what follows reads units and never asks which shard
made them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

from landcover.ledger import runs, shards, units
from landcover.nouns.run import UnitState
from landcover.nouns.shard import MOST_TILES, PHASES, Phase, Shard
from landcover.nouns.stages import GROUPS
from landcover.parts.reporting.causes import causes_of
from landcover.parts.reporting.degraded import degraded_seasons
from landcover.parts.task import Task
from landcover.pipeline.lanes import has_work
from landcover.pipeline.planning import plan_group


def plan_shards(task: Task, phase: Phase, most: int = MOST_TILES) -> list[Shard]:
    """List the shards of a phase: tiles that have work get one, and keep it.

    Units that have all their outputs already are written as reused.

    Args:
        task: The run (its unit does not matter).
        phase: The phase.
        most: Tiles of a shard at most.

    Returns:
        All shards of the phase, those of the first call first; none where nothing is to be done.
    """
    with_work = tiles_with_work(task, phase)
    tiles = [tile for tile in task.run.arguments.tiles if tile in with_work]
    return shards.extend(task.workspace.records, task.run.id, phase, tiles, most)


def tiles_with_work(
    task: Task, phase: Phase, tiles: Collection[str] | None = None
) -> dict[str, None]:
    """Name the tiles of which something is to be made in a phase.

    Args:
        task: The run.
        phase: The phase.
        tiles: Tiles that are looked at; all of the run if None.
    """
    found: dict[str, None] = {}
    if runs.same_as(task.workspace.records, task.run.id) is not None:
        return found
    for group in PHASES[phase]:
        stages = [stage for stage in GROUPS[group] if task.run.includes(stage)]
        if not stages:
            continue
        for unit in plan_group(task, group, tiles):
            if str(unit.tile) not in found and has_work(task, unit, stages):
                found[str(unit.tile)] = None
    return found


def left_of(task: Task, name: str) -> dict[str, str]:
    """Give the tiles of a shard that are not done at its phase, each with the reason.

    Args:
        task: The run.
        name: Name of the shard.
    """
    shard = shards.load(task.workspace.records, task.run.id, name)
    left = tiles_with_work(task, shard.phase, shard.tiles)
    states = states_of(task, shard)
    return {
        tile: next((_reason(s) for s in states if s.unit.tile == tile and s.message), "")
        for tile in shard.tiles
        if tile in left
    }


def stop(task: Task, name: str) -> list[UnitState]:
    """Stop the run of a shard: units that work or wait are cancelled, and none is begun any more.

    Args:
        task: The run.
        name: Name of the shard.

    Returns:
        The units that were cancelled.
    """
    records = task.workspace.records
    shard = shards.stop(records, shards.load(records, task.run.id, name))
    cancelled = []
    for state in states_of(task, shard):
        if state.state not in ("planned", "running"):
            continue
        message = f"{state.unit.label}: stopped with its region; the region's run goes on."
        changes = {"state": "cancelled", "error_family": "cancelled", "message": message}
        cancelled.append(state.model_copy(update=changes))
        units.save(records, cancelled[-1])
    return cancelled


def states_of(task: Task, shard: Shard) -> list[UnitState]:
    """List the units of a shard at the stages of its phase, as they are recorded."""
    records, run = task.workspace.records, task.run.id
    stages = [stage for group in PHASES[shard.phase] for stage in GROUPS[group]]
    return [
        state
        for stage in stages
        for state in units.states(records, run, stage)
        if state.unit.tile in shard.tiles
    ]


def summary_of_shard(task: Task, name: str) -> dict[str, Any]:
    """Sum up the units of a shard at the stages of its phase; nothing is written.

    Args:
        task: The run.
        name: Name of the shard.

    Returns:
        What :func:`landcover.api.report_shard` returns.
    """
    shard = shards.load(task.workspace.records, task.run.id, name)
    states = states_of(task, shard)
    failed: dict[str, str] = {}
    for state in states:
        if state.state in ("failed", "cancelled", "interrupted"):
            failed.setdefault(str(state.unit.tile), _reason(state))
    return {
        "run": task.run.id,
        "shard": shard.name,
        "phase": shard.phase,
        "n_tiles": len(shard.tiles),
        "state": "failed" if failed else "done",
        "failed": failed,
        "counts": dict(Counter(state.state for state in states)),
        "causes": [{**cause.to_document(), "text": cause.text} for cause in causes_of(states)],
        "degraded": list(degraded_seasons(task.workspace, states)),
    }


def _reason(state: UnitState) -> str:
    return f"{state.stage} {state.state}: {state.message}"
