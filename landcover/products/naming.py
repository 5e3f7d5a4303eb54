"""The name of a Sentinel-2 L2A product (docs/methods/products.md#names-and-copies)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

TILE_ID = re.compile(r"(0[1-9]|[1-5]\d|60)[C-HJ-NP-X][A-HJ-NP-Z]{2}")
"""Zone with its zero, latitude band and square: ``05QKB``."""
PRODUCT_NAME = re.compile(
    r"(?P<spacecraft>S2[A-D])_MSIL2A_(?P<datatake>\d{8}T\d{6})_N(?P<baseline>\d{4})"
    r"_R(?P<orbit>\d{3})_T(?P<tile>\d{2}[C-HJ-NP-X][A-HJ-NP-Z]{2})"
    r"_(?P<discriminator>\d{8}T\d{6})(\.SAFE)?"
)


class ProductName(NamedTuple):
    """The fields of a product name."""

    spacecraft: str
    datatake: datetime
    baseline: int
    relative_orbit: int
    tile: str
    discriminator: str


def parse_name(name: str) -> ProductName | None:
    """Read the fields of a product name, with or without ``.SAFE``; None if it is no L2A name."""
    match = PRODUCT_NAME.fullmatch(name)
    if match is None or not 1 <= int(match["tile"][:2]) <= 60:
        return None
    try:
        datatake = parse_time(match["datatake"])
    except ValueError:  # fourteen digits that are no time
        return None
    return ProductName(
        spacecraft=match["spacecraft"],
        datatake=datatake,
        baseline=int(match["baseline"]),
        relative_orbit=int(match["orbit"]),
        tile=match["tile"],
        discriminator=match["discriminator"],
    )


def parse_time(text: str) -> datetime:
    """Read a UTC time as products write it: compact, or ISO 8601 with ``Z``.

    Raises:
        ValueError: The text is no such time.
    """
    if re.fullmatch(r"\d{8}T\d{6}", text):
        return datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
