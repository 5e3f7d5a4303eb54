"""The lanes of a run: which units each group of stages was mapped over, in a lasting order.

A scheduler knows a lane by its place in the list. So the first list stays as it is: later ones may
have more lanes behind it, never fewer and never in another order.
"""

from __future__ import annotations

from collections.abc import Iterable

from landcover.errors import InputError
from landcover.ledger.malformed import reading
from landcover.nouns.run import Unit
from landcover.nouns.stages import Group
from landcover.stores.records import RecordStore

COLLECTION = "lanes"


def load(records: RecordStore, run: str, group: Group, shard: str = "") -> list[Unit] | None:
    """Read the lanes of a group; None where it was never planned.

    Args:
        records: Where.
        run: Name of the run.
        group: Group of stages.
        shard: Part of the run that was planned by itself; empty for all of it.
    """
    document = records.get(COLLECTION, _key(run, group, shard))
    if document is None:
        return None
    with reading(COLLECTION, document):
        return [Unit.from_document(lane) for lane in document["lanes"]]


def unit_at(records: RecordStore, run: str, group: Group, place: int, shard: str = "") -> Unit:
    """Give the unit of a lane by its place in the list.

    Args:
        records: Where.
        run: Name of the run.
        group: Group of stages.
        place: Place of the lane, from 0.
        shard: Part of the run that was planned by itself; empty for all of it.

    Raises:
        InputError: The list has no such place, or there is none.
    """
    listed = load(records, run, group, shard) or []
    if not 0 <= place < len(listed):
        raise InputError(
            f"Run {run!r}: {group} has {len(listed)} lanes in the records, and none in place "
            f"{place}. Check LANDCOVER_RECORDS, else clear plan_{group} with downstream."
        )
    return listed[place]


def extend(
    records: RecordStore, run: str, group: Group, wanted: Iterable[Unit], shard: str = ""
) -> list[Unit]:
    """Write the lanes of a group, or append to those that were written before.

    Args:
        records: Where.
        run: Name of the run.
        group: Group of stages.
        wanted: Units that need a lane.
        shard: Part of the run that is planned by itself; empty for all of it.

    Returns:
        All lanes, those of the first list first.
    """
    listed = list(wanted)
    document = {"_id": _key(run, group, shard), "run": run, "group": group}
    if records.insert_one(COLLECTION, {**document, "lanes": _documents(listed)}):
        return listed
    kept = load(records, run, group, shard) or []
    known = {unit.id for unit in kept}
    added = [unit for unit in listed if unit.id not in known]
    if added:
        records.replace_one(COLLECTION, {**document, "lanes": _documents([*kept, *added])})
    return [*kept, *added]


def _key(run: str, group: Group, shard: str) -> str:
    return f"{run}/{group}/{shard}" if shard else f"{run}/{group}"


def _documents(units: Iterable[Unit]) -> list[dict[str, object]]:
    return [unit.to_document() for unit in units]
