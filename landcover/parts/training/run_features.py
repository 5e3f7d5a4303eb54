"""The features of a run: those of its recipe whose layers at least one product has."""

from __future__ import annotations

from landcover.features.plan import plan_features
from landcover.nouns.model import FeatureSet
from landcover.parts.prepared import prepared
from landcover.parts.task import Task


def run_features(task: Task) -> tuple[FeatureSet, tuple[str, ...]]:
    """List the features of the run: a layer that no product has is not among them."""
    has_terrain = bool(task.finished("terrain"))
    return plan_features(task.recipe, prepared(task).layers, has_terrain=has_terrain)
