"""The fields of a recipe that say how is learnt from samples."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from landcover.nouns.model import ModelKind
from landcover.nouns.search import Judge, SearchMethod
from landcover.recipe.section import Section

Count = Annotated[int, Field(ge=1)]
MaxFeatures = Literal["sqrt", "log2"] | Count | None


class Grid(Section):
    """Values of the model section that a search combines; none: the section's own value."""

    kind: tuple[ModelKind, ...] = ("random-forest", "extra-trees")
    """Kinds of classifier."""
    trees: tuple[Annotated[int, Field(ge=1, le=2000)], ...] = ()
    """Numbers of trees."""
    max_features: tuple[MaxFeatures, ...] = ()
    """Features tried at each split."""
    min_samples_leaf: tuple[Count, ...] = (1, 3, 10)
    """Fewest training rows in a leaf."""
    max_depth: tuple[Count | None, ...] = ()
    """Deepest levels of a tree."""
    class_weight: tuple[Literal["none", "balanced"], ...] = ()
    """Weights of classes."""
    group_weight: tuple[Literal["row", "group"], ...] = ()
    """Weights of groups."""
    prior_exponent: tuple[Annotated[float, Field(ge=0, le=1)], ...] = ()
    """Powers of the shares of classes; judge these by ``both``."""


class Search(Section):
    """Choice of settings by cross-validation over groups, before the model is fitted."""

    method: SearchMethod = "halving"
    """``halving``: all settings on few rows, the best third on three times as many, and so on;
    ``full``: every setting on all rows."""
    grid: Grid = Grid()
    """What is tried."""
    folds: int = Field(3, ge=2, le=20)
    """Folds of whole groups."""
    rows: int = Field(5000, ge=100)
    """Most rows of halving, whole groups of every class."""
    judged_by: Judge = "macro_f1"
    """What decides: macro F1, the overall accuracy, or the mean of both."""


class ModelRecipe(Section):
    """The classifier (docs/methods/classifiers.md)."""

    kind: ModelKind = "random-forest"
    """Kind of classifier; ``mlp`` is the paper's neural network."""
    trees: int = Field(100, ge=1, le=2000)
    """Number of trees."""
    max_features: MaxFeatures = "sqrt"
    """Features tried at each split: a rule, a number, or null for all."""
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
    search: Search | None = None
    """Settings to choose from by cross-validation; null: the values above as they are."""


class Validation(Section):
    """What is measured beside the map's accuracy report.

    Method: docs/methods/accuracy.md#ranges-over-groups.
    """

    splits: tuple[Literal["rows", "groups", "blocks", "tiles", "sources"], ...] = (
        "rows",
        "groups",
        "blocks",
        "tiles",
    )
    """Splits that are set side by side: single rows (it flatters), whole groups, spatial blocks,
    one tile or one label file left out after the other. None: held-out groups only."""
    folds: int = Field(5, ge=2, le=50)
    """Folds of rows, groups and blocks."""
    block_km: float = Field(10.0, gt=0, allow_inf_nan=False)
    """Side of a block, kilometres: at least as far as the errors of neighbours resemble."""
    buffer_m: float = Field(0.0, ge=0, allow_inf_nan=False)
    """Samples this close to those of a test block do not train, metres."""
    seeds: int = Field(5, ge=1, le=100)
    """Seeds under which the held-out split is repeated."""
    rows: int = Field(5000, ge=100)
    """Most rows that one of these models is fitted on, whole groups of every class."""
    trees: int = Field(25, ge=1, le=2000)
    """Most trees of one of these forests."""
