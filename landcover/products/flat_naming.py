"""What the name of a flat product tells: tile, date and spacecraft, anywhere in it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_TILE = re.compile(r"(?<![A-Z0-9])T?(\d{1,2}[C-HJ-NP-X][A-HJ-NP-Z]{2})(?![A-Z0-9])", re.IGNORECASE)
_DATE = re.compile(
    r"(?<!\d)(20\d\d)[-_]?(\d\d)[-_]?(\d\d)"
    r"(?:[T_-]?([01]\d|2[0-3])[-:]?([0-5]\d)[-:]?([0-5]\d))?Z?(?!\d)"
)
_SPACECRAFT = re.compile(r"(?<![A-Z0-9])S(?:EN)?(2[A-D])(?![0-9])", re.IGNORECASE)


def tile_in(name: str) -> str | None:
    """Give the first tile of a name (``31UDS``, ``T5QKB``), zones below 10 with their zero."""
    match = _TILE.search(name)
    return match[1].upper().rjust(5, "0") if match else None


def date_in(name: str) -> datetime | None:
    """Give the first date of a name, with its time where it has one, UTC.

    Raises:
        ValueError: There is no such day.
    """
    match = _DATE.search(name)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def spacecraft_in(name: str) -> str | None:
    """Give the spacecraft of a name (``S2A``, ``SEN2B``) as ``S2A``."""
    match = _SPACECRAFT.search(name)
    return f"S{match[1].upper()}" if match else None
