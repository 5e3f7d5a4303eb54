"""What a model goes by, which classes it confuses, and what a person can do about it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from landcover.errors import InputError
from landcover.nouns.area import Estimate
from landcover.nouns.base import Noun
from landcover.nouns.classifiers import ModelKind
from landcover.nouns.feature_kind import FeatureKind
from landcover.nouns.model import Id

ENOUGH = 30
"""Independent points of both classes of a pair from which they are preferred: the 95 % interval of
a share of so many points is at most 18 percentage points to either side (normal approximation)."""
ENOUGH_OF_EACH = 10
"""The same for the rarer of the two classes."""
EXPLAINED_ROWS = 240
"""Rows that are explained: Shapley values of a full-depth forest take about half a second each."""
EXPLAINED_POINTS = 40
"""Misclassified rows that are explained beside those behind the means."""


class ExplainedClass(Noun):
    """One class of the model and its samples."""

    code: int
    title: str
    """Name for people."""
    colour: str
    """``#RRGGBB``."""
    train_rows: int
    train_groups: int
    """Points, polygons or fields that train."""
    held_rows: int
    held_groups: int
    users: float | None
    """User's accuracy on held-out rows, 0-1; None where it was never answered."""
    producers: float | None
    """Producer's accuracy on held-out rows, 0-1; None where none was held out."""
    is_thin: bool
    """True where it has too few groups beside the other classes."""


class FeatureWeight(Noun):
    """How much one feature counts."""

    name: str
    period: str | None
    """Season, None for terrain."""
    layer: str
    kind: FeatureKind
    shap: tuple[float, ...]
    """Mean absolute Shapley value for each class, in the order of the classes."""

    @property
    def total(self) -> float:
        """Sum over the classes."""
        return sum(self.shap)


class ClusterWeight(Noun):
    """What is lost when features that stand in for one another are permuted together."""

    features: tuple[str, ...]
    drop: float
    """Mean producer's accuracy that is lost, 0-1."""
    spread: float
    """Standard deviation over the permutations."""


class Difference(Noun):
    """How much one feature helps to tell two classes apart."""

    feature: str
    amount: float
    """Probability that it adds to the right class over the other one, in the mean; of a network
    the Jeffries-Matusita distance by this feature alone, 0-2."""


class ConfusedPair(Noun):
    """Two classes that the model takes for one another."""

    codes: tuple[int, int]
    confused: int
    """Held-out rows of one that were taken for the other."""
    rows: int
    """Held-out rows of both."""
    distance: float | None
    """Jeffries-Matusita distance of the training rows by ``measured``, 0-2; None where a class
    has too few rows."""
    measured: tuple[str, ...]
    """Features that the distance is measured in: those that hold the pair apart best."""
    differences: tuple[Difference, ...]
    """The strongest first."""
    tiles: tuple[str, ...]
    """Tiles with most of the confused rows, the worst first."""
    advice: str
    """What a person can do, one sentence."""

    @property
    def percent(self) -> float | None:
        """Share of the rows of both classes that is confused, %; None where none was held out."""
        return 100 * self.confused / self.rows if self.rows else None


class PointFeature(Noun):
    """What one feature did to the answer at one place."""

    feature: str
    value: float
    """Value of the feature there, physical units."""
    predicted: float
    """What it added to the probability of the class that was answered."""
    reference: float
    """What it added to the probability of the right class."""


class MisclassifiedPoint(Noun):
    """A place that did not train and that the model gets wrong."""

    point: str
    """Id of the point."""
    tile: str
    row: int
    column: int
    lon: float
    lat: float
    reference: int
    """Code that the ground truth says."""
    predicted: int
    """Code that the model says."""
    p_reference: float
    p_predicted: float
    features: tuple[PointFeature, ...]
    """Those that pushed hardest, either way; empty where the model is no forest."""
    sentence: str
    """What happened, one sentence."""


class ValidatedPair(Noun):
    """What independent points say of a pair of classes."""

    codes: tuple[int, int]
    confused: int
    """Points of one that the map gives to the other."""
    points: int
    """Points of both on the map."""
    is_used: bool
    """True where the pair's advice goes by these points, False where by held-out rows."""

    @property
    def percent(self) -> float | None:
        """Share of the points of both classes that is confused, %; None where there are none."""
        return 100 * self.confused / self.points if self.points else None


