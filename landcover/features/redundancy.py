"""Features that tell a model nothing new: equal to another one, or to its negative.

Method: docs/methods/features.md#redundant-features.
"""

from __future__ import annotations

from collections.abc import Iterable

from landcover.features.contract import Input, Plane
from landcover.features.index import IndexOfBands
from landcover.features.plan import source_of
from landcover.features.texture import DenseTextures, SparseTextures
from landcover.nouns.feature_sections import TEXTURES
from landcover.nouns.model import Feature
from landcover.nouns.spectral_index import PAPER, SPECTRAL_INDICES
from landcover.recipe import Recipe

_NORMALISED = (
    "gvmi", "mndwi", "ndre", "ndvi", "ndyi", "ri", "gndvi", "ndvi705", "ndmi", "ndwi", "ndsi",
    "ndbi",
)  # fmt: skip
"""Indices that are (a − b) / (a + b) of their two bands in the paper's form."""


def redundancies(features: Iterable[Feature], recipe: Recipe) -> list[str]:
    """Say which features are another one, its negative, or its root.

    Args:
        features: Features of a recipe, in order.
        recipe: The recipe.

    Returns:
        One short equation each, ``NDBI = −NDMI``: the later feature first.
    """
    seen: dict[tuple[object, ...], str] = {}
    found = []
    for feature in features:
        source = source_of(feature, recipe)
        key, sign = _meaning(source)
        if (*key, sign) in seen:
            found.append(f"{feature.name} = {seen[*key, sign]}")
        elif (*key, -sign) in seen:
            found.append(f"{feature.name} = −{seen[*key, -sign]}")
        elif (root := _squared(source)) in seen:
            found.append(f"{feature.name} = {seen[root]}²")
        seen.setdefault((*key, sign), feature.name)
    return found


def _meaning(source: Input) -> tuple[tuple[object, ...], int]:
    """Give what a feature is, and its sign."""
    if isinstance(source, Plane) and isinstance(source.of, IndexOfBands):
        index = source.of
        is_paper = SPECTRAL_INDICES[index.name].variant(index.variant) == PAPER
        if is_paper and index.name in _NORMALISED:
            a, b = SPECTRAL_INDICES[index.name].bands
            first, second = sorted((a, b))
            return (index.period, first, second), 1 if (a, b) == (first, second) else -1
    return (source,), 1


def _squared(source: Input) -> tuple[object, ...]:
    """Give the texture that a texture is the square of: ASM of energy."""
    if not (isinstance(source, Plane) and isinstance(source.of, DenseTextures | SparseTextures)):
        return ()
    if TEXTURES[source.number] != "ASM":
        return ()
    return (Plane(source.of, TEXTURES.index("energy")), 1)
