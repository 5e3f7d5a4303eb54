"""The table of feature kinds: what they are called, and the module that computes each.

A new kind is a row here and a module in `landcover.features`; nothing heavy is imported until a
feature of the kind is planned. Features stand in the order of the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from landcover.nouns.base import Noun
from landcover.nouns.feature_sections import Edges, SeasonIndices, Texture


@dataclass(frozen=True)
class KindRow:
    """One row of the table."""

    name: str
    """``kind`` of its features."""
    title: str
    """What it is, for a list."""
    module: str
    """Module with its ``KIND``, a :class:`landcover.features.contract.Kind`; imported at first
    use."""
    section: str = ""
    """Its key under ``features`` of the recipe; empty where none of its own asks for it."""
    parameters: type[Noun] | None = None
    """The section's type, for a kind that is no field of :class:`landcover.recipe.Features`: the
    recipe accepts the section where it is given."""
    per_season: bool = True
    """Whether each season has its features, ``{season}_{layer}``; else the tile has them once,
    before those of the seasons or after them (``features.order``)."""
    order: int = 100
    """Place among the kinds; those of one place stand in the order that the recipe names."""


_ROWS = (
    KindRow(
        "terrain", "terrain", "landcover.features.terrain", "terrain", per_season=False, order=0
    ),
    # Bands, AOT and WVP, and statistics along time are the layers of a composite, in its order.
    KindRow("band", "reflectance", "landcover.features.band", order=10),
    KindRow("auxiliary", "aerosol and water vapour", "landcover.features.auxiliary", order=10),
    KindRow("temporal", "statistic along time", "landcover.features.temporal", order=10),
    KindRow("index", "spectral index", "landcover.features.index", "indices", order=20),
    KindRow(
        "neighbourhood", "mean around the pixel", "landcover.features.neighbourhood",
        "neighbourhood", order=30,
    ),
    KindRow(
        "shape", "shape of the spectrum", "landcover.features.log_shape", "log_shape", order=40
    ),
    # Of one season, so the tile has them once.
    KindRow(
        "texture", "texture", "landcover.features.texture", "texture", Texture, per_season=False,
        order=110,
    ),
    KindRow(
        "season_index", "spectral index of one season", "landcover.features.season_index",
        "season_indices", SeasonIndices, per_season=False, order=120,
    ),
    KindRow(
        "edges", "edges of an index", "landcover.features.edges", "edges", Edges,
        per_season=False, order=130,
    ),
)  # fmt: skip

FEATURE_KINDS: dict[str, KindRow] = {row.name: row for row in _ROWS}
"""Every kind by its name."""


def _known(name: str) -> str:
    if name not in FEATURE_KINDS:
        raise ValueError(f"expected a kind of feature among {', '.join(FEATURE_KINDS)}")
    return name


FeatureKind = Annotated[str, AfterValidator(_known)]
"""Name of a kind in the table."""
