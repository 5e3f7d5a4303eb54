"""A store that hangs: the page says so, and keeps no thread of Airflow's waiting."""

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
        reading._ledger_threads.cache_clear()
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
    reading._ledger_threads.cache_clear()


def test_a_store_that_hangs_holds_no_more_threads_however_long_it_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "SECONDS", 0.05)
    hanging, held = threading.Event(), []

    def hang() -> None:
        held.append(True)
        hanging.wait()

    async def look() -> int:
        for _ in range(3 * reading.THREADS):
            with pytest.raises(UnavailableError, match="record store has not answered"):
                await reading.read(hang)
        asked = len(held)
        hanging.set()
        monkeypatch.setattr(reading, "SECONDS", 10.0)
        found = [await reading.read(partial(sum, [1, 2])) for _ in range(2 * reading.THREADS)]
        assert found == [3] * len(found), "once the store answers, all threads serve again"
        return asked

    reading._ledger_threads.cache_clear()
    try:
        assert anyio.run(look) == reading.THREADS
    finally:
        hanging.set()
        reading._ledger_threads.cache_clear()


def test_files_that_hang_name_both_stores_and_leave_the_ledger_its_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "SECONDS", 0.2)
    monkeypatch.setattr(reading, "PICTURE_SECONDS", 0.2)
    hanging, told = threading.Event(), []
    kinds = (reading._ledger_threads, reading._file_threads, reading._picture_threads)

    async def ask(number: int) -> None:
        way = (reading.read_file, reading.draw)[number % 2]
        with pytest.raises(UnavailableError) as caught:
            await way(hanging.wait)
        told.append(str(caught.value))

    async def look() -> int:
        async with anyio.create_task_group() as crowd:
            for number in range(4 * reading.FILE_THREADS):
                crowd.start_soon(ask, number)
            await anyio.sleep(0.05)
            # More wait than there are threads for files; who asks the ledger alone is answered
            # before any of them gives up, and gives its thread's place back.
            found = await reading.read(partial(sum, [1, 2]))
            assert told == []
        hanging.set()
        return found

    for kind in kinds:
        kind.cache_clear()
    try:
        assert anyio.run(look) == 3
    finally:
        hanging.set()
        for kind in kinds:
            kind.cache_clear()
    assert len(told) == 4 * reading.FILE_THREADS
    for text in told:
        assert text.startswith("The record store or the object store has not answered for 0.2 s.")
        assert "LANDCOVER_RECORDS and LANDCOVER_OBJECTS" in text
