"""The recipe: how a map is made, as a frozen and validated type.

Where, when and with what (tiles, year, products, labels, DEM) are arguments of a run, not of the
recipe. Whatever stands here enters the ids of what is computed from it.
"""

from __future__ import annotations

from landcover.nouns.spectral_index import PAPER_INDICES
from landcover.recipe.features import TERRAIN, Features
from landcover.recipe.fields import (
    AUXILIARY,
    BANDS,
    INDICES,
    LAYERS,
    CompositeRecipe,
    Denoise,
    Recipe,
    Selection,
    TerrainRecipe,
)
from landcover.recipe.labels import Labels, LabelSource
from landcover.recipe.learning import ModelRecipe, Validation
from landcover.recipe.mapping import Classify
from landcover.recipe.masking import Mask, Refinement
from landcover.recipe.mosaic import MosaicRecipe
from landcover.recipe.publishing import Publish
from landcover.recipe.reading import make_recipe, override, read_recipe
from landcover.recipe.sampling import Sampling
from landcover.recipe.seasons import LongSeason, Season
from landcover.recipe.section import Section

__all__ = [
    "AUXILIARY",
    "BANDS",
    "INDICES",
    "LAYERS",
    "PAPER_INDICES",
    "TERRAIN",
    "Classify",
    "CompositeRecipe",
    "Denoise",
    "Features",
    "LabelSource",
    "Labels",
    "LongSeason",
    "Mask",
    "ModelRecipe",
    "MosaicRecipe",
    "Publish",
    "Recipe",
    "Refinement",
    "Sampling",
    "Season",
    "Section",
    "Selection",
    "TerrainRecipe",
    "Validation",
    "make_recipe",
    "override",
    "read_recipe",
]
