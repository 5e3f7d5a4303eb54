"""The fields of a recipe that say how is learnt from samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    create_model,
    model_serializer,
    model_validator,
)

from landcover.nouns.base import Noun
from landcover.nouns.classifiers import CLASSIFIERS, DEFAULT, SEARCHED, ModelKind
from landcover.nouns.search import Criterion, SearchMethod
from landcover.recipe.calibrating import Calibrating
from landcover.recipe.own_sections import lists_of, sections_of, without_unused
from landcover.recipe.preparing import Components, FeatureSelection, Preparing, Scaling
from landcover.recipe.section import Section

Count = Annotated[int, Field(ge=1)]
MaxFeatures = Literal["sqrt", "log2"] | Count | None


class _Grid(Section):
    kind: tuple[ModelKind, ...] = SEARCHED
    """Kinds of classifier."""
    trees: tuple[Annotated[int, Field(ge=1, le=2000)], ...] = ()
    """Numbers of trees."""
    max_features: tuple[MaxFeatures, ...] = ()
    """Features tried at each split."""
    min_samples_leaf: tuple[Count, ...] = CLASSIFIERS[DEFAULT].grid["min_samples_leaf"]
    """Fewest training rows in a leaf."""
    max_depth: tuple[Count | None, ...] = ()
    """Deepest levels of a tree."""
    class_weight: tuple[Literal["none", "balanced"], ...] = ()
    """Weights of classes."""
    group_weight: tuple[Literal["row", "group"], ...] = ()
    """Weights of groups."""
    prior_exponent: tuple[Annotated[float, Field(ge=0, le=1)], ...] = ()
    """Powers of the shares of classes; judge these by ``both``."""

    @model_serializer(mode="wrap")
    def _leave_out(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_unused(self, write(self), self.kind)


if TYPE_CHECKING:

    class Grid(_Grid):
        """Values of the model section that a search combines; none: the section's own value."""

else:
    Grid = create_model(
        "Grid",
        __base__=_Grid,
        __module__=__name__,
        __doc__="Values of the model section that a search combines; none: the section's own.",
        **lists_of(CLASSIFIERS.values()),
    )


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
    judged_by: Criterion = "macro_f1"
    """What decides: macro F1, the overall accuracy, or the mean of both."""
    nested: bool = False
    """True: each model that answers out of fold searches on its own rows; false: all take the
    settings that were chosen once."""

    @model_serializer(mode="wrap")
    def _leave_out(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        document: dict[str, Any] = write(self)
        if not self.nested:
            document.pop("nested", None)
        return document


OPTIONS = ("scaling", "selection", "pca", "calibration")
"""Sections of the model that leave no trace where they are null."""


class _Model(Section):
    kind: ModelKind = DEFAULT
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
    scaling: Scaling | None = None
    """How features are scaled before any kind of classifier sees them; null: not at all."""
    selection: FeatureSelection | None = None
    """Which of the scaled features stay; null: all."""
    pca: Components | None = None
    """Principal components in place of features; null: none."""
    calibration: Calibrating | None = None
    """How decision values become probabilities; null: a curve of each class, of probabilities,
    where that helps."""
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
    fit: Literal["all", "split"] = "all"
    """What the model of the map learns from: all samples, with features and settings that were
    chosen on the split's; or only those of the split that train."""
    train_fraction: float = Field(0.8, gt=0, lt=1)
    """Share of the sample groups that features and settings are chosen on; the rest validates."""
    rare_classes: Literal["error", "train"] = "train"
    """A class with a single group: refuse it, or train with it and say it was not validated."""
    seed: int = Field(0, ge=0)
    """Seed of split, sampling and training."""
    search: Search | None = None
    """Settings to choose from by cross-validation; null: the values above as they are."""

    @property
    def parameters(self) -> Noun:
        """Parameters of the fit: the noun of the kind's row."""
        row = CLASSIFIERS[self.kind]
        if row.section is not None:
            return row.parameters.model_validate(getattr(self, row.section).model_dump())
        return row.parameters(**{name: getattr(self, own) for own, name in row.fields.items()})

    @property
    def preparing(self) -> Preparing:
        """What happens to features before the classifier sees them."""
        return Preparing(scaling=self.scaling, selection=self.selection, pca=self.pca)

    def value_of(self, name: str) -> Any:
        """Give a setting by its name: a field, or ``section.parameter``."""
        section, _, parameter = name.rpartition(".")
        return getattr(getattr(self, section) if section else self, parameter)

    def with_settings(self, settings: Mapping[str, Any]) -> ModelRecipe:
        """Change settings by their names: fields, or ``section.parameter``.

        Args:
            settings: As a search names them, :class:`landcover.nouns.search.Trial`.
        """
        update: dict[str, Any] = {name: v for name, v in settings.items() if "." not in name}
        for name, value in settings.items():
            section, _, parameter = name.rpartition(".")
            if section:
                known = update.get(section, getattr(self, section))
                changed = {**known.model_dump(), parameter: value}
                update[section] = type(known).model_validate(changed)
        return self.model_copy(update=update)  # type: ignore[return-value]

    @model_validator(mode="after")
    def _calibration_set_does_not_train(self) -> Self:
        is_deck = self.calibration is not None and self.calibration.variant == "deck"
        if is_deck and self.fit != "split":
            raise ValueError(
                "calibration.variant deck calibrates on held-out groups, and with fit: all none is "
                "held out; add fit: split, or use variant: ours"
            )
        return self

    @model_serializer(mode="wrap")
    def _leave_out(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        searched = self.search.grid.kind if self.search is not None else ()
        document = without_unused(self, write(self), (self.kind, *searched))
        # What is off leaves no trace, so that recipes of before keep their ids.
        unused = {name for name in OPTIONS if getattr(self, name) is None}
        return {name: value for name, value in document.items() if name not in unused}


if TYPE_CHECKING:

    class ModelRecipe(_Model):
        """The classifier (docs/methods/classifiers.md)."""

else:
    ModelRecipe = create_model(
        "ModelRecipe",
        __base__=_Model,
        __module__=__name__,
        __doc__="The classifier (docs/methods/classifiers.md).",
        **sections_of(CLASSIFIERS.values()),
    )


class Validation(Section):
    """What is measured beside the map's accuracy report.

    Method: docs/methods/accuracy.md#ranges-over-groups.
    """

    splits: tuple[Literal["rows", "groups", "blocks", "tiles", "sources"], ...] = (
        "rows",
        "groups",
        "blocks",
        "tiles",
        "sources",
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
    rows: int | None = Field(None, ge=100)
    """Most rows that one of these models is fitted on, whole groups of every class; null for all,
    as the map's model. With fewer a weaker model is judged."""
    trees: int | None = Field(None, ge=1, le=2000)
    """Most trees of one of these forests; null for those of the map's model."""
