"""The fields of a recipe, each with what it means."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import Field, ModelWrapValidatorHandler, field_validator, model_validator

from landcover.errors import UsageError
from landcover.nouns.period import Span
from landcover.nouns.spectral_index import SPECTRAL_INDICES
from landcover.recipe.features import Features, require_known
from landcover.recipe.labels import Labels
from landcover.recipe.learning import ModelRecipe, Validation
from landcover.recipe.mapping import Classify
from landcover.recipe.masking import Mask
from landcover.recipe.mosaic import MosaicRecipe
from landcover.recipe.publishing import Publish
from landcover.recipe.restoring import Restore
from landcover.recipe.sampling import Sampling
from landcover.recipe.seasons import AnySeason, LongSeason
from landcover.recipe.section import Section, hint
from landcover.recipe.temporal import Share, Statistics

BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B09", "B11", "B12", "B8A")
AUXILIARY = ("AOT", "WVP")
# The order of a season's layers in the paper's table
# (docs/methods/features.md#feature-sets-and-tables).
LAYERS = ("AOT", *BANDS, "WVP")
INDICES = tuple(SPECTRAL_INDICES)

MOST_PRODUCTS = 255
"""Most products that the observations of a pixel are counted of (uint8)."""
Growth = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Selection(Section):
    """Which products of a tile and season are used.

    Method: docs/methods/products.md#products-of-a-season.
    """

    max_cloud_percent: float = Field(20.0, ge=0, le=100)
    """Most cloud that a product may have, % of its valid pixels, inclusive."""
    min_full_products: int = Field(2, ge=1)
    """Fewest products without a large nodata share before the fallback month is opened."""
    max_products: int = Field(5, ge=1)
    """Most products in a composite; of a season of several months, in each of its months."""
    partial_nodata_percent: float = Field(10.0, ge=0, le=100)
    """Nodata share above which a product counts as partial, %."""


class Ladder(Section):
    """Cloud masks of several widths: the widest that leaves a pixel enough.

    Method: docs/methods/composites.md#mask-ladder.
    """

    growths_m: tuple[Growth, ...] = Field(
        (1000.0, 600.0, 250.0, 120.0, 0.0), min_length=1, max_length=255
    )
    """Rungs, each as ``mask.growth_m``, metres, falling: the widest cloud growth first."""

    @field_validator("growths_m")
    @classmethod
    def _growths_fall(cls, growths: tuple[float, ...]) -> tuple[float, ...]:
        if any(wide <= narrow for wide, narrow in pairwise(growths)):
            raise ValueError(f"the growths must fall from rung to rung, found {list(growths)}")
        return growths


class CompositeRecipe(Section):
    """What is composited from the products of a season (docs/methods/composites.md)."""

    layers: tuple[str, ...] = Field(LAYERS, min_length=1)
    """Bands and auxiliary layers; one that no product has leaves the feature set."""
    min_clear: int = Field(1, ge=1, le=255)
    """Fewest clear observations that give a pixel a value."""
    method: Literal["median", "geomedian", "medoid"] = "median"
    """``median`` of each band by itself, or one spectrum of the bands of a grid: ``geomedian``,
    or ``medoid``, the observed one nearest to all others. AOT and WVP are always medians."""
    ladder: Ladder | None = None
    """Masks of several widths in place of the one of ``mask.growth_m``; null: that one."""
    view_angle: Literal["nbar"] | None = None
    """``nbar``: bands as if seen from above (all but B09); null leaves them as delivered."""
    topography: Literal["c", "scs+c"] | None = None
    """Light and shade of slopes taken out of each product: ``c``: C-correction; ``scs+c``: for
    forest, whose trees stand upright; null leaves them. Needs a DEM."""
    statistics: Statistics | None = None
    """What the season's clear observations tell along time, as further layers and features."""

    @property
    def all_layers(self) -> tuple[str, ...]:
        """Layers and what is told of them along time, ``B04_p05``, in the order of the features."""
        return (*self.layers, *(self.statistics.all_names() if self.statistics else ()))

    @property
    def statistics_of(self) -> dict[str, tuple[str, ...]]:
        """Layer → layers of its percentiles and spread; empty where none are wanted."""
        return self.statistics.by_layer() if self.statistics else {}

    @property
    def temporal_layers(self) -> tuple[str, ...]:
        """Those of all layers that are no reflectance: of indices, metrics and shares."""
        bands = {n for layer in BANDS for n in self.statistics_of.get(layer, ())}
        return tuple(name for name in self.all_layers[len(self.layers) :] if name not in bands)

    @model_validator(mode="after")
    def _statistics_fit(self) -> CompositeRecipe:
        if self.topography is not None and self.view_angle is not None:
            raise ValueError("topography and view_angle are not applied to one product together")
        if self.statistics is None:
            return self
        bands = [layer for layer in self.layers if layer not in AUXILIARY]
        for name in self.statistics.layers:
            _require_series("statistics.layers", name, bands)
        for share in self.statistics.shares:
            _require_series("statistics.shares", share.layer, bands)
            _require_threshold(share)
        others = (self.method, self.ladder, self.view_angle, self.topography)
        if others != ("median", None, None, None):
            raise ValueError(
                "statistics go with method median, without ladder, view_angle and topography: they "
                "are taken from the observations of one mask as they are"
            )
        return self


