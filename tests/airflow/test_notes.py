"""What Airflow's pages say of a run that ended."""

from __future__ import annotations

from typing import Any

from landcover_airflow.notes import MOST_CHARACTERS, run_note


def summary(**more: Any) -> dict[str, Any]:
    return {
        "run": "flanders-2021",
        "state": "failed",
        "counts": {"done": 40, "failed": 2},
        "reasons": ["2 of 9 tiles are missing from the map (31UDS, 31UES)."],
        "missing_tiles": ["31UDS", "31UES"],
        "causes": [{"text": f"cause {n}"} for n in range(5)],
        "degraded": ["31UDT/2021-spring: no B09"],
        **more,
    }


def test_a_note_has_state_counts_and_the_three_largest_causes() -> None:
    lines = run_note(summary()).splitlines()
    assert lines[0] == "failed: 40 done, 2 failed"
    assert [line for line in lines if line.startswith("- ")] == [f"- cause {n}" for n in range(3)]
    assert "degraded: 31UDT/2021-spring: no B09" in lines
    assert lines[-1].endswith("landcover status flanders-2021")


def test_a_note_is_never_longer_than_airflow_takes() -> None:
    tiles = [f"30S{a}{b}" for a in "UVWXYZ" for b in "ABCDEFGHJKLMNPQRSTUV"]
    note = run_note(summary(missing_tiles=tiles, degraded=["x" * 300] * 9))
    assert len(note) <= MOST_CHARACTERS
    assert note.endswith("…")
