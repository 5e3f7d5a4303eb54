"""Ask several services at the same time, and wait for all of them no longer than so."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from landcover.errors import LandcoverError, UnavailableError


def ask_at_once(asks: Sequence[Callable[[], None]], seconds: float) -> list[LandcoverError | None]:
    """Do several things at the same time.

    Each gets a thread that the end of the process does not wait for: looking up a name cannot be
    stopped, and no time-out of a client counts it.

    Args:
        asks: What to do; each returns nothing, or raises.
        seconds: How long all of them together are waited for, s.

    Returns:
        The error of each, in their order; None where it went well.

    Raises:
        Exception: One of them raised what is none of our errors.
    """
    errors: list[Exception | None] = [
        UnavailableError(f"no answer within {seconds:g} s.") for _ in asks
    ]

    def ask(number: int) -> None:
        try:
            asks[number]()
            errors[number] = None
        except Exception as error:
            errors[number] = error

    threads = [
        threading.Thread(target=ask, args=(number,), daemon=True) for number in range(len(asks))
    ]
    for thread in threads:
        thread.start()
    until = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(until - time.monotonic(), 0.0))
    return [_ours(error) for error in errors]


def _ours(error: Exception | None) -> LandcoverError | None:
    if error is None or isinstance(error, LandcoverError):
        return error
    raise error
