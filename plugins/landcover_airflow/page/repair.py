"""Which task instances a repair clears: those of the lost units, and what follows from them.

Airflow's own clear "with downstream" goes through the planner of the next group, which is one task,
and so clears every lane behind it. A repair of nine tiles names its lanes instead.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from landcover.nouns.shard import PHASES
from landcover.nouns.stages import GROUPS, TILE_GROUPS, Group
from landcover_airflow.groups import PHASE_OF, task_of
from landcover_airflow.shard_run import REGION_DAG

if TYPE_CHECKING:
    from landcover.nouns.run import UnitState

REPORT: tuple[str, ...] = ("report",)
OTHERS: Mapping[str, tuple[Group, tuple[str, ...]]] = {
    "ingest_season": ("overlap", ("quality", *REPORT)),
    "train_model": ("train", (*REPORT, "approve", "start_maps")),
}
"""DAG → its last group and the tasks behind that, where it does not go on to the published map."""
Pair = str | tuple[str, int]
"""Id of a task, with the place of a lane where it is mapped."""


def repair_of(records: Any, run: str, lost: Sequence[UnitState], dag: str) -> list[Pair]:
    """List what to clear so that lost units are worked on again, and get into the map.

    Lanes of other tiles stay as they are, but for ``classify`` where the model is trained anew.

    Args:
        records: Where.
        run: Name of the run in the ledger.
        lost: States of the units.
        dag: DAG of the run; those of ``landcover_region`` have shards where others have lanes.

    Returns:
        Tasks and lanes in the order of the DAG; nothing where no unit is given.
    """
    last, ends = OTHERS.get(dag, (None, REPORT))
    order = list(GROUPS)[: None if last is None else list(GROUPS).index(last) + 1]
    begun = [place for place, group in enumerate(order) for s in lost if s.stage in GROUPS[group]]
    if not begun:
        return []
    tiles = {str(s.unit.tile) for s in lost}
    found: dict[Pair, None] = {}
    for place, group in enumerate(order[min(begun) :], min(begun)):
        is_first = place == min(begun)
        step = PHASE_OF.get(group, group) if dag == REGION_DAG else group
        if not is_first:
            found[f"plan_{step}"] = None
        is_taught_anew = group == "classify" and min(begun) <= list(GROUPS).index("train")
        of_all = group not in TILE_GROUPS or is_taught_anew
        if dag == REGION_DAG and group in PHASE_OF:
            found |= dict.fromkeys(_shards(records, run, group, tiles, of_all=of_all))
        else:
            units = {s.unit.id for s in lost if s.stage in GROUPS[group]}
            if group == "overlap":
                units |= _waiting_for_neighbours(records, run)
            later = set() if is_first else tiles
            found |= dict.fromkeys(_lanes(records, run, group, units, later, of_all=of_all))
    return [*found, *ends]


def _waiting_for_neighbours(records: Any, run: str) -> set[str]:
    """Name the overlaps that were not looked at: a neighbour was not there."""
    from landcover.ledger import lanes, units

    done = {state.unit.id for state in units.states(records, run, "overlap") if state.is_finished}
    # One without anything to look at has a lane and no state.
    return {unit.id for unit in lanes.load(records, run, "overlap") or ()} - done


def _lanes(
    records: Any,
    run: str,
    group: Group,
    units: Collection[str],
    tiles: Collection[str],
    *,
    of_all: bool,
) -> Iterator[Pair]:
    from landcover.ledger import lanes

    listed = lanes.load(records, run, group) or []
    for task in dict.fromkeys(task_of(group, stage) for stage in GROUPS[group]):
        if not listed:
            # Airflow has one instance without a place: it stands for lanes that may come now.
            yield task
        for place, unit in enumerate(listed):
            if of_all or unit.id in units or unit.tile in tiles:
                yield task, place


def _shards(
    records: Any, run: str, group: Group, tiles: Collection[str], *, of_all: bool
) -> Iterator[Pair]:
    from landcover.ledger import shards

    phase = PHASE_OF[group]
    assert group in PHASES[phase]
    listed = shards.of_phase(records, run, phase)
    if not listed:
        yield phase
    for place, shard in enumerate(listed):
        if of_all or not set(tiles).isdisjoint(shard.tiles):
            yield phase, place
