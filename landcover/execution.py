"""Where heavy work runs: here, or on the workers of a Dask cluster.

The only file of the library that imports Dask. One worker process has one slot: one tile.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# A worker may use a quarter more than its job was promised before it is stopped.
HEADROOM = 1.25
GB = 10**9
WORKER_ENVIRONMENT = {
    "MALLOC_ARENA_MAX": "2",  # many arenas keep freed memory of many threads
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # Arrow's own allocators keep more than glibc does
}
"""What the workers of any cluster need, so that a unit finds the memory that others freed."""


# Keys of the units that this process works on now, also of those that were cancelled meanwhile.
_running: set[str] = set()


def run_unit(stage: str, document: dict[str, Any]) -> dict[str, Any]:
    """Run one unit at one stage: what is submitted to a worker."""
    from landcover import api

    key = unit_key(stage, document)
    _running.add(key)
    try:
        return api.run(stage, document)  # type: ignore[arg-type]
    finally:
        _running.discard(key)


def is_running(key: str) -> bool:
    """Say whether this process works on a unit: Dask forgets what was cancelled at once."""
    return key in _running


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
            env={"OMP_NUM_THREADS": str(threads), **WORKER_ENVIRONMENT},
        ) as cluster,
    ):
        yield str(cluster.scheduler_address)
