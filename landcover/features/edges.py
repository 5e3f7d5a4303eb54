"""Edges of a spectral index of one season (formula: :mod:`landcover.raster.edges`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from landcover.features.contract import (
    Asked,
    Block,
    Border,
    Computation,
    Input,
    Kind,
    Origin,
    Plane,
)
from landcover.features.index import IndexOfBands
from landcover.features.season_index import season_of
from landcover.nouns.feature_sections import Edges
from landcover.nouns.model import Feature
from landcover.raster.edges import sobel_inside
from landcover.recipe import Recipe

if TYPE_CHECKING:
    from landcover.features.contract import Values


@dataclass(frozen=True)
class Sobel(Computation):
    """The Sobel gradient of a plane; beyond the edge of the tile the pixels are mirrored."""

    of: Input
    halo: int = 1
    border: Border = "reflect"

    @property
    def reads(self) -> tuple[Input, ...]:
        """The plane."""
        return (self.of,)

    @property
    def bytes_per_pixel(self) -> float:
        """Planes of float64: the values, their differences and sums, the squares."""
        return 64.0

    def compute(self, block: Block, origin: Origin) -> Sequence[Values]:
        """Compute the gradient."""
        return [sobel_inside(block.planes[0])]


class EdgesKind(Kind):
    """The edges of the recipe's section ``edges``."""

    def asked(self, recipe: Recipe, season: str | None) -> Iterable[Asked]:
        """Give the one feature, where it is asked for."""
        section = recipe.features.section("edges")
        if isinstance(section, Edges):
            how = {"index": section.index, "variant": recipe.features.index_variant}
            yield Asked("Sobel", parameters={**how}, period=season_of(section, recipe))

    def source(self, feature: Feature, recipe: Recipe) -> Input:
        """Compute it as its parameters say."""
        told = feature.parameters
        index = IndexOfBands(str(feature.period), str(told["index"]), str(told["variant"]))
        return Plane(Sobel(Plane(index)))


KIND = EdgesKind()
