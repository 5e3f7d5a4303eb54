"""The resident memory of this process: now, and its mean while a block runs."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Final, Self

SECONDS: Final = 0.2
"""Time between two looks: a thread that reads one line of /proc."""
_STATM = Path("/proc/self/statm")


def resident_bytes() -> int:
    """Give what this process holds now, bytes; 0 where the system does not tell."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def resident_gb() -> float:
    """Give what this process holds now, GB (10⁹ bytes)."""
    return resident_bytes() / 1e9


class MeanMemory:
    """Looks at the process every fifth of a second; `mb` is the mean of what it saw."""

    def __init__(self) -> None:
        self._seen: list[float] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="mean-memory")

    def __enter__(self) -> Self:
        self._look()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._look()

    @property
    def mb(self) -> float:
        """Mean of the looks, MB; 0 where the system does not tell."""
        return sum(self._seen) / len(self._seen) if self._seen else 0.0

    def _watch(self) -> None:
        while not self._ended.wait(SECONDS):
            self._look()

    def _look(self) -> None:
        found = resident_bytes()
        if found:
            self._seen.append(found / 2**20)
