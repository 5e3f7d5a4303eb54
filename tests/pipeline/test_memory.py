"""What earlier units of a worker freed does not count against the next one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from landcover.execution import WORKER_ENVIRONMENT

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
