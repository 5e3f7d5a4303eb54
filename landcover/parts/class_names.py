"""What the classes of codes are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Names:
    """Names of class codes, also of those that no legend knows."""

    known: Mapping[int, str]

    def name_of(self, code: int) -> str:
        """Name the class of a code."""
        return self.known.get(code, f"class {code}")
