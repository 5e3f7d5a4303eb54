"""Spectral indices of one season, under their own names, as the HRLC deck has them."""

from __future__ import annotations

from collections.abc import Iterable

from landcover.features.contract import Asked, Input, Kind, Plane
from landcover.features.index import IndexOfBands
from landcover.nouns.feature_sections import OfOneSeason, SeasonIndices
from landcover.nouns.model import Feature
from landcover.recipe import Recipe


def season_of(section: OfOneSeason, recipe: Recipe) -> str:
    """Name the season that a section is computed of."""
    return section.season or recipe.seasons[0].name


class SeasonIndexKind(Kind):
    """The indices of the recipe's section ``season_indices``."""

    def asked(self, recipe: Recipe, season: str | None) -> Iterable[Asked]:
        """List them in the order of the section."""
        section = recipe.features.section("season_index")
        if isinstance(section, SeasonIndices):
            period = season_of(section, recipe)
            how = {"variant": recipe.features.index_variant}
            for name in section.indices:
                yield Asked(name.upper(), parameters={"index": name, **how}, period=period)

    def source(self, feature: Feature, recipe: Recipe) -> Input:
        """Compute it as its parameters say."""
        told = feature.parameters
        return Plane(IndexOfBands(str(feature.period), str(told["index"]), str(told["variant"])))


KIND = SeasonIndexKind()
