"""Try again what a server did not do: back-off with jitter, within limits.

One loop serves the stores, which wait for a time, and the remote sources, which count attempts.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from landcover.errors import UnavailableError

T = TypeVar("T")
log = logging.getLogger(__name__)
_NAP_S = 0.2
"""Longest time that a pause goes on after the job was cancelled, s."""


class AwayError(UnavailableError):
    """A server did not answer, or asked to come again; trying again may help."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


def is_away(error: Exception) -> str | None:
    """Give the message of an :class:`AwayError`; None for every other exception."""
    return str(error) if isinstance(error, AwayError) else None


@dataclass(frozen=True)
class RetryPolicy:
    """How long an operation is tried again, and how often.

    It is given up at whichever limit is reached first.
    """

    first_s: float = 1.0
    """Longest pause after the first failure, s; it doubles with each."""
    longest_s: float = 60.0
    """Longest pause, s."""
    attempts: int | None = 6
    """Attempts in a row without a new byte; None for no limit."""
    limit_s: float | None = None
    """Time from the first failure on, s; None for no limit."""
    longest_wish_s: float = 300.0
    """Longest ``Retry-After`` that is waited for, s. A server that asks for more is given up: the
    unit is tried again later, and its worker is free meanwhile."""
    connect_s: float = 10.0
    """Time to reach a server, s."""
    read_s: float = 60.0
    """Longest silence in the middle of an answer, s."""
    remedy: str = "Run again later, or name a second provider."
    """What a person can do about an operation that was given up, as a sentence."""

    @property
    def timeouts(self) -> tuple[float, float]:
        """Time-outs of connecting and reading, s."""
        return self.connect_s, self.read_s

    def pause_s(self, failures: int, retry_after_s: float | None = None) -> float:
        """Draw the pause after so many failures in a row, s.

        Half of it is jitter, so that many workers that were refused at once do not come again
        at once. A server's own wish is the least pause.
        """
        # The exponent is bounded: a store may be away for thousands of short pauses.
        longest = min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 63))
        return max(longest * random.uniform(0.5, 1.0), retry_after_s or 0.0)


SOURCE_POLICY = RetryPolicy()
"""A public archive asks its users to back off: few attempts, long pauses."""
STORE_POLICY = RetryPolicy(
    first_s=0.2,
    longest_s=8.0,
    attempts=None,
    limit_s=120.0,
    remedy="Check that the server runs and can be reached from here, then run again.",
)
"""A store is in constant use: come back soon, and go on for two minutes."""


def retry(
    action: Callable[[], T],
    policy: RetryPolicy,
    *,
    what: str,
    why_away: Callable[[Exception], str | None] = is_away,
    check: Callable[[], None] = lambda: None,
    has_advanced: Callable[[], bool] = lambda: False,
) -> T:
    """Do something until it works or a limit is reached.

    Args:
        action: What to do; doing it twice must be harmless.
        policy: Limits and pauses.
        what: Its name or address for messages; no secret may be in it.
        why_away: Says in a few words why an exception means that trying again may help; None
            where it means something else, which is raised as it is.
        check: Raises if somebody stopped the job; asked during pauses too.
        has_advanced: Tells whether the last attempt brought something: then counting begins anew.

    Returns:
        What the action returns.

    Raises:
        UnavailableError: It did not work within the limits.
    """
    failures, began = 0, 0.0
    while True:
        check()
        try:
            return action()
        except Exception as error:
            reason = why_away(error)
            if reason is None:
                raise
            failures = 1 if has_advanced() else failures + 1
            began = time.monotonic() if failures == 1 else began
            wish = getattr(error, "retry_after_s", None)
            left = _left_s(policy, began)
            refusal = _refusal(policy, failures, left, wish)
            if refusal:
                raise UnavailableError(f"{what}: {refusal} ({reason}). {policy.remedy}") from error
        pause = min(policy.pause_s(failures, wish), left)
        log.warning("%s: no answer (%s), trying again in %.1f s", what, reason, pause)
        _sleep(pause, check)


def _left_s(policy: RetryPolicy, began: float) -> float:
    """Tell how much time is left since the first failure, s."""
    return float("inf") if policy.limit_s is None else began + policy.limit_s - time.monotonic()


def _refusal(policy: RetryPolicy, failures: int, left_s: float, wish: float | None) -> str | None:
    """Say why nothing is tried again, if so."""
    if wish is not None and wish > policy.longest_wish_s:
        return f"the server asks to come again in {wish:.0f} s"
    if policy.attempts is not None and failures >= policy.attempts:
        return f"given up after {failures} attempts"
    if left_s <= 0:
        return f"no answer for {policy.limit_s:g} s"
    return None


def _sleep(seconds: float, check: Callable[[], None]) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        check()
        time.sleep(min(left, _NAP_S))
