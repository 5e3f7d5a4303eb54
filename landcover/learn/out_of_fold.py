"""Answers of a model's own kind to samples that it was not fitted on.

The model of a map learns from every label, so it cannot be asked about them. Each group is
answered by a model of the same kind, features, parameters and weights that was fitted without it.
A row that did not train the map's model is answered by that model itself.
Method: docs/methods/accuracy.md#out-of-fold-answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landcover.learn.balancing import balance
from landcover.learn.classifiers import feature_matrix
from landcover.learn.explain import (
    PERMUTED_ROWS,
    REPEATS,
    Cluster,
    choose_rows,
    correlated_features,
    mean_recall,
)
from landcover.learn.fitting import fit_recipe
from landcover.learn.folds import beside, unit_folds
from landcover.learn.models import Model
from landcover.learn.second_level import fit_second
from landcover.nouns.uses import JUDGES, TRAINS, USE
from landcover.recipe import ModelRecipe

FOLDS = 5
"""Folds of whole groups: each model is fitted on four fifths of what the map's learns from."""
NEAR_M = 100.0
"""Samples of a library this close to a row that is asked do not train: the same field in another
year would give the answer away."""
BY_THE_MAP = -1
"""Fold of rows that the map's own model answers."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Answers to the n rows of a sample set, of K classes."""

    feature_names: tuple[str, ...]
    """Features of the models, in order."""
    classes: NDArray[np.uint8]
    """Codes of the columns, ascending."""
    fold: NDArray[np.int64]
    """Fold of each row; -1 where the map's model answered."""
    probabilities: Floats
    """Uncalibrated, (n, K); NaN where nobody answered."""
    scores: Floats
    """What calibration may read in their place, (n, K): decision values, or ln of probabilities;
    NaN where nobody answered."""
    knows: NDArray[np.bool_]
    """True where the model that answered had learned the row's class: only these judge it."""
    second: NDArray[np.int64]
    """Class of the second level, the first taken as known; 0 where nobody was asked."""
    clusters: tuple[Cluster, ...]
    """What permuted features cost, the most first."""
    decided: NDArray[np.uint8] | None = None
    """Answers where calibration decides them; None where the likeliest class is the answer."""

    @property
    def codes(self) -> NDArray[np.uint8]:
        """Answer of each row, (n,), 0 where nobody answered."""
        if self.decided is not None:
            return self.decided
        is_answered = np.isfinite(self.probabilities[:, 0])
        winner = np.where(is_answered, np.nan_to_num(self.probabilities).argmax(axis=1), 0)
        return np.where(is_answered, self.classes[winner], 0).astype(np.uint8)


def answer_out_of_fold(
    recipe: ModelRecipe,
    table: pd.DataFrame,
    model: Model,
    *,
    trained: NDArray[np.bool_],
    second: Mapping[int, Model] | None = None,
    limits: Mapping[str, tuple[float, float]] | None = None,
    choose: Callable[[pd.DataFrame], ModelRecipe] | None = None,
    threads: int = 1,
    progress: Callable[[float], None] = lambda share: None,
) -> OutOfFold:
    """Answer every row of a sample set by a model that did not see its group.

    Args:
        recipe: Model section as the map's model was fitted with, search included.
        table: Rows with ``code``, ``group``, ``lon``, ``lat``, the features and what balancing
            needs; ``code2`` where there is a second level, ``library`` where samples were joined.
        model: The map's model.
        trained: Rows that it may have been fitted on, before balancing, (n,).
        second: Its models of the second level.
        limits: As of :func:`~landcover.learn.models.fit_classifier`.
        choose: Chooses the settings of each model on its own rows; the recipe's where None.
        threads: Threads of a fit.
        progress: Is told the share that is done.

    Returns:
        The answers. Samples of a library are not asked where the run has samples of its own.
    """
    n, codes = len(table), table["code"].to_numpy()
    asked = _is_own(table)
    fold = np.full(n, BY_THE_MAP, dtype=np.int64)
    inside = asked & trained
    groups = table["group"].astype(str)
    n_folds = min(FOLDS, groups[inside].nunique())
    if n_folds > 1:
        fold[inside] = unit_folds(codes[inside], groups[inside], n_folds, seed=recipe.seed)
    answers = _Answers(table, model, np.flatnonzero(asked), recipe.seed)
    if (asked & ~trained).any():
        answers.take(model, second or {}, asked & ~trained)
    for one in range(n_folds if n_folds > 1 else 0):
        progress(one / n_folds)
        is_test = inside & (fold == one)
        rows = table[trained & ~_is_beside(table, is_test, asked)]
        rows = balanced(recipe, rows)
        if rows["code"].nunique() < 2:
            continue
        own = recipe if choose is None else choose(rows)
        fitted = fit_recipe(own, rows, model.feature_names, limits=limits, threads=threads)
        inner: dict[int, Model] = {}
        if second:
            inner = dict(fit_second(own, rows, model.feature_names, limits=limits, threads=threads))
        answers.take(fitted, inner, is_test)
    progress(1.0)
    return OutOfFold(
        model.feature_names, model.classes, fold, answers.probabilities, answers.scores,
        answers.knows, answers.second, answers.clusters(),
    )  # fmt: skip


