"""Threads of Dask that end with the module: its own pool stays as long as the process."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import dask
import pytest


@pytest.fixture(scope="module", autouse=True)
def _threads_end() -> Iterator[None]:
    with ThreadPoolExecutor(2) as pool, dask.config.set(scheduler="threads", pool=pool):
        yield
