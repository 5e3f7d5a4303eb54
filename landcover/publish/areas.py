"""How much of a map each class takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from landcover.nouns.base import Noun
from landcover.nouns.grid import Grid
from landcover.nouns.legend import LegendClass

SQUARE_METRES_PER_HECTARE = 10_000


class ClassArea(Noun):
    """The area of one class."""

    code: int
    name: str
    title: str
    colour: str
    pixels: int
    hectares: float
    """Pixels times the pixel's area on the map grid, ha."""
    percent: float
    """Share of the classified area, %."""


def class_areas(
    pixels: Mapping[int, int], legend: Sequence[LegendClass], grid: Grid
) -> tuple[ClassArea, ...]:
    """Turn pixel counts into areas.

    The area of a pixel is that of the map grid: on UTM it differs from that on the ground by 0.2 %
    at most inside a zone.

    Args:
        pixels: Pixels of each code; 0 is nodata.
        legend: Classes of the map, in the order of the answer.
        grid: Grid of the map, metres.

    Returns:
        One entry per class, those without a pixel included.
    """
    classified = sum(count for code, count in pixels.items() if code)
    hectares = grid.pixel**2 / SQUARE_METRES_PER_HECTARE
    return tuple(
        ClassArea(
            code=entry.code,
            name=entry.name,
            title=entry.title,
            colour=entry.colour,
            pixels=pixels.get(entry.code, 0),
            hectares=round(pixels.get(entry.code, 0) * hectares, 4),
            percent=round(100 * pixels.get(entry.code, 0) / max(1, classified), 4),
        )
        for entry in legend
    )
