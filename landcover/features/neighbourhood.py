"""Means of a composite's layers over the square around each pixel."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from landcover.errors import InputError
from landcover.features.contract import Asked, Block, Computation, Input, Kind, Origin, Plane
from landcover.features.reads import Layer
from landcover.nouns.model import Feature
from landcover.raster.neighbourhood import mean_inside
from landcover.recipe import LAYERS, Recipe
from landcover.recipe.features import NEIGHBOURHOOD_SIZES, neighbourhood_name

if TYPE_CHECKING:
    from landcover.features.contract import Values


@dataclass(frozen=True)
class MeanAround(Computation):
    """The mean of what is known within some pixels; beyond the tile's edge is nothing."""

    of: Input
    halo: int

    @property
    def reads(self) -> tuple[Input, ...]:
        """The plane that is averaged."""
        return (self.of,)

    @property
    def bytes_per_pixel(self) -> float:
        """Sums (float64), counts and what is known, of the block with its halo."""
        return 40.0

    def compute(self, block: Block, origin: Origin) -> Sequence[Values]:
        """Average it."""
        return [mean_inside(block.planes[0], self.halo)]


class NeighbourhoodKind(Kind):
    """Means of the recipe's layers, of every season."""

    def asked(self, recipe: Recipe, season: str | None) -> Iterable[Asked]:
        """List them by layer, then by size."""
        around = recipe.features.neighbourhood
        return (Asked(name) for name in (around.names() if around else ()))

    def source(self, feature: Feature, recipe: Recipe) -> Input:
        """Find layer and size among all that could be asked of the recipe's composites."""
        for layer in dict.fromkeys((*recipe.composite.all_layers, *LAYERS)):
            for size in NEIGHBOURHOOD_SIZES:
                if neighbourhood_name(layer, size) == feature.layer:
                    return Plane(MeanAround(Layer(str(feature.period), layer), size // 2))
        raise InputError(
            f"{feature.name}: the recipe's composites have no layer that it is a mean of. Use the "
            "recipe that the model was trained with."
        )


KIND = NeighbourhoodKind()
