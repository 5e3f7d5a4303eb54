"""The runs of an experiment as a scheduler was given them: a task knows its run by its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from landcover.errors import UsageError
from landcover.stores.records import RecordStore

COLLECTION = "experiments"


def keep(records: RecordStore, name: str, runs: Sequence[dict[str, Any]]) -> None:
    """Write the list of runs, once: a later list has to be the same.

    Args:
        records: Where.
        name: What the scheduler calls its run of the experiment.
        runs: Documents of :func:`landcover.api.experiment_runs`.

    Raises:
        UsageError: Another list was written under this name.
    """
    if records.insert_one(COLLECTION, {"_id": name, "runs": list(runs)}):
        return
    if _listed(records, name) != list(runs):
        raise UsageError(
            f"The experiment was changed since the runs of {name!r} were listed, and its tasks "
            "know them by their places. Trigger the experiment anew: what exists is reused."
        )


def run_at(records: RecordStore, name: str, place: int) -> dict[str, Any]:
    """Give the run of a place, from 0.

    Raises:
        UsageError: The list has no such place, or there is none.
    """
    runs = _listed(records, name)
    if not 0 <= place < len(runs):
        raise UsageError(
            f"The experiment {name!r} has {len(runs)} runs in the records, and none in place "
            f"{place}. Check LANDCOVER_RECORDS."
        )
    return runs[place]


def _listed(records: RecordStore, name: str) -> list[dict[str, Any]]:
    document = records.get(COLLECTION, name) or {"runs": []}
    found: Any = document["runs"]
    return list(found)