def _require_series(where: str, name: str, bands: Sequence[str]) -> None:
    """Refuse what has no values along time: a layer that is neither band nor index."""
    if name in bands or name in INDICES:
        return
    if name in LAYERS:
        raise ValueError(
            f"{where} must be bands of composite.layers or spectral indices, {name} is not"
        )
    raise ValueError(f"{where}: {name!r} is unknown{hint(name, (*bands, *INDICES))}")


def _require_threshold(share: Share) -> None:
    """Refuse a threshold that no value of reflectances within 0-1 could be past."""
    if share.layer == "cri1":  # a ratio, without bounds
        return
    low, high = (0.0, 1.0) if share.layer in BANDS else (-1.5, 1.5)
    if not low <= share.threshold <= high:
        unit = "reflectance, " if share.layer in BANDS else ""
        raise ValueError(
            f"statistics.shares: a threshold of {share.layer} lies within {low:g} and {high:g} "
            f"({unit}not stored integers), found {share.threshold:g}"
        )


class Denoise(Section):
    """How the noise of a DEM is smoothed away (docs/methods/terrain.md#denoising)."""

    threshold: float = Field(0.85, ge=0, le=1)
    """Cosine of the angle between neighbouring faces above which they smooth each other."""
    normal_iterations: int = Field(60, ge=1, le=1000)
    """Rounds that the face normals are smoothed."""
    vertex_iterations: int = Field(50, ge=1, le=1000)
    """Rounds that the heights follow the normals."""
    neighbourhood: Literal["edge", "vertex"] = "edge"
    """Faces that count as neighbours: those that share an edge (as the paper), or a vertex."""


class TerrainRecipe(Section):
    """How elevation becomes features (docs/methods/terrain.md)."""

    resampling: Literal["nearest", "bilinear", "cubic"] = "bilinear"
    """How the DEM is warped to the tile."""
    aspect: Literal["grass", "compass"] = "grass"
    """Degrees counter-clockwise from east (0 flat) or clockwise from north (nodata flat)."""
    denoise: Denoise | None = Denoise()
    """Smooth the elevation before slope and aspect; null leaves it as delivered."""
    missing_is_sea: bool = True
    """Take absent degree cells as sea level where another cell of the tile exists."""
    fill_voids: int = Field(0, ge=0, le=100_000)
    """Largest void that is filled from around it, cells of 30 m; 0 leaves all voids."""
    flat_below: float = Field(0.0, ge=0, lt=90)
    """Slope below which ground counts as flat, degrees: denoised lakes tilt a little."""


