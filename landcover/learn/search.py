"""Choice among settings of a model by grouped cross-validation.

Method: docs/methods/classifiers.md#parameter-search.

Successive halving (Jamieson & Talwalkar 2016) spends its time on what is promising: all settings
are judged on few rows, the best third on three times as many, and so on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import f1_score  # type: ignore[import-untyped, unused-ignore]

from landcover.errors import InputError
from landcover.learn.accuracy import accuracy
from landcover.learn.classifiers import feature_matrix
from landcover.learn.folds import unit_folds
from landcover.learn.models import Model
from landcover.learn.sampling import thin_by_group
from landcover.learn.svm import PackedMachines
from landcover.learn.validation import Classifies
from landcover.nouns.classifiers import CLASSIFIERS
from landcover.nouns.search import Criterion
from landcover.recipe import ModelRecipe
from landcover.recipe.learning import Grid

SHRINK = 3
"""Of so many settings one goes on to the next round, which has so many times the rows."""
LEAST_ROWS = 300
"""Rows of the first round; on fewer the order of settings is mostly chance."""
WEIGHING = ("class_weight", "group_weight", "prior_exponent")
"""Fields of the model section that are settings of every kind."""
FAILURES = (InputError, ValueError, ArithmeticError, np.linalg.LinAlgError)
"""What a fit raises at parameters that do not fit its rows."""
Setting = TypeVar("Setting")


class Round(NamedTuple):
    """One round of a search."""

    n_rows: int
    """Rows to aim at; whole groups of every class."""
    n_settings: int
    """Settings that take part, beside the first."""


class Found(NamedTuple):
    """How one setting did in the last round that it took part in."""

    n_rows: int
    """Rows of that round."""
    macro_f1: tuple[float, ...]
    """Macro F1 of each fold, 0-1."""
    overall: tuple[float, ...]
    """Overall accuracy of each fold, 0-1."""
    by_class: Mapping[int, float] = {}
    """Code → mean macro F1 of the machine of that class and the rest; of one-vs-all only."""
    failed: str = ""
    """Why no model could be fitted; empty where one could."""

    def score(self, judged_by: Criterion) -> float:
        """Give the mean over the folds of what decides; minus infinity where the fit failed."""
        if self.failed:
            return -math.inf
        if judged_by == "macro_f1":
            return float(np.mean(self.macro_f1))
        if judged_by == "overall":
            return float(np.mean(self.overall))
        return float(np.mean(self.macro_f1) + np.mean(self.overall)) / 2


class Searched(NamedTuple):
    """The outcome of a search."""

    found: tuple[Found, ...]
    """One for each setting, in their order."""
    best: int
    """Position of the best setting of the last round; the earlier one at a tie."""
    n_fits: int
    """Models that were fitted."""


def settings_of(recipe: ModelRecipe) -> list[dict[str, Any]]:
    """List the settings of the recipe's grid that make different models.

    Args:
        recipe: Model section with a ``search``.

    Returns:
        Fields that differ from the recipe's; its own (none) first, then in the order of the grid,
        its last field the fastest.
    """
    if recipe.search is None:
        return [{}]
    grid = recipe.search.grid
    distinct: dict[tuple[Any, ...], dict[str, Any]] = {_essence(recipe): {}}
    for kind in grid.kind or (recipe.kind,):
        values = _values_of(grid, kind)
        for chosen in product(*values.values()):
            given = {"kind": kind, **dict(zip(values, chosen, strict=True))}
            setting = {name: v for name, v in given.items() if v != recipe.value_of(name)}
            distinct.setdefault(_essence(recipe.with_settings(setting)), setting)
    return list(distinct.values())


def _values_of(grid: Grid, kind: str) -> dict[str, tuple[Any, ...]]:
    """List the settings of a kind that a grid has values for, in the grid's order."""
    row = CLASSIFIERS[kind]
    own = {*row.fields, *WEIGHING}
    found = {name: values for name, values in grid if name in own and values}
    if row.section is not None:
        section = getattr(grid, row.section)
        found |= {f"{row.section}.{name}": values for name, values in section if values}
    return found


def _essence(recipe: ModelRecipe) -> tuple[Any, ...]:
    """Say what a model depends on: depth of trees is nothing to a network."""
    return (recipe.kind, recipe.parameters, *(getattr(recipe, name) for name in WEIGHING))


def plan_rounds(n_settings: int, n_rows: int, *, least: int = LEAST_ROWS) -> list[Round]:
    """Plan successive halving so that the last round uses all rows.

    Args:
        n_settings: Settings to choose from.
        n_rows: Rows that there are.
        least: Fewest rows of the first round.

    Returns:
        The rounds, at least one; the settings of each are a third of those before, rounded up.
    """
    deepest = math.ceil(math.log(max(1, n_settings), SHRINK) - 1e-9)
    steps = min(deepest, int(math.log(max(1.0, n_rows / least), SHRINK) + 1e-9))
    left, rounds = n_settings, []
    for step in range(steps, -1, -1):
        rounds.append(Round(round(n_rows / SHRINK**step), left))
        left = math.ceil(left / SHRINK)
    return rounds


