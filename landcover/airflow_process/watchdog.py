"""Ends sessions when the process that started them is gone, even where it was killed.

A process of its own. Each line of its input names a session; the input closes with the parent,
however that ends, and then everything in those sessions is ended. Where the parent ends its
children itself, the watchdog is one of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from landcover.airflow_process.sessions import Child, end_sessions


def start_watchdog(log: Path) -> Child:
    """Start a watchdog; tell it of each child by its session."""
    command = [sys.executable, "-m", "landcover.airflow_process.watchdog"]
    return Child(command, os.environ, log, is_read=False)


def watch(lines: Iterable[str]) -> None:
    """Read sessions until the parent is gone, and end them."""
    sessions = {int(line) for line in lines}
    end_sessions(sessions)


if __name__ == "__main__":
    watch(sys.stdin)
