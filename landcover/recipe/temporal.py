"""What a season's observations tell along time, and a spectrum by its shape: the recipe's words."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from landcover.recipe.section import Section

CURVE = "ndvi"
"""Index whose curve the season's metrics are of."""

Threshold = Annotated[float, Field(allow_inf_nan=False)]


class Share(Section):
    """The share of a season's clear dates on which a layer is past a threshold."""

    layer: str
    """A band of the composite, in reflectance 0-1, or a spectral index."""
    below: Threshold | None = None
    """Dates below this count."""
    above: Threshold | None = None
    """Dates above this count."""

    @property
    def threshold(self) -> float:
        """The one threshold that is given."""
        return float(self.above if self.below is None else self.below)  # type: ignore[arg-type]

    @property
    def side(self) -> Literal["below", "above"]:
        """The side of the threshold that counts."""
        return "above" if self.below is None else "below"

    @property
    def name(self) -> str:
        """Layer of the composite, ``ndvi_below_0.3``."""
        return f"{self.layer}_{self.side}_{self.threshold:.10g}"

    @model_validator(mode="after")
    def _one_side(self) -> Share:
        if (self.below is None) == (self.above is None):
            raise ValueError(f"a share of {self.layer} needs one of below and above")
        return self


class Statistics(Section):
    """What the clear observations of a season tell beside their median.

    Method: docs/methods/composites.md#statistics-along-time.
    """

    layers: tuple[str, ...] = ("B03", "B04", "B08", "B11")
    """Bands of the composite and spectral indices that have percentiles and spread."""
    percentiles: tuple[Annotated[int, Field(ge=0, le=100)], ...] = (5, 25, 50, 75, 95)
    """Percentiles, each a feature ``{season}_{layer}_p05``."""
    spread: bool = True
    """The standard deviation, ``{season}_{layer}_std``."""
    min_clear: int = Field(3, ge=1, le=255)
    """Fewest clear observations of a pixel (dates, for metrics and shares); with fewer it has
    nodata, and no class."""
    metrics: tuple[Literal["max", "maxday", "amplitude", "rise", "integral"], ...] = ()
    """Of the season's NDVI, each a feature ``{season}_ndvi_max``: the maximum, its day (0 = first
    of the primary or first month, negative in a fallback month before it), maximum less minimum,
    mean rise per day towards the maximum, and the integral over 0.2 in days."""
    shares: tuple[Share, ...] = ()
    """Shares of dates below or above a threshold, ``{season}_ndvi_below_0.3``."""

    def names(self) -> tuple[str, ...]:
        """Name the statistics of a layer, percentiles first."""
        spread = ("std",) if self.spread else ()
        return (*(f"p{percentile:02}" for percentile in self.percentiles), *spread)

    def by_layer(self) -> dict[str, tuple[str, ...]]:
        """Give layer → layers of its percentiles and spread."""
        return {layer: tuple(f"{layer}_{name}" for name in self.names()) for layer in self.layers}

    def sources(self) -> dict[str, str]:
        """Give layer of the composite → the band or index that it is told of."""
        return {
            **{name: layer for layer, own in self.by_layer().items() for name in own},
            **{f"{CURVE}_{metric}": CURVE for metric in self.metrics},
            **{share.name: share.layer for share in self.shares},
        }

    def all_names(self) -> tuple[str, ...]:
        """Name all further layers of the composite, in the order of the features."""
        return (
            *(name for own in self.by_layer().values() for name in own),
            *(f"{CURVE}_{metric}" for metric in self.metrics),
            *(share.name for share in self.shares),
        )

    def to_params(self) -> dict[str, Any]:
        """Give what names a composite: what is not used is left out (docs/decisions/0013)."""
        document = self.to_document()
        return {k: v for k, v in document.items() if v or k not in ("metrics", "shares")}

    @model_validator(mode="after")
    def _something_is_wanted(self) -> Statistics:
        if self.layers and not self.names():
            raise ValueError("statistics need a percentile or spread")
        names = self.all_names()
        if not names:
            raise ValueError("statistics need layers, metrics or shares")
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"statistics: {twice} is asked for twice")
        return self


class LogShape(Section):
    """Bands by their shape: ln ρ of each less the mean of ln ρ over them.

    Method: docs/methods/composites.md#statistics-along-time.
    """

    bands: tuple[str, ...] = Field(
        ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12"), min_length=2
    )
    """Bands of the composite that the mean is taken over; they stand in every name,
    ``{season}_B04_shape_02-03-04-08``. A pixel where one is 0 or below has nodata, and no class."""

    def names(self) -> tuple[str, ...]:
        """Name the shapes, ``B04_shape_02-03-04-08``, by band."""
        return shape_names(tuple(sorted(self.bands)))


def shape_names(bands: tuple[str, ...]) -> tuple[str, ...]:
    """Name the shapes over some bands, in their order: ``B04_shape_02-03-04-08``."""
    over = "-".join(band.removeprefix("B") for band in bands)
    return tuple(f"{band}_shape_{over}" for band in bands)
