"""How far features look around a pixel, and whether they look at the whole tile first."""

from __future__ import annotations

from collections.abc import Iterable

from landcover.features.contract import Computation
from landcover.features.graph import Graph
from landcover.features.plan import source_of
from landcover.nouns.model import Feature
from landcover.recipe import Recipe


def reach_of(features: Iterable[Feature], recipe: Recipe) -> int | None:
    """Say how many pixels of the work grid around a pixel decide its features.

    Args:
        features: Features, of the recipe or of a model's card.
        recipe: The recipe in use.

    Returns:
        Pixels; None where a feature looks at the whole tile first, so that no part of it will do.

    Raises:
        InputError: A feature cannot be made of this recipe's layers.
    """
    graph = Graph.of([source_of(feature, recipe) for feature in features])
    steps = [step for level in graph.computed for step in level]
    if any(type(step).first_pass is not Computation.first_pass for step in steps):
        return None
    return max(graph.margins.values(), default=0)
