"""What a recipe asks of a composite: the options in use, which name it, and what they need."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from landcover.errors import InputError
from landcover.nouns.period import Period
from landcover.raster.indices import required_bands
from landcover.recipe import INDICES, Recipe
from landcover.recipe.fields import CompositeRecipe
from landcover.recipe.temporal import CURVE, Statistics

if TYPE_CHECKING:
    from landcover.parts.preparation.illumination import Relief
    from landcover.parts.preparation.observations import Observation
    from landcover.parts.task import Task

OPTIONS = {
    "method": "median", "ladder": None, "view_angle": None, "topography": None, "statistics": None,
}  # fmt: skip
"""Values of the options that leave the plain median as it is."""


def rule_of(recipe: Recipe, period: Period) -> dict[str, Any]:
    """Give what names a composite: an option that is not used is left out.

    So what was made before there was the option keeps its name (docs/decisions/0013).
    """
    composite = recipe.composite
    unused = {name for name in OPTIONS if getattr(composite, name) == OPTIONS[name]}
    params = {name: v for name, v in composite.to_document().items() if name not in unused}
    if composite.statistics is not None:
        params["statistics"] = composite.statistics.to_params()
        if any(layer in INDICES for layer in followed_layers(composite.statistics)):
            params["index_variant"] = recipe.features.index_variant
        if composite.statistics.metrics:
            params["first_day"] = first_day(period).isoformat()
    return {**params, "excluded": sorted(recipe.mask.excluded)}


def first_day(period: Period) -> date:
    """Give day 0 of a season: of its primary or first month, whichever months gave products."""
    return period.start.date()


def is_plain(recipe: CompositeRecipe) -> bool:
    """Tell whether a recipe asks for the median of each band under one mask, and no more."""
    options = (recipe.method, recipe.ladder, recipe.view_angle, recipe.topography)
    return options == ("median", None, None, None)


def followed_layers(wanted: Statistics | None) -> tuple[str, ...]:
    """Name the bands and indices that are followed date by date, each once.

    Percentiles and spread of bands are not among them: those are computed beside the medians.
    """
    if wanted is None:
        return ()
    indices = [layer for layer in wanted.layers if layer in INDICES]
    curve = [CURVE] if wanted.metrics else []
    return tuple(dict.fromkeys([*indices, *curve, *(share.layer for share in wanted.shares)]))


def bands_of(layer: str, variant: str) -> tuple[str, ...]:
    """Name the bands of an index in the order of its formula, or the band itself."""
    return required_bands(layer, variant) if layer in INDICES else (layer,)


def require_bands(recipe: Recipe) -> None:
    """Refuse indices along time whose bands are not composited.

    Raises:
        InputError: ``composite.layers`` lacks a band of an index.
    """
    variant = recipe.features.index_variant
    for layer in followed_layers(recipe.composite.statistics):
        needed = bands_of(layer, variant)
        lacking = [band for band in needed if band not in recipe.composite.layers]
        if lacking:
            raise InputError(
                f"composite.statistics: {layer} ({variant}) is computed from "
                f"{' and '.join(needed)}, and composite.layers lacks {', '.join(lacking)}. Add it "
                f"there, or leave {layer} out."
            )


def relief_of(task: Task, tile: str, observations: list[Observation]) -> Relief | None:
    """Find the ground under the products where the recipe has them corrected for its light."""
    method = task.recipe.composite.topography
    if method is None or not observations:
        return None
    from landcover.parts.preparation.illumination import need_relief

    return need_relief(task, tile, observations, method)


def empty_composite(period: Mapping[str, Any]) -> dict[str, Any]:
    """Give what is told of a season without any product, which others fill.

    Args:
        period: The document of the season.
    """
    return {
        "status": "empty",
        "period": period,
        "layers": {},
        "missing_layers": [],
        "lacking": {},
        "products": [],
        "warnings": [],
        "coverage": {"percent_0": 100.0, "percent_1": 0.0, "percent_2_or_more": 0.0},
    }
