"""The fields of a recipe that say how is learnt from samples."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from landcover.recipe.section import Section


class ModelRecipe(Section):
    """The classifier (spec: models §1)."""

    kind: Literal["random-forest"] = "random-forest"
    """Kind of classifier."""
    trees: int = Field(100, ge=1, le=2000)
    """Number of trees."""
    min_samples_leaf: int = Field(1, ge=1)
    """Fewest training rows in a leaf."""
    max_depth: int | None = Field(None, ge=1)
    """Deepest level of a tree; null for no limit."""
    train_fraction: float = Field(0.8, gt=0, lt=1)
    """Share of the sample groups that trains; the rest is held out for validation."""
    rare_classes: Literal["error", "train"] = "train"
    """A class with a single group: refuse it, or train with it and say it was not validated."""
    seed: int = Field(0, ge=0)
    """Seed of split, sampling and training."""
