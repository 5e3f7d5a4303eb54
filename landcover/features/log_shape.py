"""Bands by the shape of their spectrum, whatever the light."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING

from landcover.errors import InputError
from landcover.features.contract import Asked, Block, Computation, Input, Kind, Origin, Plane
from landcover.features.reads import Layer
from landcover.nouns.model import Feature
from landcover.recipe import BANDS, Recipe
from landcover.recipe.temporal import shape_names

if TYPE_CHECKING:
    from landcover.features.contract import Values


@dataclass(frozen=True)
class ShapeOfBands(Computation):
    """The log-shapes of some bands of a period: as many planes as bands."""

    period: str
    bands: tuple[str, ...]

    @property
    def n_planes(self) -> int:
        """One of each band."""
        return len(self.bands)

    @property
    def bytes_per_pixel(self) -> float:
        """Spectra are put together as copies."""
        return 4.0 * len(self.bands)

    @property
    def reads(self) -> tuple[Input, ...]:
        """The bands."""
        return tuple(Layer(self.period, band) for band in self.bands)

    def compute(self, block: Block, origin: Origin) -> Sequence[Values]:
        """Take the logarithms less their mean."""
        from landcover.raster.log_shape import log_shape

        shapes = log_shape(dict(zip(self.bands, block.planes, strict=True)))
        return [shapes[band] for band in self.bands]


class LogShapeKind(Kind):
    """Log-shapes of the recipe's bands, of every season."""

    def asked(self, recipe: Recipe, season: str | None) -> Iterable[Asked]:
        """List them by band."""
        shape = recipe.features.log_shape
        return (Asked(name) for name in (shape.names() if shape else ()))

    def source(self, feature: Feature, recipe: Recipe) -> Input:
        """Find the bands: those that the recipe names, or any others that a model's card may."""
        own = recipe.features.log_shape
        found = _by_name((tuple(sorted(own.bands)),) if own else ()).get(feature.layer)
        found = found or _by_name(_sets_of_bands()).get(feature.layer)
        if found is None:
            raise InputError(
                f"{feature.name}: no bands of Sentinel-2 have a shape of that name. Use the recipe "
                "that the model was trained with."
            )
        bands, number = found
        return Plane(ShapeOfBands(str(feature.period), bands), number)


@lru_cache(maxsize=8)
def _by_name(sets: tuple[tuple[str, ...], ...]) -> dict[str, tuple[tuple[str, ...], int]]:
    """Give name → bands and place among them, of all shapes over some sets of bands."""
    return {
        name: (bands, number) for bands in sets for number, name in enumerate(shape_names(bands))
    }


@lru_cache(maxsize=1)
def _sets_of_bands() -> tuple[tuple[str, ...], ...]:
    """List all sets of at least two bands: four thousand."""
    bands = sorted(BANDS)
    return tuple(c for size in range(2, len(bands) + 1) for c in combinations(bands, size))


KIND = LogShapeKind()
