"""Spectral indices of a composite's bands (formulas: :mod:`landcover.raster.indices`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from landcover.features.contract import Asked, Block, Computation, Input, Kind, Origin, Plane
from landcover.features.reads import Layer
from landcover.nouns.model import Feature
from landcover.raster.indices import required_bands, spectral_index
from landcover.recipe import Recipe

if TYPE_CHECKING:
    from landcover.features.contract import Values


@dataclass(frozen=True)
class IndexOfBands(Computation):
    """One index of one period."""

    period: str
    name: str
    variant: str
    has_variant: ClassVar[bool] = True

    @property
    def reads(self) -> tuple[Input, ...]:
        """Its bands, in the order of the formula."""
        return tuple(Layer(self.period, band) for band in required_bands(self.name, self.variant))

    @property
    def bytes_per_pixel(self) -> float:
        """Steps of the formula, once it is not done in strips."""
        return 24.0

    def compute(self, block: Block, origin: Origin) -> Sequence[Values]:
        """Apply the formula."""
        names = required_bands(self.name, self.variant)
        bands = dict(zip(names, block.planes, strict=True))
        return [spectral_index(self.name, bands, variant=self.variant)]


class IndexKind(Kind):
    """The recipe's spectral indices, of every season."""

    def asked(self, recipe: Recipe, season: str | None) -> Iterable[Asked]:
        """List them in the order of the recipe."""
        return (Asked(name) for name in recipe.features.indices)

    def source(self, feature: Feature, recipe: Recipe) -> Input:
        """Compute it by the recipe's variant."""
        variant = recipe.features.index_variant
        return Plane(IndexOfBands(str(feature.period), feature.layer, variant))


KIND = IndexKind()
