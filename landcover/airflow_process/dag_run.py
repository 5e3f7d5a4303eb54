"""Run a DAG without a server: Airflow and one Dask worker as children of this process."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from landcover.airflow_process.cluster import address_of, start_cluster
from landcover.airflow_process.environment import (
    DATABASE_NAME,
    airflow_environment,
    airflow_version,
    provide_database,
)
from landcover.airflow_process.sessions import Child, end_all, stopping_on_signals
from landcover.errors import UnavailableError
from landcover.settings import Settings

DAG = "landcover_map"
LOG_NAME = "run.log"
_TAIL = 100_000
"""Bytes of the log's end that are looked at."""
_LEAST_BYTES = 1_000_000
"""With less, neither Airflow's database nor its log can be written."""
_FULL = ("database or disk is full", "No space left on device", "Disk quota exceeded")
_READ_ONLY = ("attempt to write a readonly database", "Read-only file system")


def run_dag(
    settings: Settings,
    run_id: str,
    conf: dict[str, Any],
    *,
    on_line: Callable[[str], None] | None = None,
) -> int:
    """Run the DAG ``landcover_map`` through Airflow, in child processes, until it ends.

    Tasks run one after the other, so one worker with all threads of a job is as fast as many.
    The log is ``airflow-run/{run id}/run.log`` in the workspace.

    Args:
        settings: Where and how.
        run_id: Name of the run in the ledger.
        conf: Arguments of the run, as the trigger form has them.
        on_line: Is given each line that people should read, while it runs.

    Returns:
        0 where the run succeeded, 1 where it failed.

    Raises:
        UsageError: Airflow or the DAGs are not there.
        UnavailableError: Airflow itself did not run; the sentence names its log.
        KeyboardInterrupt: It was stopped (Ctrl-C, SIGTERM); all children have ended.
    """
    airflow_version()
    log = log_of(settings, run_id)
    home = log.parent
    environment = airflow_environment(settings, home, None)
    with stopping_on_signals(), ExitStack() as stack:
        provide_database(home)
        # The ledger keeps what happened; a run leaves its log behind and no database.
        stack.callback(_remove_database, home)
        children: list[Child] = []
        stack.callback(end_all, children)
        airflow = Child([sys.executable, "-m", "landcover_airflow.run_dag"], environment, log)
        children.append(airflow)
        address = settings.dask
        if address is None:
            children.append(start_cluster(settings, log, workers=1))
            address = address_of(children[-1], log)
        order = {"dag": DAG, "conf": {**conf, "ledger_run": run_id}, "dask": address}
        airflow.tell(json.dumps(order))
        for line in airflow.output:
            if on_line is not None:
                on_line(line.rstrip("\n"))
        code = airflow.process.wait()
        if code not in (0, 1):  # while its database is still there: a full disk is full
            raise UnavailableError(why_broken(code, log))
    return code


def why_broken(code: int, log: Path) -> str:
    """Say in a sentence why Airflow itself ended, as far as its disk or its log tells.

    Args:
        code: Exit code of its process.
        log: What it wrote; cut off where its disk is full.
    """
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - _TAIL))
        said = stream.read().decode(errors="replace")
    if shutil.disk_usage(log.parent).free < _LEAST_BYTES or any(w in said for w in _FULL):
        return f"{log.parent}: the disk is full. Free space or move the workspace, then run again."
    if any(words in said for words in _READ_ONLY):
        return f"{log.parent}: the disk is read-only. Make it writable, then run again."
    return f"Airflow did not run the DAG (code {code}); its log is {log}."


def log_of(settings: Settings, run_id: str) -> Path:
    """Name the log of a run: what Airflow, the tasks and the workers say, tracebacks included."""
    return settings.workspace / "airflow-run" / run_id / LOG_NAME


def _remove_database(home: Path) -> None:
    for name in (DATABASE_NAME, f"{DATABASE_NAME}-wal", f"{DATABASE_NAME}-shm"):
        (home / name).unlink(missing_ok=True)
