"""A record store that hangs: the page says so, and keeps no thread of Airflow's waiting."""

from __future__ import annotations

import threading
from functools import partial

import anyio
import anyio.to_thread
import pytest

from landcover.errors import UnavailableError
from landcover_airflow.page import reading


def test_a_store_that_hangs_is_told_and_others_are_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "SECONDS", 0.2)
    hanging, gone = threading.Event(), []

    async def ask() -> None:
        with pytest.raises(UnavailableError, match="record store has not answered"):
            await reading.read(hanging.wait)
        gone.append(True)

    async def look() -> int:
        reading._limiter.cache_clear()
        async with anyio.create_task_group() as crowd:
            for _ in range(3 * reading.THREADS):
                crowd.start_soon(ask)
        # Threads of everybody else: none of them waits for the store.
        others = anyio.to_thread.current_default_thread_limiter()
        busy = others.borrowed_tokens
        hanging.set()
        await anyio.sleep(0.05)
        assert await reading.read(partial(sum, [1, 2])) == 3
        return int(busy)

    assert anyio.run(look) == 0
    assert len(gone) == 3 * reading.THREADS
    reading._limiter.cache_clear()
