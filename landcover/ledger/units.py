"""The state of every unit at every stage, as records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from landcover.ledger.malformed import reading
from landcover.nouns.run import FINISHED, LOST, Unit, UnitState
from landcover.nouns.stages import Stage
from landcover.stores.records import RecordStore

COLLECTION = "units"


def key_of(run: str, stage: str, unit: str) -> str:
    """Name the record of a unit at a stage."""
    return f"{run}/{stage}/{unit}"


def save(records: RecordStore, state: UnitState) -> None:
    """Write the state of a unit at a stage."""
    key = key_of(state.run, state.stage, state.unit.id)
    records.replace_one(COLLECTION, {"_id": key, **state.to_document()})


def load(records: RecordStore, run: str, stage: Stage, unit: str) -> UnitState | None:
    """Read the state of a unit at a stage; None where it was never planned."""
    document = records.get(COLLECTION, key_of(run, stage, unit))
    return None if document is None else _state(document)


def states(records: RecordStore, run: str, stage: Stage | None = None) -> list[UnitState]:
    """List the states of a run, or of one stage of it, by stage and unit."""
    where = {"run": run} if stage is None else {"run": run, "stage": stage}
    return [_state(document) for document in records.find(COLLECTION, where)]


def changed(records: RecordStore, run: str, since: str = "") -> tuple[list[UnitState], str]:
    """List the states of a run that were written at or after a moment, and the newest moment.

    Args:
        records: Where.
        run: Name of the run.
        since: UTC, RFC 3339; all of them if empty.

    Returns:
        The states by stage and unit, and when the last of them was written; ``since`` where none
        was.
    """
    where: dict[str, object] = {"run": run}
    if since:
        where["created"] = {"$gte": since}
    found = records.find(COLLECTION, where)
    newest = max((str(document["created"]) for document in found), default=since)
    return [_state(document) for document in found], newest


def first_unfinished(records: RecordStore, run: str, stages: Sequence[Stage], unit: str) -> Stage:
    """Name the stage of a lane that a unit is at: the first that did not finish, else the last."""
    for stage in stages[:-1]:
        state = load(records, run, stage, unit)
        if state is not None and not state.is_finished:
            return stage
    return stages[-1]


def of_tile(records: RecordStore, run: str, tile: str) -> list[UnitState]:
    """List the states of the units of a tile in a run, by stage and unit."""
    where = {"run": run, "unit.tile": tile}
    return [_state(document) for document in records.find(COLLECTION, where)]


def trouble_of(records: RecordStore, run: str, tile: str | None) -> str:
    """Give the reason why a tile has come no further; empty where none is written down."""
    where = {"run": run, "unit.tile": tile, "state": {"$in": list(LOST)}}
    found = [_state(document) for document in records.find(COLLECTION, where)]
    return next((f"{s.stage} {s.state}: {s.message}" for s in found if s.message), "")


def made_by_tile(records: RecordStore, run: str, stage: Stage) -> dict[str, tuple[str, ...]]:
    """Give tile → ids of the outputs of its finished unit at a stage, by unit.

    Units of a cell ask this of all tiles: nothing but names is read of each record.
    """
    where = {"run": run, "stage": stage, "state": {"$in": list(FINISHED)}}
    found = {}
    for document in records.find(COLLECTION, where):
        with reading(COLLECTION, document):
            found[str(document["unit"]["tile"])] = tuple(document["outputs"])
    return found


def plan(records: RecordStore, run: str, stages: Iterable[Stage], units: Iterable[Unit]) -> None:
    """Write units as planned; one that has a state already keeps it."""
    for unit in units:
        for stage in stages:
            state = UnitState(run=run, stage=stage, unit=unit)
            records.insert_one(
                COLLECTION, {"_id": key_of(run, stage, unit.id), **state.to_document()}
            )


def _state(document: dict[str, object]) -> UnitState:
    fields = {name: document[name] for name in UnitState.model_fields if name in document}
    with reading(COLLECTION, document):
        return UnitState.from_document(fields)
