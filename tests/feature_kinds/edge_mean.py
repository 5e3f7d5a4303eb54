"""Mean edges of a spectral index around a pixel: halos that add up."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from landcover.features.contract import Asked, Input, Kind, Plane
from landcover.features.edges import Sobel
from landcover.features.index import IndexOfBands
from landcover.features.neighbourhood import MeanAround
from landcover.nouns.base import Noun
from landcover.nouns.model import Feature
from landcover.recipe import Recipe


class EdgeMeanSection(Noun):
    """Mean edges of an index."""

    index: str = "ndvi"
    """The index."""
    mean: int = Field(3, ge=3)
    """Side of the square that edges are averaged over, pixels."""


class EdgeMeanKind(Kind):
    def asked(self, recipe: Recipe, season: str | None) -> Iterable[Asked]:
        section = recipe.features.section("edge_mean")
        if isinstance(section, EdgeMeanSection):
            how = {"index": section.index, "variant": recipe.features.index_variant}
            yield Asked(f"{section.index}_edges", parameters={**how, "mean": section.mean})

    def source(self, feature: Feature, recipe: Recipe) -> Input:
        told = feature.parameters
        index = IndexOfBands(str(feature.period), str(told["index"]), str(told["variant"]))
        return Plane(MeanAround(Plane(Sobel(Plane(index))), int(str(told["mean"])) // 2))


KIND = EdgeMeanKind()
