"""Aerosol optical thickness and water vapour (cm) of a composite."""

from __future__ import annotations

from collections.abc import Iterable

from landcover.features.contract import Asked, Input, Kind
from landcover.features.reads import Layer
from landcover.nouns.model import Feature
from landcover.recipe import AUXILIARY, Recipe


class AuxiliaryKind(Kind):
    """AOT and WVP."""

    def asked(self, recipe: Recipe, season: str | None) -> Iterable[Asked]:
        """List those of the composite."""
        for place, layer in enumerate(recipe.composite.all_layers):
            if layer in AUXILIARY:
                yield Asked(layer, place)

    def source(self, feature: Feature, recipe: Recipe) -> Input:
        """Read the layer."""
        return Layer(str(feature.period), feature.layer)


KIND = AuxiliaryKind()
