"""The seasons that are there: which composites a season has, so that a change is noticed."""

from __future__ import annotations

from landcover.ledger import units
from landcover.nouns.calendar import Window
from landcover.nouns.output import hash_of
from landcover.stores.records import RecordStore

COLLECTION = "seasons"


def note(records: RecordStore, window: Window, run_id: str) -> bool:
    """Write down that a season was prepared by a run.

    Args:
        records: The records.
        window: The season.
        run_id: The run, which has ended well.

    Returns:
        Whether its composites are others than those of the run before; True for the first one.
    """
    made = sorted(
        [state.unit.id, state.stage, *state.outputs]
        for state in units.states(records, run_id)
        if state.stage in ("composite", "restore") and state.is_finished
    )
    content = hash_of({"composites": made})
    before = records.get(COLLECTION, window.key)
    records.replace_one(
        COLLECTION,
        {"_id": window.key, "year": window.year, "run": run_id, "content": content},
    )
    return before is None or before["content"] != content


def there(records: RecordStore, year: int) -> list[str]:
    """List the keys of the seasons of a year that were prepared."""
    return sorted(str(found["_id"]) for found in records.find(COLLECTION, {"year": year}))
