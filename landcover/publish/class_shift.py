"""Where the shares of classes on a map are not those of the samples that trained its model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from landcover.nouns.model import ModelCard
from landcover.publish.areas import ClassArea

FACTOR = 2.0
"""How many times a share must grow or shrink to be told."""
LEAST = 5.0
"""Larger of the two shares below which a class is left out, %: small ones double by chance."""


class ClassShift(NamedTuple):
    """A class with another share on the map than among the training samples."""

    title: str
    """Name for people."""
    trained_percent: float
    """Share of the training samples, %."""
    mapped_percent: float
    """Share of the classified area, %."""


def class_shift(areas: Sequence[ClassArea], card: ModelCard) -> tuple[ClassShift, ...]:
    """List classes whose share on the map is at least twice or at most half that in training.

    Args:
        areas: Area of each class on the map; empty where there is none.
        card: Card of the model.

    Returns:
        The classes, the most shifted first.
    """
    total, hectares = sum(card.class_counts.values()), sum(area.hectares for area in areas)
    if not areas or not total or not hectares:
        return ()
    found = []
    for area in areas:
        trained = 100 * card.class_counts.get(area.code, 0) / total
        mapped = 100 * area.hectares / hectares
        low, high = sorted((trained, mapped))
        if high >= LEAST and high >= FACTOR * low:
            found.append(ClassShift(area.title, trained, mapped))
    return tuple(sorted(found, key=lambda s: -abs(s.mapped_percent - s.trained_percent)))
