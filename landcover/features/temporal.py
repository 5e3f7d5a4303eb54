"""Statistics along time that are no reflectance: of indices, metrics, shares."""

from __future__ import annotations

from collections.abc import Iterable

from landcover.features.contract import Asked, Input, Kind
from landcover.features.reads import Layer
from landcover.nouns.model import Feature
from landcover.recipe import Recipe


class TemporalKind(Kind):
    """Layers that the composite stage wrote beside the medians, in units of their own."""

    def asked(self, recipe: Recipe, season: str | None) -> Iterable[Asked]:
        """List them in the order of the composite."""
        wanted = set(recipe.composite.temporal_layers)
        for place, layer in enumerate(recipe.composite.all_layers):
            if layer in wanted:
                yield Asked(layer, place)

    def source(self, feature: Feature, recipe: Recipe) -> Input:
        """Read the layer."""
        return Layer(str(feature.period), feature.layer)


KIND = TemporalKind()
