"""The kinds of classifier: one row each, read by recipe, search, card, STAC, bench and docs.

A row says what a kind is called and which parameters it has. What it does lies in the module that
the row names, which is imported when a model of that kind is fitted or read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from landcover.nouns.base import Noun


class ForestParameters(Noun):
    """How a random forest is grown; the defaults are the paper's (Breiman 2001, Gini)."""

    n_trees: int = Field(default=100, ge=1)
    """Number of trees."""
    max_features: Literal["sqrt", "log2"] | Annotated[int, Field(ge=1)] | None = "sqrt"
    """Features tried at each split: a rule, a number, or None for all."""
    min_samples_leaf: int = Field(default=1, ge=1)
    """Fewest training rows in a leaf."""
    max_depth: Annotated[int, Field(ge=1)] | None = None
    """Greatest depth of a tree; None grows until the leaves are pure."""
    class_weight: Literal["balanced"] | None = None
    """``balanced`` weighs rows by the inverse frequency of their class."""


class NetworkParameters(Noun):
    """How a multilayer perceptron is fitted.

    The landcoverpy paper gives its layers and the sigmoid; the rest are the usual values
    (docs/methods/classifiers.md).
    """

    hidden: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = Field((40, 40), min_length=1)
    """Units of each hidden layer."""
    learning_rate: float = Field(default=1e-3, gt=0, le=1)
    """First step size of Adam."""
    l2: float = Field(default=1e-4, ge=0)
    """Weight of the squared weights in the loss."""
    batch: int = Field(default=200, ge=1)
    """Most rows of a step; fewer where an epoch would have less than fifty steps."""
    epochs: int = Field(default=200, ge=1, le=10_000)
    """Most passes over the rows."""
    held_out: float = Field(default=0.1, ge=0, lt=0.5)
    """Share of the groups that decides when to stop; 0 runs all epochs."""


MOST_GAMMA = 1e9
"""Far beyond any γ that still finds two rows alike, and far below what overflows."""


def _require_gamma(value: str | float) -> str | float:
    if isinstance(value, float) and not 0 < value <= MOST_GAMMA:
        raise ValueError(
            f"expected 'scale' or a number above 0 and at most {MOST_GAMMA:g}, found {value:g}"
        )
    return value


Gamma = Annotated[Literal["scale"] | float, AfterValidator(_require_gamma)]


class SvmParameters(Noun):
    """How a support vector machine is fitted (docs/methods/svm.md)."""

    c: float = Field(default=10.0, gt=0, allow_inf_nan=False)
    """Price of a training row on the wrong side, C of libsvm."""
    gamma: Gamma = "scale"
    """γ of the radial kernel exp(-γ|x - s|²); ``scale``: 1 / (features · their variance)."""
    kernel: Literal["rbf", "linear"] = "rbf"
    """``rbf``: radial; ``linear``: planes."""
    class_weight: Literal["balanced"] | None = None
    """``balanced`` weighs rows by the inverse frequency of their class; one against all others, of
    these two sides."""


class OwnSide(Noun):
    """How the machine of one class is fitted, where it differs from the others'."""

    code: int = Field(ge=1, le=255)
    """Code of the class."""
    c: float = Field(gt=0, allow_inf_nan=False)
    """As :class:`SvmParameters`."""
    gamma: Gamma
    """As :class:`SvmParameters`."""
    class_weight: Literal["balanced"] | None = None
    """As :class:`SvmParameters`."""


class SvmBinaryParameters(SvmParameters):
    """How a support vector machine for each class against all others is fitted."""

    own: tuple[OwnSide, ...] = ()
    """Classes with values of their own; a search finds them."""

    def of(self, code: int) -> SvmParameters:
        """Give the parameters of a class."""
        for side in self.own:
            if side.code == code:
                return SvmParameters(kernel=self.kernel, **side.model_dump(exclude={"code"}))
        return self


@dataclass(frozen=True)
class ClassifierRow:
    """What is known of a kind of classifier before it is imported."""

    name: str
    """Name in recipes and cards, ``random-forest``."""
    title: str
    """What people read, ``random forest``."""
    architecture: str
    """Name of the method in the STAC document of a model (``mlm:architecture``)."""
    module: str
    """Module of the kind, whose ``CLASSIFIER`` keeps :mod:`landcover.learn.kinds.contract`."""
    parameters: type[Noun]
    """Parameters of a fit, each with its default."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Field of the recipe's model section → parameter, of the kinds whose parameters stand there
    directly. All others have a section of their own, ``model.{section}``."""
    grid: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Parameter → values that a search combines where the recipe names none."""

    @property
    def section(self) -> str | None:
        """Name of the kind's own section within ``model``; None where it has none."""
        if self.fields or not self.parameters.model_fields:
            return None
        return self.name.replace("-", "_")


_FOREST = {
    "trees": "n_trees",
    "max_features": "max_features",
    "min_samples_leaf": "min_samples_leaf",
    "max_depth": "max_depth",
}
_LEAVES = {"min_samples_leaf": (1, 3, 10)}
_SVM = {"c": (1.0, 10.0, 100.0, 1000.0), "gamma": (0.0001, 0.001, 0.01, 0.1, 1.0)}
"""Powers of ten; the HRLC deck's own grid is docs/methods/svm.md#grids."""

ROWS = (
    ClassifierRow(
        "random-forest", "random forest", "Random Forest",
        "landcover.learn.kinds.random_forest", ForestParameters, fields=_FOREST, grid=_LEAVES,
    ),
    ClassifierRow(
        "extra-trees", "extra trees", "Extremely Randomized Trees",
        "landcover.learn.kinds.extra_trees", ForestParameters, fields=_FOREST, grid=_LEAVES,
    ),
    ClassifierRow(
        "mlp", "neural network", "Multilayer Perceptron",
        "landcover.learn.kinds.mlp", NetworkParameters,
        fields={"hidden": "hidden", "epochs": "epochs"},
    ),
    ClassifierRow(
        "svm", "support vector machine", "Support Vector Machine",
        "landcover.learn.kinds.svm", SvmParameters, grid=_SVM,
    ),
    ClassifierRow(
        "svm-binary", "support vector machines, one against all", "Support Vector Machine",
        "landcover.learn.kinds.svm_binary", SvmBinaryParameters, grid=_SVM,
    ),
)  # fmt: skip
"""All kinds; the first is the default."""

CLASSIFIERS: Mapping[str, ClassifierRow] = {row.name: row for row in ROWS}
"""All kinds by name."""
DEFAULT = ROWS[0].name
"""Kind of a recipe that names none: the paper's."""
SEARCHED = ("random-forest", "extra-trees")
"""Kinds that a search tries where the recipe names none."""


def _known(name: str) -> str:
    if name not in CLASSIFIERS:
        near = get_close_matches(name, CLASSIFIERS, n=1, cutoff=0.5)
        end = f"; did you mean {near[0]!r}?" if near else "."
        raise ValueError(f"expected one of {', '.join(CLASSIFIERS)}, found {name!r}{end}")
    return name


ModelKind = Annotated[
    str, AfterValidator(_known), Field(json_schema_extra={"enum": list(CLASSIFIERS)})
]
"""Name of a kind of classifier, one of :data:`CLASSIFIERS`."""
