"""The fields of a recipe that say how is learnt from samples."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from landcover.recipe.section import Section


class ModelRecipe(Section):
    """The classifier (spec: models §1)."""

    kind: Literal["random-forest", "extra-trees", "mlp"] = "random-forest"
    """Kind of classifier; ``mlp`` is the paper's neural network."""
    trees: int = Field(100, ge=1, le=2000)
    """Number of trees."""
    min_samples_leaf: int = Field(1, ge=1)
    """Fewest training rows in a leaf."""
    max_depth: int | None = Field(None, ge=1)
    """Deepest level of a tree; null for no limit."""
    hidden: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = Field((40, 40), min_length=1)
    """Units of the network's hidden layers."""
    epochs: int = Field(200, ge=1, le=10_000)
    """Most passes of the network over the rows."""
    n_features: int | None = Field(None, ge=1)
    """Features that an elastic net leaves over (the paper: 30); null for all."""
    balance: Literal["none", "drop_neighbours"] = "none"
    """Leave out neighbour pixels of the larger classes' points, never a point."""
    balance_target: Literal["median"] | Annotated[int, Field(ge=1)] = "median"
    """Rows that a class may keep: the median of the classes, or a number."""
    class_weight: Literal["none", "balanced"] = "none"
    """Weigh rows so that every class counts the same."""
    group_weight: Literal["row", "group"] = "row"
    """Every row counts the same, or every point, polygon or field does."""
    prior_exponent: float = Field(0.0, ge=0, le=1)
    """Power of a class's share among the rows that its probability is multiplied by."""
    train_fraction: float = Field(0.8, gt=0, lt=1)
    """Share of the sample groups that trains; the rest is held out for validation."""
    rare_classes: Literal["error", "train"] = "train"
    """A class with a single group: refuse it, or train with it and say it was not validated."""
    seed: int = Field(0, ge=0)
    """Seed of split, sampling and training."""
