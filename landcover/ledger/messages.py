"""What people are told of the end of a scheduler's run, each end once."""

from __future__ import annotations

from landcover.stores.records import RecordStore

COLLECTION = "messages"


def write(records: RecordStore, end: str, text: str) -> None:
    """Write the message of an end; one of the same end that nobody took is replaced.

    Args:
        records: Where.
        end: Name of the end: the run and which of its ends, for a repaired run ends again.
        text: What is told.
    """
    records.replace_one(COLLECTION, {"_id": end, "text": text, "taken": False})


def take(records: RecordStore, end: str) -> str | None:
    """Take the message of an end, so that nobody else does.

    Returns:
        Its text; None where there is none, or somebody took it.
    """
    where = {"_id": end, "taken": False}
    found = records.find_one_and_update(COLLECTION, where, {"taken": True})
    return None if found is None else str(found["text"])
