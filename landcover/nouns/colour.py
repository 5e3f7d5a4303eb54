"""Display colours: ``#RRGGBB`` in documents, three bytes in pictures and colour tables."""

from __future__ import annotations

from collections.abc import Sequence


def rgb_of(colour: str) -> tuple[int, int, int]:
    """Turn ``#RRGGBB`` into red, green and blue, 0-255."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def hex_of(rgb: Sequence[int]) -> str:
    """Turn red, green and blue, 0-255, into ``#RRGGBB``; an opacity behind them is left out."""
    return "#" + bytes(rgb[:3]).hex().upper()