def balanced(recipe: ModelRecipe, rows: pd.DataFrame) -> pd.DataFrame:
    """Leave out the rows that the recipe's balance of classes leaves out."""
    if recipe.balance != "drop_neighbours":
        return rows
    return rows[balance(rows, recipe.balance_target, seed=recipe.seed)]


def may_train(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which rows may train: all but those that only judge, (n,)."""
    if USE not in table.columns:
        return np.ones(len(table), dtype=np.bool_)
    return np.asarray((table[USE] != JUDGES).to_numpy(dtype=np.bool_))


def may_judge(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which rows may judge: all but those that only train, (n,)."""
    if USE not in table.columns:
        return np.ones(len(table), dtype=np.bool_)
    return np.asarray((table[USE] != TRAINS).to_numpy(dtype=np.bool_))


def _is_own(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which rows may be asked: those of the run, or of a library where there are no other."""
    if "library" not in table.columns:
        return may_judge(table)
    own = (table["library"].fillna("") == "").to_numpy(dtype=np.bool_)
    return (own if own.any() else ~own) & may_judge(table)


def _is_beside(
    table: pd.DataFrame, is_test: NDArray[np.bool_], asked: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Tell which rows may not train: those that are asked, their groups, a library's nearby."""
    groups = table["group"].astype(str)
    found = groups.isin(groups[is_test].unique()).to_numpy(dtype=np.bool_)
    if asked.all():
        return found
    return found | (~asked & beside(table["lon"], table["lat"], is_test, NEAR_M))


class _Answers:
    """What the models have answered so far, with and without permuted features."""

    def __init__(
        self, table: pd.DataFrame, model: Model, asked: NDArray[np.intp], seed: int
    ) -> None:
        n = len(table)
        self._table = table
        self._names = model.feature_names
        self._classes = model.classes
        self._rng = np.random.default_rng(seed)
        self._codes = table["code"].to_numpy()
        self.probabilities: Floats = np.full((n, model.classes.size), np.nan)
        self.scores: Floats = np.full((n, model.classes.size), np.nan)
        self.knows = np.zeros(n, dtype=np.bool_)
        self.second = np.zeros(n, dtype=np.int64)
        groups = table["group"].to_numpy()
        chosen = choose_rows(self._codes[asked], groups[asked], PERMUTED_ROWS, seed=seed)
        self._watched = asked[chosen]
        watched = feature_matrix(table.iloc[self._watched], self._names)
        self._columns: Sequence[NDArray[np.int64]] = (
            correlated_features(watched) if len(watched) > 1 else []
        )
        shape = (len(self._columns), REPEATS, n)
        self._mixed = np.zeros(shape, dtype=np.uint8)

    def take(self, model: Model, second: Mapping[int, Model], is_test: NDArray[np.bool_]) -> None:
        """Ask a model about some rows."""
        place = np.flatnonzero(is_test)
        rows = feature_matrix(self._table.iloc[place], self._names)
        columns = np.searchsorted(self._classes, model.classes)
        found = model.scored(rows)
        self.probabilities[place] = 0.0
        self.probabilities[np.ix_(place, columns)] = found.probabilities
        # A class that the model does not know is as far off as the farthest that it knows.
        self.scores[place] = found.scores.min(axis=1, keepdims=True, initial=np.inf)
        self.scores[np.ix_(place, columns)] = found.scores
        self.knows[place] = np.isin(self._codes[place], model.classes)
        if "code2" in self._table.columns:
            code2 = self._table["code2"].to_numpy()
            for code, inner in second.items():
                mine = place[(self._codes[place] == code) & (code2[place] > 0)]
                if mine.size:
                    given = feature_matrix(self._table.iloc[mine], self._names)
                    self.second[mine] = inner.predict(given)[0]
        self._permute(model, place, rows)

    def _permute(self, model: Model, place: NDArray[np.intp], rows: NDArray[np.float32]) -> None:
        is_watched = np.isin(place, self._watched)
        mine, given = place[is_watched], rows[is_watched]
        if not mine.size:
            return
        for number, columns in enumerate(self._columns):
            for turn in range(REPEATS):
                mixed = given.copy()
                mixed[:, columns] = given[self._rng.permutation(len(given))][:, columns]
                winner = model.probabilities(mixed).argmax(axis=1)
                self._mixed[number, turn, mine] = model.classes[winner]

    def clusters(self) -> tuple[Cluster, ...]:
        """Sum up what permuted features cost, over all models together."""
        watched = self._watched[self.knows[self._watched]]
        if not watched.size:
            return ()
        truth = self._codes[watched]
        winner = self.probabilities[watched].argmax(axis=1)
        whole = mean_recall(self._classes[winner], truth)
        found = []
        for number, columns in enumerate(self._columns):
            drops = [whole - mean_recall(mixed[watched], truth) for mixed in self._mixed[number]]
            names = tuple(self._names[column] for column in columns)
            found.append(Cluster(names, float(np.mean(drops)), float(np.std(drops))))
        return tuple(sorted(found, key=lambda cluster: (-cluster.drop, cluster.features)))
