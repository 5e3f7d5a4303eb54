"""What earlier units of a worker freed does not count against the next one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from landcover.bench.after_train import WORKERS
from landcover.execution import WORKER_ENVIRONMENT
from landcover.parts.task import Job
from landcover.pipeline.resident import resident_gb

SCRIPT = """
import psutil
from landcover.pipeline.running import _give_back

def megabytes():
    return psutil.Process().memory_info().rss / 2**20

blocks = [bytearray(3000) for _ in range(100_000)]
last = bytearray(3000)  # lies above them: without being asked, nothing below it is given back
full = megabytes()
del blocks
freed = megabytes()
_give_back()
print(full, freed, megabytes())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_freed_memory_is_given_back() -> None:
    answer = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    full, freed, after = map(float, answer.stdout.split())
    assert freed > full - 60, "the allocator kept it"
    assert after < full - 200


TABLES = """
import psutil, pyarrow
from landcover.pipeline.running import _give_back

def megabytes():
    return psutil.Process().memory_info().rss / 2**20

tables = [pyarrow.array([b"x" * 3000]) for _ in range(60_000)]
last = pyarrow.array([b"x" * 3000])  # lies above them
full = megabytes()
del tables
_give_back()
print(pyarrow.default_memory_pool().backend_name, full, megabytes())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_what_tables_held_is_given_back_in_a_worker() -> None:
    environment = {**os.environ, **WORKER_ENVIRONMENT}
    answer = subprocess.run(
        [sys.executable, "-c", TABLES], capture_output=True, text=True, env=environment
    )
    assert answer.returncode == 0, answer.stderr
    pool, full, after = answer.stdout.split()
    assert pool == "system"
    assert float(after) < float(full) - 150, "the pool kept it"


@pytest.mark.parametrize(
    ("held_gb", "kept_gb", "expected_gb"),
    [
        (0.3, 0.0, 0.25),  # a fresh process: as meant
        (0.62, 0.0, 0.18),  # one that trained before: what is left below 80 % of the job
        (0.5, 0.1, 0.15),  # what is kept beside windows is of their share
        (3.0, 0.0, 0.06),  # never nothing
        (3.0, 0.2, 0.05),  # nor more than was meant
        (0.66, 0.05, 0.09),
    ],
)
def test_windows_leave_room_for_what_the_process_holds(
    held_gb: float, kept_gb: float, expected_gb: float
) -> None:
    job = Job(memory_gb=1.0, resident_gb=lambda: held_gb)
    assert job.window_gb(0.25, kept_gb) == pytest.approx(expected_gb)


def test_the_bench_measures_as_workers_are() -> None:
    assert WORKERS == WORKER_ENVIRONMENT


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_what_the_process_holds_is_told() -> None:
    before = resident_gb()
    block = bytearray(b"x" * 200_000_000)
    assert resident_gb() - before == pytest.approx(len(block) / 1e9, rel=0.2)
