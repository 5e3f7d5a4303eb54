"""A running Airflow of a bench, and what its parts take."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from landcover.airflow_process import RunningAirflow
    from landcover.settings import Settings

MB = 2**20
PARTS = ("api-server", "scheduler", "triggerer", "dag-processor")


@dataclass(frozen=True)
class Seen:
    """What the parts of Airflow had used by a moment."""

    cpu_seconds: Mapping[str, float]
    """User and system, children that ended included, by part."""
    mb: Mapping[str, float]
    """Resident memory, by part, MB (2²⁰ bytes)."""


@contextmanager
def running_airflow(settings: Settings, database: str | None) -> Iterator[RunningAirflow]:
    """Start an Airflow on a free port; it ends with the block."""
    from landcover.airflow_process import start_airflow

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with start_airflow(settings, port, database) as airflow:
        yield airflow


def look(airflow: RunningAirflow) -> Seen:
    """Look at CPU and memory of the parts of a running Airflow."""
    import psutil

    from landcover.airflow_process.sessions import members

    cpu, mb = dict.fromkeys(PARTS, 0.0), dict.fromkeys(PARTS, 0.0)
    for child in airflow.children:
        part = next((name for name in PARTS if name in _words(child.process.args)), None)
        if part is None:
            continue
        for process in members({child.session}):
            try:
                cpu[part] += sum(process.cpu_times()[:4])
                mb[part] += process.memory_info().rss / MB
            except psutil.NoSuchProcess:
                continue
    return Seen(cpu, mb)


def _words(command: Any) -> Sequence[str]:
    return [str(word) for word in command] if isinstance(command, (list, tuple)) else []


def between(before: Seen, after: Seen) -> dict[str, float]:
    """Give the CPU seconds of each part from one look to another."""
    return {part: after.cpu_seconds[part] - before.cpu_seconds[part] for part in PARTS}


def listed(figures: Mapping[str, float], pattern: str) -> str:
    """Write a figure of each part in one line."""
    return ", ".join(f"{part} {pattern % value}" for part, value in figures.items())
