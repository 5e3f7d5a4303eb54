"""The features of a run: those of its recipe whose layers at least one product has."""

from __future__ import annotations

from landcover.errors import MissingDataError
from landcover.features.plan import plan_features, wanted_features
from landcover.features.redundancy import redundancies
from landcover.nouns.model import FeatureSet
from landcover.parts.prepared import prepared
from landcover.parts.task import Task
from landcover.parts.work_grid import last_prepared
from landcover.recipe import Recipe


def run_features(task: Task) -> tuple[FeatureSet, tuple[str, ...]]:
    """List the features of the run: a layer that no product has is not among them.

    Raises:
        MissingDataError: No tile was prepared: why stands where each was lost.
        InputError: Tiles were prepared, and have none of the recipe's layers.
    """
    if not task.has_finished(last_prepared(task)):
        raise MissingDataError("No tile was prepared: the reasons stand above, tile by tile.")
    has_terrain = task.has_finished("terrain")
    return plan_features(task.recipe, prepared(task).layers, has_terrain=has_terrain)


def redundant_features(recipe: Recipe) -> list[str]:
    """Say which features of a recipe tell nothing new, ``NDBI = −NDMI``."""
    return redundancies(wanted_features(recipe), recipe)
