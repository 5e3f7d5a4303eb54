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
PICTURE_THREADS = 2
"""Pictures that are drawn at a time: each decodes whole bands."""
PICTURE_SECONDS = 60.0
"""A picture is given up after this long, seconds."""


async def read(look: Callable[[], T]) -> T:
    """Read the ledger in a thread of the page's own.

    Args:
        look: What reads.

    Raises:
        UnavailableError: It has not answered in time.
    """
    hint = "Airflow goes on; see LANDCOVER_RECORDS, and whether that server runs."
    return await _in_time(look, SECONDS, _limiter(), "record store", hint)


async def draw(look: Callable[[], T]) -> T:
    """Read files and make a picture of them, beside the reads of the ledger.

    Args:
        look: What reads and draws.

    Raises:
        UnavailableError: It has not come to its end in time.
    """
    hint = "See LANDCOVER_OBJECTS, and whether that server runs."
    return await _in_time(look, PICTURE_SECONDS, _picture_limiter(), "object store", hint)


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
def _picture_limiter() -> anyio.CapacityLimiter:
    return anyio.CapacityLimiter(PICTURE_THREADS)
