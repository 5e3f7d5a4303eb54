"""Numbers from the environment that DAG files need while they are read.

A value that is no number must not be an import error, which says nothing to who presses Trigger:
the default stands in, and ``start`` refuses the run with a sentence.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from datetime import datetime, timedelta

from airflow.sdk.configuration import conf

from landcover_airflow.outcome import give_up

log = logging.getLogger(__name__)
RETRY_VARIABLE = "LANDCOVER_RETRY_SECONDS"
"""Delay before another try of a unit whose store, source or cluster was away, seconds."""
HOLD_VARIABLE = "LANDCOVER_HOLD_SECONDS"
"""A deferral is this old before its trigger fires for a failure, seconds: the scheduler of Airflow
3.3 may see the event before the end of the process that deferred, and fails the task as a "state
mismatch" without its reason (apache/airflow #72716). The supervisor of the process may see its end
a ``min_heartbeat_interval`` late, which is added. Where no scheduler runs, it is 0."""
LATE_VARIABLE = "LANDCOVER_LATE_SECONDS"
"""A run that takes so much longer than the last ones is told people, seconds; 0: none is."""
MOST_HELD_SECONDS = 60.0
"""Longest time that a failure is held back."""
TIMES_TO_DEFERRAL = 3.0
"""A failure is held for this many times what the task needed to come to its deferral: the process
that deferred has yet to end, and the scheduler to look, on the same machine."""
DEFAULTS: Mapping[str, float] = {
    RETRY_VARIABLE: 30.0,
    HOLD_VARIABLE: 5.0,
    LATE_VARIABLE: 6 * 3600.0,
}


def seconds_of(name: str) -> float:
    """Read a number of seconds; its default where it is absent or no number."""
    text = os.environ.get(name, "")
    value = _number(text)
    if value is not None:
        return value
    if text:
        log.warning("%s=%s: expected seconds; %g is used.", name, text, DEFAULTS[name])
    return DEFAULTS[name]


def told_after(now: float, started: datetime | None) -> float:
    """Give the moment before which a trigger fires for a success only, seconds since 1970.

    The scheduler is as slow as its machine: where a task needed long to come to its deferral, the
    end of its process is seen late too.

    Args:
        now: The moment of the deferral, seconds since 1970.
        started: When the task was started; unknown if None.
    """
    hold = seconds_of(HOLD_VARIABLE)
    if not hold:
        return now
    if started is not None:
        needed = TIMES_TO_DEFERRAL * (now - started.timestamp())
        hold = min(max(hold, needed), max(hold, MOST_HELD_SECONDS))
    seen_late: int = conf.getint("workers", "min_heartbeat_interval")
    return now + hold + seen_late


def require_numbers() -> None:
    """Refuse to start where a variable is no number.

    Raises:
        BadInputError: One is not; the sentence names it.
    """
    for name, default in DEFAULTS.items():
        text = os.environ.get(name)
        if text and _number(text) is None:
            give_up(
                "input",
                f"Environment variable {name}: expected a number of seconds such as {default:g}, "
                f"found {text!r}. Correct it where Airflow is started, then trigger again.",
            )


def _number(text: str) -> float | None:
    try:
        value = timedelta(seconds=float(text)).total_seconds()
    except (ValueError, OverflowError):  # no number, not a number, or centuries
        return None
    return value if value >= 0 else None
