"""Where heavy work runs: here, or on the workers of a Dask cluster.

The only file of the library that imports Dask. One worker process has one slot: one tile.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from typing import Any

# A worker may use a quarter more than its job was promised before it is stopped.
HEADROOM = 1.25
GB = 10**9
LOST_WORKER_HOURS = 24
"""How long a local cluster waits for a worker that its nanny starts again, h."""
DOWNLOAD, COMPUTE = "landcover_download", "landcover_compute"
"""Resources of a worker, one unit of each kind at a time, and the pools of their tasks."""
ENDED_WELL = ("done", "reused")
WORKER_ENVIRONMENT = {
    "MALLOC_ARENA_MAX": "2",  # many arenas keep freed memory of many threads
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # Arrow's own allocators keep more than glibc does
}
"""What the workers of any cluster need, so that a unit finds the memory that others freed."""


TOPIC = "landcover"
"""Topic under which workers tell the lines of their units."""
MOST_CHARACTERS = 8000
"""Longest line that is told."""
_current: ContextVar[tuple[Any, str] | None] = ContextVar("unit", default=None)
"""Worker and key of the unit that this context works on; threads of a unit copy its context."""
_numbers = count()


class _Teller(logging.Handler):
    """Tells the lines of a unit to whoever waits for it."""

    def emit(self, record: logging.LogRecord) -> None:
        found = _current.get()
        if found is None:
            return
        worker, key = found
        line = {
            "key": key,
            "id": f"{os.getpid()}-{next(_numbers)}",
            "level": record.levelno,
            "text": self.format(record)[:MOST_CHARACTERS],
        }
        worker.log_event(TOPIC, line)


# Keys of the units that this process works on now, also of those that were cancelled meanwhile.
_running: set[str] = set()


def run_unit(stage: str, document: dict[str, Any]) -> dict[str, Any]:
    """Run one unit at one stage: what is submitted to a worker.

    Returns:
        What :func:`landcover.api.run` gives, and its ``stage``.
    """
    from landcover import api

    key = unit_key(stage, document)
    _running.add(key)
    token = _current.set(_told_by(key))
    try:
        return {**api.run(stage, document), "stage": stage}  # type: ignore[arg-type]
    finally:
        _current.reset(token)
        _running.discard(key)


def _told_by(key: str) -> tuple[Any, str] | None:
    """Name the worker that tells the lines of a unit; None where no worker runs it."""
    from distributed import get_worker

    try:
        worker = get_worker()
    except ValueError:
        return None
    ours = logging.getLogger("landcover")
    if not any(isinstance(handler, _Teller) for handler in ours.handlers):
        ours.addHandler(_Teller(logging.INFO))
    if not ours.isEnabledFor(logging.INFO):
        ours.setLevel(logging.INFO)
    return worker, key


def run_next(stage: str, document: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """Run a unit at the next stage of its lane, unless the stage before it ended the lane.

    Args:
        stage: Stage to run.
        document: What :func:`run_unit` takes.
        before: What the stages before it came to.

    Returns:
        The outcome of the last stage that ran, with the seconds of all; ``reused`` where all were.
    """
    if before["state"] not in ENDED_WELL:
        return before
    outcome = dict(run_unit(stage, document))
    if outcome["state"] == "reused":
        outcome["state"] = before["state"]
    outcome["seconds"] = round(before["seconds"] + outcome["seconds"], 3)
    return outcome


def is_running(*keys: str) -> bool:
    """Say whether this process works on one of some units: Dask forgets what was cancelled."""
    return not _running.isdisjoint(keys)


def unit_key(stage: str, document: dict[str, Any]) -> str:
    """Name the Dask task of a unit: the same work has the same key, a retry another one."""
    return f"{stage}-{document['run']}-{document['unit']}-{document.get('attempt', 1)}"


@contextmanager
def local_cluster(*, workers: int = 1, memory_gb: float = 1.0, threads: int = 1) -> Iterator[str]:
    """Start a cluster on this machine and give its address; it ends with the block.

    Args:
        workers: Worker processes; each works on one unit at a time.
        memory_gb: Memory of a job, GB; a worker that uses a quarter more is stopped.
        threads: Threads of a job, used inside the stage.

    Yields:
        Address of the scheduler, ``tcp://127.0.0.1:port``.
    """
    import dask
    from distributed import LocalCluster

    options = {
        # A tile that kills its worker must not kill others: Airflow retries, Dask does not.
        "distributed.scheduler.allowed-failures": 0,
        "distributed.worker.daemon": False,
        # A nanny brings its worker back, however long that takes on a busy machine; after 15 s the
        # cluster would end the nanny and have a worker less for good.
        "distributed.deploy.lost-worker-timeout": f"{LOST_WORKER_HOURS} hours",
        # Our jobs keep their memory contract themselves; only a runaway one is ended.
        "distributed.worker.memory.target": False,
        "distributed.worker.memory.spill": False,
        "distributed.worker.memory.pause": False,
    }
    with (
        dask.config.set(options),
        LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            memory_limit=int(HEADROOM * max(memory_gb, 1.0) * GB),
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # any free port: several may run on one machine
            resources={DOWNLOAD: 1, COMPUTE: 1},
            env={"OMP_NUM_THREADS": str(threads), **WORKER_ENVIRONMENT},
        ) as cluster,
    ):
        yield str(cluster.scheduler_address)
