"""Reading the ledger for the page, without ever keeping Airflow's own answers waiting.

A store that hangs holds the thread that asks it. So the page has few threads of its own, and who
finds them all waiting is told so at once.
"""

from __future__ import annotations

from collections.abc import Callable
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
    return await _in_time(look, SECONDS, _limiter(), "record store", hint)


async def read_file(look: Callable[[], T]) -> T:
    """Read the ledger and a file that it names, beside the reads of the ledger alone.

    Args:
        look: What reads.

    Raises:
        UnavailableError: It has not come to its end in time.
    """
    return await _in_time(look, SECONDS, _file_limiter(), EITHER, EITHER_HINT)


async def draw(look: Callable[[], T]) -> T:
    """Read the ledger and files that it names, and make a picture of them.

    Args:
        look: What reads and draws.

    Raises:
        UnavailableError: It has not come to its end in time.
    """
    return await _in_time(look, PICTURE_SECONDS, _picture_limiter(), EITHER, EITHER_HINT)


async def _in_time(
    look: Callable[[], T], seconds: float, limiter: anyio.CapacityLimiter, store: str, hint: str
) -> T:
    try:
        with anyio.fail_after(seconds):
            return await anyio.to_thread.run_sync(look, abandon_on_cancel=True, limiter=limiter)
    except TimeoutError as error:
        raise UnavailableError(f"The {store} has not answered for {seconds:g} s. {hint}") from error


@cache
def _limiter() -> anyio.CapacityLimiter:
    return anyio.CapacityLimiter(THREADS)


@cache
def _file_limiter() -> anyio.CapacityLimiter:
    return anyio.CapacityLimiter(FILE_THREADS)


@cache
def _picture_limiter() -> anyio.CapacityLimiter:
    return anyio.CapacityLimiter(PICTURE_THREADS)