class IndependentValidation(Noun):
    """A map of the model against points that never trained."""

    run: str
    """Run that made and judged the map."""
    design: str
    """How the points were drawn, and whether they are a probability sample."""
    n: int
    """Points on the map."""
    overall: float
    """Share of them that agrees with the map, 0-1; not weighted by area."""
    weighted: Estimate | None
    """Overall accuracy weighted by area; None where the sample allows none."""
    n_missed: int
    """Points that disagree with the map."""
    pairs: tuple[ValidatedPair, ...]
    """One entry for each pair of the explanation, in its order."""
    points: tuple[MisclassifiedPoint, ...]
    """Points that the model gets wrong, explained one by one."""

    def pair_of(self, codes: tuple[int, int]) -> ValidatedPair:
        """Find what the points say of a pair of the explanation.

        Raises:
            InputError: The explanation does not have it.
        """
        for entry in self.pairs:
            if entry.codes == codes:
                return entry
        raise InputError(f"Run {self.run}: its explanation has no pair {codes}.")

    def points_of(self, codes: tuple[int, int]) -> tuple[MisclassifiedPoint, ...]:
        """List the explained points of one class that are taken for the other."""
        return tuple(p for p in self.points if {p.reference, p.predicted} == set(codes))


class Explanation(Noun):
    """All that is known of what a model goes by."""

    schema_version: Literal[1] = 1
    model: Id
    kind: ModelKind
    title: str
    """Of the map, or empty."""
    simulated: bool
    basis: Literal["held-out", "training"]
    """Which rows were explained: those that were held out, or, where none were, those that
    trained, on which every model looks good."""
    n_rows: int
    """Rows behind the means of the Shapley values; 0 where the model is no forest."""
    n_held: int
    """Held-out rows behind confusion."""
    overall: float | None
    """Share of the held-out rows that the model gets right, 0-1."""
    classes: tuple[ExplainedClass, ...]
    matrix: tuple[tuple[int, ...], ...]
    """Held-out rows, rows = answered, columns = reference, in the order of the classes."""
    features: tuple[FeatureWeight, ...]
    """Features by their sum over the classes, the largest first; empty of a network."""
    clusters: tuple[ClusterWeight, ...]
    """What permuted features cost, the costliest first."""
    pairs: tuple[ConfusedPair, ...]
    """Confused pairs, the worst first."""
    points: tuple[MisclassifiedPoint, ...]
    """Misclassified places, explained one by one."""
    n_missed: int = Field(ge=0)
    """Misclassified rows in all."""
    advice: tuple[str, ...]
    """What a person can do first, one sentence each."""
    notes: tuple[str, ...]
    """What a reader must know."""

    def class_of(self, code: int) -> ExplainedClass:
        """Find a class by its code.

        Raises:
            InputError: The model does not have it.
        """
        for entry in self.classes:
            if entry.code == code:
                return entry
        raise InputError(f"Explanation of model {self.model}: it has no class {code}.")

    def by_layer(self) -> dict[str, tuple[float, ...]]:
        """Sum the Shapley values of each layer over the seasons, the largest first."""
        return self._summed([feature.layer for feature in self.features])

    def by_period(self) -> dict[str, tuple[float, ...]]:
        """Sum the Shapley values of each season over its layers, the largest first."""
        return self._summed([feature.period or "terrain" for feature in self.features])

    def _summed(self, keys: list[str]) -> dict[str, tuple[float, ...]]:
        found: dict[str, list[float]] = {}
        for key, feature in zip(keys, self.features, strict=True):
            sums = found.setdefault(key, [0.0] * len(feature.shap))
            for k, value in enumerate(feature.shap):
                sums[k] += value
        ranked = sorted(found.items(), key=lambda entry: (-sum(entry[1]), entry[0]))
        return {key: tuple(sums) for key, sums in ranked}


class ValidatedExplanation(Explanation):
    """An explanation joined with what independent points say of a map of the model."""

    judgement: IndependentValidation
    """What the points say; the advice goes by them where they are enough."""