class Recipe(Section):
    """How a map is made."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """Name of the product line."""
    title: str = "Land cover"
    """Title of map and report."""
    seasons: tuple[AnySeason, ...] = Field(min_length=1)
    """Seasons that are composited, in the order of the features."""
    selection: Selection = Selection()
    """Which products are used."""
    mask: Mask = Mask()
    """Which observations are left out."""
    composite: CompositeRecipe = CompositeRecipe()
    """What is composited."""
    restore: Restore | None = None
    """How composites are restored once those of all seasons are there; null: not at all."""
    terrain: TerrainRecipe = TerrainRecipe()
    """How elevation becomes features."""
    features: Features = Features()
    """What the classifier sees."""
    labels: Labels = Labels()
    """How ground truth is read."""
    sampling: Sampling | None = None
    """Where training points come from; null: from the labels."""
    model: ModelRecipe = ModelRecipe()
    """The classifier."""
    classify: Classify = Classify()
    """What is written beside class and confidence."""
    mosaic: MosaicRecipe = MosaicRecipe()
    """How the tiles' maps are joined."""
    validation: Validation = Validation()
    """What is measured beside the map's accuracy."""
    publish: Publish = Publish()
    """What is written beside the published maps."""
    tolerance_percent: float = Field(0.0, ge=0, le=100)
    """Share of the tiles that may be missing from the map before the run counts as failed, %."""

    @model_validator(mode="wrap")
    @classmethod
    def _with_what_mosaic_and_publish_need(
        cls, data: Any, handler: ModelWrapValidatorHandler[Recipe]
    ) -> Recipe:
        recipe = handler(data)
        keep = recipe.classify.keep
        is_needed = recipe.mosaic.needs_probabilities or recipe.publish.probabilities
        if not is_needed or "probabilities" in keep:
            return recipe
        classify = recipe.classify.model_copy(update={"keep": (*keep, "probabilities")})
        return recipe.model_copy(update={"classify": classify})

    @model_validator(mode="after")
    def _names_are_known_and_unique(self) -> Recipe:
        around, layers = self.features.neighbourhood, self.composite.all_layers
        shape = self.features.log_shape
        bands = [layer for layer in self.composite.layers if layer not in AUXILIARY]
        for what, given, known in (
            ("composite.layers", self.composite.layers, LAYERS),
            ("features.indices", self.features.indices, INDICES),
            ("features.neighbourhood.layers", around.layers if around else (), layers),
            ("features.log_shape.bands", shape.bands if shape else (), bands),
        ):
            for name in given:
                if name not in known:
                    raise ValueError(f"{what}: {name!r} is unknown{hint(name, known)}")
            if len(set(given)) != len(given):
                raise ValueError(f"{what}: a name appears twice")
        if self.composite.ladder is not None and "grown" not in self.mask.excluded:
            raise ValueError(
                "composite.ladder: its masks take the place of 'grown', which mask.excluded lacks"
            )
        if self.restore is not None and self.composite.statistics is not None:
            raise ValueError("restore: statistics of a season are not restored; leave one out")
        if self.restore is not None and self.restore.shadow is not None:
            for band in ("B02", "B08", "B11"):
                if band not in self.composite.layers:
                    raise ValueError(f"restore.shadow: composite.layers lacks {band}")
        names = [season.name for season in self.seasons]
        if len(set(names)) != len(names):
            raise ValueError("seasons: a name appears twice")
        require_known(self.features.of_one_season, {"season": names, "band": bands})
        most = MOST_PRODUCTS // self.selection.max_products
        for season in self.seasons:
            if isinstance(season, LongSeason) and season.n_months > most:
                raise ValueError(
                    f"{season.name}: {season.n_months} months of {self.selection.max_products} "
                    f"products may be more than the {MOST_PRODUCTS} of a composite; lower "
                    "selection.max_products"
                )
        return self

    @property
    def draws_from_map(self) -> bool:
        """True where training points come from an existing map."""
        return self.sampling is not None and self.sampling.is_on

    def spans(self, year: int, season: str | None = None) -> tuple[Span, ...]:
        """List the spans of a year: what is prepared without looking outside.

        One season each, since no season looks at another; where masks compare the images of a
        quarter, or seasons fill each other's gaps, all seasons together.

        Args:
            year: The year.
            season: The one season that is asked for; all if None.

        Raises:
            UsageError: There is no such season, or it cannot be prepared by itself.
        """
        periods = {s.name: s.period(year) for s in self.seasons}
        if self.mask.is_refined or self.restore is not None:
            if season is not None:
                raise UsageError(
                    f"season {season!r}: recipe {self.name} prepares the seasons of a year "
                    "together; leave the season out."
                )
            return (Span(name=f"{year}", periods=tuple(periods.values())),)
        if season is not None and season not in periods:
            known = ", ".join(periods)
            raise UsageError(f"season {season!r}: recipe {self.name} has {known}; name one.")
        chosen = periods if season is None else {season: periods[season]}
        return tuple(Span(name=f"{year}-{n}", periods=(p,)) for n, p in chosen.items())
