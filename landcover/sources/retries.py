"""Try again what a server refused for the moment: back-off with jitter, within limits."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TypeVar

from landcover.errors import UnavailableError

T = TypeVar("T")
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that a server may take back: time-out, too early, too many requests, its own errors."""
_NAP_S = 0.2


class AwayError(UnavailableError):
    """A server did not answer, or asked to come again; trying again may help."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class RetryPolicy:
    """How patient a source is."""

    attempts: int = 6
    """Attempts in a row without a new byte before it is given up."""
    first_s: float = 1.0
    """Longest pause after the first failure, s; it doubles with each."""
    longest_s: float = 60.0
    """Longest pause, s."""
    longest_wish_s: float = 300.0
    """Longest ``Retry-After`` that is waited for, s. A server that asks for more is given up: the
    unit is tried again later, and its worker is free meanwhile."""
    connect_s: float = 10.0
    """Time to reach a server, s."""
    read_s: float = 60.0
    """Longest silence in the middle of an answer, s."""

    @property
    def timeouts(self) -> tuple[float, float]:
        """Time-outs of connecting and reading, s."""
        return self.connect_s, self.read_s

    def pause_s(self, failures: int, retry_after_s: float | None) -> float:
        """Draw the pause after so many failures in a row, s.

        Half of it is jitter, so that many workers that were refused at once do not come again
        at once. A server's own wish is the least pause.
        """
        longest = min(self.longest_s, self.first_s * 2.0 ** (failures - 1))
        return max(longest * random.uniform(0.5, 1.0), retry_after_s or 0.0)


DEFAULT_POLICY = RetryPolicy()


def persist(
    action: Callable[[], T],
    policy: RetryPolicy,
    *,
    what: str,
    check: Callable[[], None] = lambda: None,
    has_advanced: Callable[[], bool] = lambda: False,
) -> T:
    """Do something until it works or patience ends.

    Args:
        action: Raises :class:`AwayError` where trying again may help.
        policy: How patient.
        what: What it is, for the message.
        check: Raises if somebody stopped the job; asked during pauses too.
        has_advanced: Tells whether the last attempt brought something: then counting begins anew.

    Raises:
        UnavailableError: It did not work in all attempts.
    """
    failures = 0
    while True:
        check()
        try:
            return action()
        except AwayError as error:
            failures = 1 if has_advanced() else failures + 1
            wish = error.retry_after_s
            if wish is not None and wish > policy.longest_wish_s:
                raise UnavailableError(
                    f"{what}: the server asks to come again in {wish:.0f} s ({error}). "
                    "Run again then, or name a second provider."
                ) from error
            if failures >= policy.attempts:
                raise UnavailableError(
                    f"{what}: given up after {failures} attempts ({error}). Run again later, or "
                    "name a second provider."
                ) from error
            _sleep(policy.pause_s(failures, wish), check)


def retry_after_s(header: str | None) -> float | None:
    """Read a ``Retry-After`` header, s from now: it holds seconds or a date."""
    if not header:
        return None
    try:
        return max(float(header), 0.0)
    except ValueError:
        pass
    try:
        return max(parsedate_to_datetime(header).timestamp() - time.time(), 0.0)
    except ValueError:
        return None


def _sleep(seconds: float, check: Callable[[], None]) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        check()
        time.sleep(min(left, _NAP_S))
