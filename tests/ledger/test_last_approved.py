"""Maps of later years are made with the model that was approved last, not the newest one."""

from __future__ import annotations

import random

import pytest

from landcover.ledger.models import decide, last_approved
from landcover.stores.records import MEMORY, RecordStore, SqliteRecords


@pytest.fixture
def records() -> RecordStore:
    """Three candidates: `c` was trained last, `a` first."""
    records = SqliteRecords(MEMORY)
    for day, name in enumerate("abc", 1):
        records.insert_one(
            "models",
            {"_id": name, "key": f"models/{name}", "status": "candidate", "kind": "forest",
             "created": f"2026-05-0{day}T10:00:00+00:00", "n_features": 3, "n_train_rows": 9},
        )  # fmt: skip
    return records


def approved(records: RecordStore) -> str | None:
    found = last_approved(records)
    return found.id if found else None


def test_the_latest_approval_counts_and_not_the_training(records: RecordStore) -> None:
    assert approved(records) is None
    # All within a second, as a script may do.
    for name in ("c", "a"):
        decide(records, name, "approved", "agrees with the field")
        assert approved(records) == name
    decide(records, "b", "retired", "clouds in its labels")
    assert approved(records) == "a"
    decide(records, "a", "retired", "clouds in its labels")
    assert approved(records) == "c"


def test_any_order_of_approvals(records: RecordStore) -> None:
    names = random.Random(3).sample("abc", 3)
    for name in names:
        decide(records, name, "approved", "agrees with the field")
    assert approved(records) == names[-1] != "c"


def test_approvals_of_before_were_kept_in_whole_seconds(records: RecordStore) -> None:
    for name, when in (
        ("a", "2026-06-01T10:00:05+00:00"),
        ("c", "2026-06-01T10:00:04.900000+00:00"),
    ):
        history = [{"status": "approved", "reason": "x", "when": when}]
        records.find_one_and_update(
            "models", {"_id": name}, {"status": "approved", "history": history}
        )
    assert approved(records) == "a"
