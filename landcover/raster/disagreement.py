"""How far neighbouring maps disagree where they overlap (docs/methods/mosaics.md#disagreement)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from landcover.compiled import compiled

Codes = npt.NDArray[np.uint8]


@dataclass
class Disagreement:
    """Counts over the overlap of two tiles, window by window."""

    pixels: int = 0
    """Pixels where both have a class."""
    pairs: Counter[str] = field(default_factory=Counter)
    """``4-7``: pixels that are class 4 in the first and 7 in the second."""
    joined_not_first: int = 0
    """Pixels where the joined map has another class than the first tile."""
    joined_not_second: int = 0
    """Pixels where the joined map has another class than the second tile."""

    def count(self, first: Codes, second: Codes, joined: Codes) -> None:
        """Count a window.

        Args:
            first: Class codes of the first tile, uint8, (y, x), 0 where it has none.
            second: Those of the second tile.
            joined: Those of the joined map.
        """
        found, others = np.zeros((256, 256), dtype=np.int64), np.zeros(2, dtype=np.int64)
        _count(first, second, joined, found, others)
        if not found.any():
            return
        self.pixels += int(found.sum())
        self.joined_not_first += int(others[0])
        self.joined_not_second += int(others[1])
        np.fill_diagonal(found, 0)
        for a, b in np.argwhere(found):
            self.pairs[f"{a}-{b}"] += int(found[a, b])

    @property
    def differing(self) -> int:
        """Pixels where the two tiles differ."""
        return self.pairs.total()

    def to_document(self, first: str, second: str) -> dict[str, Any]:
        """Write the counts as a table for a record.

        Args:
            first: Id of the first tile.
            second: Id of the second tile.

        Returns:
            ``first``, ``second``, ``pixels``, ``differing``, ``percent`` (of the overlap before
            joining), ``classes`` (pixels by pair of classes), and what the joined map has of it:
            ``joined_not_first_percent``, ``joined_not_second_percent``.
        """
        return {
            "first": first,
            "second": second,
            "pixels": self.pixels,
            "differing": self.differing,
            "percent": self._percent(self.differing),
            "classes": dict(sorted(self.pairs.items())),
            "joined_not_first_percent": self._percent(self.joined_not_first),
            "joined_not_second_percent": self._percent(self.joined_not_second),
        }

    def _percent(self, count: int) -> float:
        return round(100 * count / max(1, self.pixels), 4)


@compiled()
def _count(first, second, joined, found, others):  # type: ignore[no-untyped-def]  # pragma: no cover
    for y in range(first.shape[0]):
        for x in range(first.shape[1]):
            a, b = first[y, x], second[y, x]
            if (a != 0) & (b != 0):
                found[a, b] += 1
                others[0] += joined[y, x] != a
                others[1] += joined[y, x] != b
