"""Bands of a composite: reflectance 0-1."""

from __future__ import annotations

from collections.abc import Iterable

from landcover.features.contract import Asked, Input, Kind
from landcover.features.reads import Layer
from landcover.nouns.model import Feature
from landcover.recipe import AUXILIARY, Recipe


class BandKind(Kind):
    """Bands, and their percentiles and spread along time."""

    def asked(self, recipe: Recipe, season: str | None) -> Iterable[Asked]:
        """List the layers of the composite that are reflectances."""
        others = {*AUXILIARY, *recipe.composite.temporal_layers}
        for place, layer in enumerate(recipe.composite.all_layers):
            if layer not in others:
                yield Asked(layer, place)

    def source(self, feature: Feature, recipe: Recipe) -> Input:
        """Read the layer."""
        return Layer(str(feature.period), feature.layer)


KIND = BandKind()
