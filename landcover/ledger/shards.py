"""The shards of a run as records: which tiles each has, and which runs of a scheduler it had.

A shard keeps its tiles and its name: later lists of a phase have more shards behind the first
ones, never fewer and never in another order.
"""

from __future__ import annotations

from collections.abc import Sequence

from landcover.errors import InputError
from landcover.ledger import units
from landcover.ledger.malformed import reading
from landcover.nouns.shard import Phase, Shard
from landcover.stores.records import RecordStore

COLLECTION = "shards"


def load(records: RecordStore, run: str, name: str) -> Shard:
    """Read a shard.

    Raises:
        InputError: There is none of this name.
    """
    document = records.get(COLLECTION, _key(run, name))
    if document is None:
        raise InputError(f"Run {run!r} has no shard {name!r}. Check LANDCOVER_WORKSPACE.")
    return _shard(document)


def of_phase(records: RecordStore, run: str, phase: Phase) -> list[Shard]:
    """List the shards of a phase in the order of their numbers: a scheduler knows them by place."""
    found = [_shard(one) for one in records.find(COLLECTION, {"run": run, "phase": phase})]
    return sorted(found, key=lambda shard: int(shard.name.rpartition("-")[2]))


def name_at(phase: Phase, place: int) -> str:
    """Name the shard of a place in the list of a phase, from 0."""
    return f"{phase}-{place + 1:02d}"


def extend(
    records: RecordStore, run: str, phase: Phase, tiles: Sequence[str], most: int
) -> list[Shard]:
    """Put the tiles that are in no shard of a phase into new ones.

    Args:
        records: Where.
        run: Run of the ledger.
        phase: The phase.
        tiles: Tiles that have to be in a shard, in the order of the run.
        most: Tiles of a shard at most.

    Returns:
        All shards of the phase, those that were there first.
    """
    found = of_phase(records, run, phase)
    known = {tile for shard in found for tile in shard.tiles}
    new = [tile for tile in tiles if tile not in known]
    for first in range(0, len(new), most):
        name = name_at(phase, len(found))
        shard = Shard(run=run, name=name, phase=phase, tiles=tuple(new[first : first + most]))
        records.insert_one(COLLECTION, {"_id": _key(run, name), **shard.to_document()})
        found.append(shard)
    return found


def begin(records: RecordStore, shard: Shard, name: str) -> Shard:
    """Write that a run of the scheduler works on a shard; one that is known stays where it is."""
    if name in shard.tries:
        return shard
    return _save(records, shard.model_copy(update={"tries": (*shard.tries, name)}))


def most_attempts(records: RecordStore, shard: Shard) -> int:
    """Give the largest number of attempts that a unit of a shard's tiles has had."""
    where = {"run": shard.run, "unit.tile": {"$in": list(shard.tiles)}}
    found = records.find(units.COLLECTION, where)
    return max((int(str(document["attempts"])) for document in found), default=0)


def stop(records: RecordStore, shard: Shard) -> Shard:
    """Write that the last run of a shard is to end."""
    last = shard.tries[-1:]
    return _save(records, shard.model_copy(update={"stopped": (*shard.stopped, *last)}))


def _save(records: RecordStore, shard: Shard) -> Shard:
    key = _key(shard.run, shard.name)
    records.replace_one(COLLECTION, {"_id": key, **shard.to_document()})
    return shard


def _key(run: str, name: str) -> str:
    return f"{run}/{name}"


def _shard(document: dict[str, object]) -> Shard:
    fields = {name: document[name] for name in Shard.model_fields if name in document}
    with reading(COLLECTION, document):
        return Shard.from_document(fields)
