"""Patience with a store that is away for a while."""

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


@dataclass(frozen=True)
class Patience:
    """How long an operation is tried again, and how often."""

    seconds: float = 120.0
    """From the first failure on."""
    first: float = 0.2
    """First pause, s; each is twice as long as the one before."""
    longest: float = 8.0
    """Longest pause, s."""

    def call(
        self, where: str, operation: Callable[[], T], why_away: Callable[[Exception], str | None]
    ) -> T:
        """Do something, again and again while the store is away.

        Args:
            where: Address of the store for messages; no secret may be in it.
            operation: What to do; doing it twice must be harmless.
            why_away: Says in a few words why an exception means that the store is away; None
                where it means something else, which is raised as it is.

        Returns:
            What the operation returns.

        Raises:
            UnavailableError: The store did not come back in time.
        """
        ends: float | None = None
        pause = self.first
        while True:
            try:
                return operation()
            except Exception as error:
                reason = why_away(error)
                if reason is None:
                    raise
                ends = time.monotonic() + self.seconds if ends is None else ends
                left = ends - time.monotonic()
                if left <= 0:
                    raise UnavailableError(
                        f"{where}: no answer for {self.seconds:g} s ({reason}). Check that the "
                        "server runs and can be reached from here, then run again."
                    ) from error
            log.warning("%s: no answer (%s), trying again for %.0f s", where, reason, left)
            # Many workers lose a store at the same moment; jitter keeps them from returning so.
            time.sleep(min(left, pause * random.uniform(0.5, 1.0)))
            pause = min(2 * pause, self.longest)
