"""The memory of a process and all below it while it works: looked at again and again."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

SAMPLE_SECONDS = 0.2
MB = 2**20


@dataclass(frozen=True)
class MemoryCurve:
    """Resident memory over time. Pages that processes share are counted in each of them."""

    seconds: Sequence[float] = ()
    """When it was looked at, seconds from the beginning of the work."""
    mb: Sequence[float] = ()
    """Of all processes together, MB (2²⁰ bytes)."""

    @property
    def peak_mb(self) -> float:
        """Largest value, MB; 0 where the work ended before it was looked at."""
        return max(self.mb, default=0.0)

    @property
    def average_mb(self) -> float:
        """Mean over time, MB: each value counts as long as it was the last one seen."""
        if len(self.mb) < 2:
            return self.peak_mb
        lasted = [b - a for a, b in zip(self.seconds, self.seconds[1:], strict=False)]
        weighted = sum(t * mb for t, mb in zip(lasted, self.mb[:-1], strict=True))
        return weighted / max(sum(lasted), 1e-9)


class MemorySampler:
    """Looks at the resident memory of a process and all below it from `start` to `stop`."""

    def __init__(self, pid: int, every_seconds: float = SAMPLE_SECONDS) -> None:
        self._pid, self._every = pid, every_seconds
        self._seconds: list[float] = []
        self._mb: list[float] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> MemoryCurve:
        """End, and give what was seen; may be called twice."""
        self._ended.set()
        self._thread.join()
        return MemoryCurve(tuple(self._seconds), tuple(self._mb))

    def _loop(self) -> None:
        began = time.monotonic()
        while True:
            seen = family_mb(self._pid)
            if seen:
                self._seconds.append(time.monotonic() - began)
                self._mb.append(seen)
            if self._ended.wait(self._every):
                return


def family_mb(pid: int) -> float:
    """Give the resident memory of a process and all below it, MB; 0 where it has ended."""
    import psutil

    total = 0
    with suppress(psutil.Error):
        head = psutil.Process(pid)
        for process in (head, *head.children(recursive=True)):
            with suppress(psutil.Error):
                total += process.memory_info().rss
    return total / MB