def search(
    table: pd.DataFrame,
    settings: Sequence[Setting],
    fit: Callable[[Setting, pd.DataFrame], Classifies],
    *,
    rounds: Sequence[Round],
    folds: int = 3,
    judged_by: Criterion = "macro_f1",
    seed: int = 0,
    progress: Callable[[float], None] = lambda share: None,
) -> Searched:
    """Compare settings by cross-validation over whole groups, and find the best one.

    A group stays in its fold in every round, and the rows of a round are among those of the next.
    The first setting takes part in every round, so that the gain over it is known.

    Args:
        table: Rows with ``code``, ``group`` and the features.
        settings: What to choose from, simpler ones first.
        fit: Fits a model with a setting on rows of the table.
        rounds: Rounds of :func:`plan_rounds`; a single one of all rows is the full search.
        folds: Folds of whole groups, each class spread evenly.
        judged_by: What decides.
        seed: Seed of folds and rows.
        progress: Is told the share of the work that is done, after each fit.

    Returns:
        Scores of every setting and the best one.

    Raises:
        InputError: There are fewer groups than folds, or no fold has two classes to learn from.
    """
    codes, groups = table["code"].to_numpy(), table["group"].to_numpy()
    home = unit_folds(codes, groups, folds, seed=seed)
    work = folds * sum(one.n_rows * min(one.n_settings + 1, len(settings)) for one in rounds)
    found: dict[int, Found] = {}
    done, n_fits = 0, 0
    left = list(range(len(settings)))
    for one in rounds:
        left = sorted({0, *left[: one.n_settings]})
        is_used = (
            np.ones(len(table), dtype=np.bool_)
            if one.n_rows >= len(table)
            else thin_by_group(codes, groups, one.n_rows, seed=seed)
        )
        rows, fold = table[is_used], home[is_used]
        for number in left:
            scores = []
            try:
                for test in _usable(rows, fold):
                    is_test = fold == test
                    model = fit(settings[number], rows[~is_test])
                    scores.append(_score(model, rows[is_test]))
                    n_fits, done = n_fits + 1, done + one.n_rows
                    progress(min(1.0, done / work))
            except FAILURES as error:
                found[number] = Found(len(rows), (math.nan,), (math.nan,), {}, str(error))
                continue
            found[number] = _summed_up(len(rows), scores)
        _require_one(found, left)
        # sorted() is stable: the earlier setting stays in front at a tie.
        left = sorted(left, key=lambda number: -found[number].score(judged_by))
    progress(1.0)
    return Searched(tuple(found[n] for n in range(len(settings))), left[0], n_fits)


def _usable(rows: pd.DataFrame, fold: NDArray[np.int64]) -> list[int]:
    """List the folds that leave two classes to learn from."""
    codes = rows["code"].to_numpy()
    usable = [int(f) for f in np.unique(fold) if np.unique(codes[fold != f]).size > 1]
    if not usable:
        raise InputError(
            f"Search: in {len(rows)} rows no fold leaves two classes to learn from; give more "
            "labels, or search with fewer folds."
        )
    return usable


def _require_one(found: Mapping[int, Found], tried: Sequence[int]) -> None:
    if all(found[number].failed for number in tried):
        raise InputError(
            f"Search: none of {len(tried)} settings could be fitted; the first says: "
            f"{found[tried[0]].failed} Change model.search.grid."
        )


class _Scores(NamedTuple):
    macro_f1: float
    overall: float
    by_class: Mapping[int, float]


def _summed_up(n_rows: int, scores: Sequence[_Scores]) -> Found:
    known = set.intersection(*(set(one.by_class) for one in scores))
    by_class = {code: float(np.mean([s.by_class[code] for s in scores])) for code in sorted(known)}
    macro_f1, overall = tuple(s.macro_f1 for s in scores), tuple(s.overall for s in scores)
    return Found(n_rows, macro_f1, overall, by_class)


def _score(model: Classifies, rows: pd.DataFrame) -> _Scores:
    codes, _ = model.predict(rows)
    report = accuracy(codes, rows["code"].to_numpy())
    return _Scores(report.macro_f1, report.overall, _sides(model, rows))


def _sides(model: Classifies, rows: pd.DataFrame) -> dict[int, float]:
    """Judge each machine of one class against the rest by itself."""
    packed = model.packed if isinstance(model, Model) else None
    if not isinstance(packed, PackedMachines) or not packed.is_one_vs_all:
        return {}
    assert isinstance(model, Model)
    scores = model.scored(feature_matrix(rows, model.feature_names)).scores
    truth = rows["code"].to_numpy()
    return {
        int(code): float(f1_score(truth == code, scores[:, k] > 0, average="macro"))
        for k, code in enumerate(packed.classes)
    }
