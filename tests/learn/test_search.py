"""The search among settings: rounds by hand, the full search beside scikit-learn's."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.svm import SVC

from landcover.errors import InputError
from landcover.learn.folds import unit_folds
from landcover.learn.search import Round, plan_rounds, search, settings_of
from landcover.recipe import ModelRecipe

PUBLISHED = {
    "C": [100, 325, 550, 775, 1000],
    "gamma": np.linspace(0.001, 10, 10).tolist(),
    "class_weight": ["balanced", None],
}
"""The HRLC deck's grid of its support vector machine.

Method: docs/methods/classifiers.md#parameter-search.
"""
NAMES = ["a", "b", "c"]


def samples(n_groups: int, seed: int = 0, apart: float = 1.0) -> pd.DataFrame:
    """Three overlapping classes, six rows a group."""
    rng = np.random.default_rng(seed)
    code = np.repeat(np.arange(n_groups) % 3 + 1, 6)
    own = np.repeat(rng.normal(0, 0.6, (n_groups, 3)), 6, axis=0)
    values = np.eye(3)[code - 1] * apart + own + rng.normal(0, 0.3, (6 * n_groups, 3))
    groups = np.repeat([f"g{n}" for n in range(n_groups)], 6)
    return pd.DataFrame(values, columns=NAMES).assign(code=code, group=groups)


class Machine:
    """A support vector machine behind our protocol."""

    def __init__(self, setting: dict[str, Any], rows: pd.DataFrame) -> None:
        self._machine = SVC(**setting).fit(rows[NAMES].to_numpy(), rows["code"])

    def predict(self, features: pd.DataFrame) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        codes = self._machine.predict(features[NAMES].to_numpy())
        return codes.astype(np.uint8), np.ones(len(codes))


def test_the_full_published_search_equals_scikit_learns() -> None:
    table = samples(18, apart=0.8)
    settings = [dict(zip(PUBLISHED, v, strict=True)) for v in product(*PUBLISHED.values())]
    found = search(table, settings, Machine, rounds=[Round(len(table), 100)], folds=3, seed=4)
    theirs = GridSearchCV(
        SVC(),
        PUBLISHED,
        scoring=make_scorer(f1_score, average="macro"),
        cv=PredefinedSplit(unit_folds(table["code"], table["group"], 3, seed=4)),
    ).fit(table[NAMES].to_numpy(), table["code"])
    by_setting = {
        tuple(sorted(p.items(), key=lambda item: item[0])): score
        for p, score in zip(
            theirs.cv_results_["params"], theirs.cv_results_["mean_test_score"], strict=True
        )
    }
    scores = [one.score("macro_f1") for one in found.found]
    expected = [by_setting[tuple(sorted(s.items(), key=lambda item: item[0]))] for s in settings]
    np.testing.assert_allclose(scores, expected, atol=1e-12)
    assert scores[found.best] == pytest.approx(theirs.best_score_)
    # The first of the best: smaller C, then smaller gamma.
    assert found.best == int(np.argmax(scores))
    assert found.n_fits == 300


def test_halving_of_little_data_is_the_full_search() -> None:
    table = samples(18, apart=0.8)
    settings = [{"C": c} for c in (0.01, 0.1, 1.0, 10.0, 100.0)]
    rounds = plan_rounds(len(settings), len(table))
    assert rounds == [Round(108, 5)]
    full = search(table, settings, Machine, rounds=[Round(len(table), 5)])
    assert search(table, settings, Machine, rounds=rounds) == full


@pytest.mark.parametrize(
    ("n_settings", "n_rows", "expected"),
    [
        (100, 5000, [(556, 100), (1667, 34), (5000, 12)]),
        (6, 5000, [(556, 6), (1667, 2), (5000, 1)]),
        (3, 5000, [(1667, 3), (5000, 1)]),
        (1, 5000, [(5000, 1)]),
        (6, 899, [(899, 6)]),
        (6, 900, [(300, 6), (900, 2)]),
    ],
)
def test_rounds(n_settings: int, n_rows: int, expected: list[tuple[int, int]]) -> None:
    assert plan_rounds(n_settings, n_rows) == [Round(*one) for one in expected]


def test_halving_finds_what_the_full_search_finds_with_less_work() -> None:
    table = samples(150, seed=2)
    settings = [{"C": c, "gamma": g} for c in (1e-6, 1e-5, 1.0) for g in (0.1, 1000.0, 10_000.0)]
    rounds = plan_rounds(len(settings), len(table))
    assert [one.n_settings for one in rounds] == [9, 3]
    told: list[float] = []
    halved = search(table, settings, Machine, rounds=rounds, progress=told.append)
    full = search(table, settings, Machine, rounds=[Round(len(table), 9)])
    assert settings[halved.best] == settings[full.best] == {"C": 1.0, "gamma": 0.1}
    assert halved.found[halved.best] == full.found[full.best]
    # Nine settings, then the three best and the first, which is always there.
    assert halved.n_fits in (3 * (9 + 3), 3 * (9 + 4))
    assert halved.found[0].n_rows == len(table)
    assert told == sorted(told)
    assert told[-1] == 1


def test_a_group_is_never_on_both_sides_and_rounds_are_nested() -> None:
    table = samples(150)
    seen: list[set[str]] = []

    class Spy(Machine):
        def __init__(self, setting: dict[str, Any], rows: pd.DataFrame) -> None:
            super().__init__(setting, rows)
            self.trained = set(rows["group"])
            seen.append(self.trained)

        def predict(self, features: pd.DataFrame) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
            assert not self.trained & set(features["group"])
            return super().predict(features)

    search(table, [{"C": 1.0}, {"C": 2.0}, {"C": 3.0}], Spy, rounds=[Round(300, 3), Round(900, 1)])
    first, last = set().union(*seen[:9]), set().union(*seen[9:])
    assert first < last
    assert len(last) == 150


def test_scores_that_decide() -> None:
    # Answers 1 always: overall 0.9 and macro F1 (0.947368 + 0) / 2 on nine to one.
    class Stubborn:
        def __init__(self, code: int, rows: pd.DataFrame) -> None:
            self.code = code

        def predict(self, features: pd.DataFrame) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
            n = len(features)
            return np.full(n, self.code, np.uint8), np.ones(n)

    table = pd.DataFrame({"code": [1] * 18 + [2] * 2, "group": [f"{n}" for n in range(20)]})
    found = search(table, [1], Stubborn, rounds=[Round(20, 1)], folds=2).found[0]
    assert found.score("overall") == pytest.approx(0.9)
    assert found.score("macro_f1") == pytest.approx(0.9 / 1.9)
    assert found.score("both") == pytest.approx((0.9 + 0.9 / 1.9) / 2)


def test_too_few_groups_are_refused() -> None:
    with pytest.raises(InputError, match="2 separate units cannot make 3 folds"):
        search(samples(2), [{"C": 1.0}], Machine, rounds=[Round(12, 1)])
    with pytest.raises(InputError, match="no fold leaves two classes"):
        search(samples(2), [{"C": 1.0}], Machine, rounds=[Round(12, 1)], folds=2)


def test_settings_that_make_one_model_are_tried_once() -> None:
    def settings(**model: Any) -> list[dict[str, Any]]:
        return settings_of(ModelRecipe.model_validate(model))

    assert settings() == [{}]
    assert settings(search={}) == [
        {},
        {"min_samples_leaf": 3},
        {"min_samples_leaf": 10},
        {"kind": "extra-trees"},
        {"kind": "extra-trees", "min_samples_leaf": 3},
        {"kind": "extra-trees", "min_samples_leaf": 10},
    ]
    # Leaves are nothing to a network: one setting of it, beside the forests.
    grid = {"kind": ["mlp", "random-forest"], "min_samples_leaf": [2, 4]}
    assert settings(search={"grid": grid}) == [
        {},
        {"kind": "mlp"},
        {"min_samples_leaf": 2},
        {"min_samples_leaf": 4},
    ]
