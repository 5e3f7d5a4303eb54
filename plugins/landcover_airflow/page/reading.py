"""Reading the ledger for the page, without ever keeping Airflow's own answers waiting.

A store that hangs holds the thread that asks it. So the page has few threads of its own, and who
finds them all waiting is told so at once.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import TypeVar

import anyio
import anyio.to_thread

from landcover.errors import UnavailableError

T = TypeVar("T")
THREADS = 4
"""Reads of the ledger at a time."""
SECONDS = 10.0
"""A read is given up after this long, seconds; its thread goes on until the store lets it go."""
FILE_THREADS = 4
"""Reads of files at a time, beside those of the ledger."""
PICTURE_THREADS = 2
"""Pictures that are drawn at a time: each decodes whole bands."""
PICTURE_SECONDS = 60.0
"""A picture is given up after this long, seconds."""
FREE_SECONDS = 0.05
"""Pause between looks for a free thread, seconds."""
EITHER = "record store or the object store"
"""What a read of a file waits for: the ledger is asked first where the file is."""
EITHER_HINT = (
    "Airflow goes on; see LANDCOVER_RECORDS and LANDCOVER_OBJECTS, and whether those servers run."
)


async def read(look: Callable[[], T]) -> T:
    """Read the ledger in a thread of the page's own.

    Args:
        look: What reads.

    Raises:
        UnavailableError: It has not answered in time.
    """
    hint = "Airflow goes on; see LANDCOVER_RECORDS, and whether that server runs."
    return await _in_time(look, SECONDS, _ledger_threads(), "record store", hint)


async def read_file(look: Callable[[], T]) -> T:
    """Read the ledger and a file that it names, beside the reads of the ledger alone.

    Args:
        look: What reads.

    Raises:
        UnavailableError: It has not come to its end in time.
    """
    return await _in_time(look, SECONDS, _file_threads(), EITHER, EITHER_HINT)


async def draw(look: Callable[[], T]) -> T:
    """Read the ledger and files that it names, and make a picture of them.

    Args:
        look: What reads and draws.

    Raises:
        UnavailableError: It has not come to its end in time.
    """
    return await _in_time(look, PICTURE_SECONDS, _picture_threads(), EITHER, EITHER_HINT)


class _Threads:
    """Threads for one kind of read; one that a store holds stays taken until the store lets go.

    anyio's limiters give a place back when its read is given up, and the next read would take
    another thread: every five seconds one more, for each page that is open.
    """

    def __init__(self, count: int) -> None:
        self._free = threading.BoundedSemaphore(count)
        self._unlimited = anyio.CapacityLimiter(math.inf)

    async def run(self, look: Callable[[], T]) -> T:
        """Call a function in a thread of these, once one is free."""
        while not self._free.acquire(blocking=False):
            await anyio.sleep(FREE_SECONDS)
        give_back = once(self._free.release)
        is_begun = False

        def looked() -> T:
            nonlocal is_begun
            is_begun = True
            try:
                return look()
            finally:
                give_back()

        try:
            return await anyio.to_thread.run_sync(
                looked, abandon_on_cancel=True, limiter=self._unlimited
            )
        finally:
            if not is_begun:  # given up before its thread began
                give_back()


def once(function: Callable[[], None]) -> Callable[[], None]:
    """Make a function of which only the first call does anything, whichever thread calls."""
    left = [function]

    def called() -> None:
        with suppress(IndexError):
            left.pop()()

    return called


async def _in_time(
    look: Callable[[], T], seconds: float, threads: _Threads, store: str, hint: str
) -> T:
    try:
        with anyio.fail_after(seconds):
            return await threads.run(look)
    except TimeoutError as error:
        raise UnavailableError(f"The {store} has not answered for {seconds:g} s. {hint}") from error


@cache
def _ledger_threads() -> _Threads:
    return _Threads(THREADS)


@cache
def _file_threads() -> _Threads:
    return _Threads(FILE_THREADS)


@cache
def _picture_threads() -> _Threads:
    return _Threads(PICTURE_THREADS)
