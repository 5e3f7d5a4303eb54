"""Which run of a scheduler drives a run of the ledger: one at a time."""

from __future__ import annotations

from collections.abc import Callable

from landcover.errors import UsageError
from landcover.stores.records import RecordStore

COLLECTION = "drivers"


def drive(
    records: RecordStore, run: str, dag: str, dag_run: str, is_active: Callable[[str, str], bool]
) -> None:
    """Write that a run of a scheduler drives a run from now on.

    Args:
        records: Where.
        run: Name of the run.
        dag: What the scheduler calls the kind of its run.
        dag_run: What it calls its run; the same one may come again.
        is_active: Tells of another kind and run whether it has not ended.

    Raises:
        UsageError: Another one drives it and has not ended.
    """
    mine: dict[str, object] = {"dag": dag, "dag_run": dag_run}
    if records.insert_one(COLLECTION, {"_id": run, **mine}):
        return
    found = records.get(COLLECTION, run) or {"_id": run, **mine}
    other = (str(found["dag"]), str(found["dag_run"]))
    if other == (dag, dag_run):
        return
    # Taken over only as it was found: of two that take it at once, one is told of the other.
    if is_active(*other) or not records.find_one_and_update(COLLECTION, found, mine):
        raise UsageError(
            f"Run {run!r} of the records is being made by {other[1]!r} of {other[0]}: wait for its "
            'end and trigger again, or give another name in "Run in the records".'
        )


def by_run(records: RecordStore) -> dict[str, tuple[str, str]]:
    """Give run → kind and name of the scheduler's run that drives it, or drove it last."""
    found = records.find(COLLECTION)
    return {str(one["_id"]): (str(one["dag"]), str(one["dag_run"])) for one in found}


def driven_by(records: RecordStore, dag: str, dag_run: str) -> str | None:
    """Name the run of the ledger that a run of a scheduler drives; None where it drives none."""
    found = records.find(COLLECTION, {"dag": dag, "dag_run": dag_run})
    return str(found[0]["_id"]) if found else None
