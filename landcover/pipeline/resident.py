"""The mean resident memory of this process while a block runs."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Final, Self

SECONDS: Final = 0.2
"""Time between two looks: a thread that reads one line of /proc."""
_STATM = Path("/proc/self/statm")


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
        try:
            pages = int(_STATM.read_text().split()[1])
        except (OSError, ValueError, IndexError):
            return
        self._seen.append(pages * os.sysconf("SC_PAGE_SIZE") / 2**20)
