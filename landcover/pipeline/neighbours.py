"""Radiometry between the lanes: composites that their neighbours contradict fail their units.

Inside a lane a wrong offset is seen against the other products. Where all products of a tile and
season are wrong alike, its neighbours see it. The units of stage ``overlap`` read pixels; here,
when a later group is planned, what they counted of all pairs says who is wrong. Tiles of different
zones lie on different lattices and are not compared; each has neighbours in its own.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from landcover.ledger import outputs, units
from landcover.nouns.output import Output, hash_of
from landcover.nouns.run import UnitState
from landcover.parts.preparation.radiometry_records import COLLECTION, VERSION, wrong_way
from landcover.parts.task import Task
from landcover.raster.wrong_offset import WrongOffset, WrongOffsets

N_NAMED = 5
"""Most products that a message names."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Composite:
    """A composite of one tile and period, and the unit that made it."""

    state: UnitState
    output: Output

    @property
    def tile(self) -> str:
        """Its tile."""
        return str(self.state.unit.tile)


def stop_steps(task: Task) -> None:
    """Fail the units whose composite is off by a radiometric offset against its neighbours.

    Args:
        task: The run (its unit does not matter). In a plan nothing is read, and what was never
            compared counts as right.

    Raises:
        UnavailableError: A store is away.
    """
    states = task.finished("composite")
    if len({state.unit.tile for state in states}) < 2:
        return
    records = task.workspace.records
    compared = units.states(records, task.run.id, "overlap")
    made = sorted([state.unit.id, *state.outputs] for state in (*states, *compared))
    key = hash_of(["neighbours", VERSION, made])
    if records.get(COLLECTION, key) is not None:
        return
    # What decides needs numpy, and most planners have nothing left to decide.
    from landcover.parts.preparation.overlaps import find_wrong_composites

    owners = {output_id: state for state in states for output_id in state.outputs}
    pairs = outputs.find_many(task.workspace, (i for state in compared for i in state.outputs))
    failed = _stop(task, owners, find_wrong_composites(pairs, owners))
    if not failed:
        records.replace_one(COLLECTION, {"_id": key, "kind": "neighbours", "run": task.run.id})


def _stop(task: Task, owners: Mapping[str, UnitState], wrong: WrongOffsets) -> int:
    """Write down the failures; gives how many units failed."""
    concerned = {i for one in wrong.found for i in (one.name, *one.others)}
    concerned |= {i for pair in wrong.undecided for i in pair}
    wanted = {"_id": {"$in": sorted(concerned)}}
    # One whose bytes were set aside meanwhile is told of as well.
    documents = task.workspace.records.find(outputs.COLLECTION, wanted) if concerned else []
    found = [outputs.read(document) for document in documents]
    composites = {output.id: Composite(owners[output.id], output) for output in found}
    messages = {s.name: _message(s, composites) for s in wrong.found}
    for a, b in wrong.undecided:
        messages.setdefault(a, _undecided(composites[a], composites[b]))
        messages.setdefault(b, _undecided(composites[b], composites[a]))
    for name, message in messages.items():
        log.error("%s", message)
        failed = {"state": "failed", "error_family": "input", "message": message, "outputs": ()}
        units.save(task.workspace.records, composites[name].state.model_copy(update=failed))
    return len(messages)


def _message(one: WrongOffset, composites: Mapping[str, Composite]) -> str:
    composite = composites[one.name]
    finding = one.finding
    what, side, step = wrong_way(finding.verdict)
    others = ", ".join(sorted(composites[name].tile for name in one.others))
    return (
        f"{composite.state.unit.label}: radiometric offset {what}: the composite lies 0.1 {side} "
        f"that of {others} in all bands where they overlap (expected a step of 0, found {step}: "
        f"{finding.reason}); its products are {_products(composite)}; correct BOA_ADD_OFFSET or "
        "earthsearch:boa_offset_applied of those that are wrong, then run again."
    )


def _undecided(one: Composite, other: Composite) -> str:
    return (
        f"{one.state.unit.label}: its composite and that of {other.tile} differ by 0.1 in all "
        "bands where they overlap (expected a step of 0), so the radiometric offset of one was "
        f"applied twice or not at all, and nothing tells of which; its products are "
        f"{_products(one)}, those of {other.tile} are {_products(other)}; correct BOA_ADD_OFFSET "
        "or earthsearch:boa_offset_applied of those that are wrong, then run again."
    )


def _products(composite: Composite) -> str:
    known = composite.output.stats["products"]
    named = [
        f"{p['name']} (offset {'/'.join(map(str, p['offsets'])) or 'none'}, "
        f"decided by: {p['offset_decision']})"
        for p in known[:N_NAMED]
    ]
    return ", ".join(named) + (f" and {len(known) - N_NAMED} more" if len(known) > N_NAMED else "")
