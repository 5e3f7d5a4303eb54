"""What names a composite beside its products: the options of its recipe that are in use."""

from __future__ import annotations

from datetime import date
from typing import Any

from landcover.nouns.period import Period
from landcover.parts.preparation.time_statistics import is_of_index
from landcover.recipe import Recipe

OPTIONS = {"method": "median", "ladder": None, "view_angle": None, "statistics": None}
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
        if is_of_index(recipe):
            params["index_variant"] = recipe.features.index_variant
        if composite.statistics.metrics:
            params["first_day"] = first_day(period).isoformat()
    return {**params, "excluded": sorted(recipe.mask.excluded)}


def first_day(period: Period) -> date:
    """Give day 0 of a season: of its primary or first month, whichever months gave products."""
    return period.start.date()
