"""Variables that are no numbers: DAGs are read nevertheless, and ``start`` says what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from landcover_airflow.outcome import BadInputError
from landcover_airflow.variables import (
    HOLD_VARIABLE,
    MOST_HELD_SECONDS,
    RETRY_VARIABLE,
    require_numbers,
    seconds_of,
    told_after,
)

INTERVAL = 3
"""How often a supervisor of Airflow wakes up, seconds."""


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf", "1e30"])
def test_a_value_that_is_no_number_is_refused_by_start(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv(RETRY_VARIABLE, text)
    assert seconds_of(RETRY_VARIABLE) == 30.0
    with pytest.raises(BadInputError, match=f"{RETRY_VARIABLE}: expected .* such as 30, found"):
        require_numbers()


def test_a_number_is_taken_and_none_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RETRY_VARIABLE, "0.5")
    monkeypatch.setenv(HOLD_VARIABLE, "")
    assert (seconds_of(RETRY_VARIABLE), seconds_of(HOLD_VARIABLE)) == (0.5, 5.0)
    require_numbers()


@pytest.mark.parametrize(
    ("held", "began_before", "seconds"),
    [
        ("5", 1.2, 5.0 + INTERVAL),
        # A busy machine: the scheduler sees the deferral late, too.
        ("5", 14.0, 42.0 + INTERVAL),
        ("5", 3600.0, MOST_HELD_SECONDS + INTERVAL),
        ("90", 14.0, 90.0 + INTERVAL),
        ("0", 14.0, 0.0),  # no scheduler runs
        ("5", None, 5.0 + INTERVAL),
    ],
)
def test_a_failure_is_held_longer_where_the_machine_is_slow(
    monkeypatch: pytest.MonkeyPatch, held: str, began_before: float | None, seconds: float
) -> None:
    """The supervisor of a task sees its end an interval late (apache/airflow 3.3)."""
    monkeypatch.setenv(HOLD_VARIABLE, held)
    monkeypatch.setenv("AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", f"{INTERVAL}")
    now = 1e9
    started = None if began_before is None else datetime.fromtimestamp(now - began_before, UTC)
    assert told_after(now, started) == pytest.approx(now + seconds)
