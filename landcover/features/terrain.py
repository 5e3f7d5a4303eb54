"""Terrain of a tile: slope and aspect (degrees), elevation (metres)."""

from __future__ import annotations

from collections.abc import Iterable

from landcover.features.contract import Asked, Input, Kind
from landcover.features.reads import Terrain
from landcover.nouns.model import Feature
from landcover.recipe import Recipe


class TerrainKind(Kind):
    """Layers of the terrain stage; a tile has them once."""

    def asked(self, recipe: Recipe, season: str | None) -> Iterable[Asked]:
        """List the layers that the recipe names."""
        return (Asked(name) for name in recipe.features.terrain)

    def source(self, feature: Feature, recipe: Recipe) -> Input:
        """Read the layer."""
        return Terrain(feature.layer)


KIND = TerrainKind()
