"""Searches among settings of support vector machines, as a step of training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from landcover.errors import InputError
from landcover.learn.fitting import fit_recipe
from landcover.learn.out_of_fold import answer_out_of_fold
from landcover.learn.preparation import fit_preparation
from landcover.nouns.model import Feature, feature_set
from landcover.parts.training import parameter_search
from landcover.parts.training.parameter_search import tuned
from landcover.recipe import ModelRecipe

NAMES = ("a", "b", "c", "d")
FEATURES = feature_set(Feature(name=n, period=None, layer=n, kind="terrain") for n in NAMES)


class Job:
    threads = 1

    def check(self) -> None:
        pass

    def progress(self, share: float, what: str) -> None:
        pass


def samples(n: int = 180, *, is_random: bool = False) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    codes = np.resize([1, 2, 3], n)
    values = rng.normal(size=(n, 4)) + (0 if is_random else codes[:, None] * [1.0, 0.5, 0, 0])
    if is_random:
        codes = rng.permutation(codes)
    table = pd.DataFrame(values.astype(np.float32), columns=list(NAMES))
    return table.assign(code=codes, group=[f"g{i // 3}" for i in range(n)], lon=0.0, lat=0.0)


def search(table: pd.DataFrame, **model: Any) -> tuple[ModelRecipe, Any]:
    recipe = ModelRecipe.model_validate({"scaling": {}, **model})
    return tuned(recipe, table, FEATURES, {}, Job(), span=(0, 1))  # type: ignore[arg-type]


def test_features_are_prepared_once_for_all_settings_of_a_fold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fitted = []

    def counted(*given: Any, **more: Any) -> Any:
        fitted.append(1)
        return fit_preparation(*given, **more)

    monkeypatch.setattr("landcover.learn.models.fit_preparation", counted)
    grid = {"kind": ["svm"], "svm": {"c": [1, 10], "gamma": [0.01, 0.1]}}
    chosen, report = search(samples(), kind="svm", search={"method": "full", "grid": grid})
    assert len(fitted) == 3
    assert report.n_fits == 3 * 5
    assert chosen.value_of("svm.c") in (1, 10)


def test_every_machine_of_one_against_all_finds_its_own_values() -> None:
    grid = {"kind": ["svm-binary"], "svm_binary": {"c": [0.01, 10], "gamma": [0.001, 0.1]}}
    chosen, report = search(samples(), kind="svm-binary", search={"method": "full", "grid": grid})
    last = report.trials[-1]
    assert [side["code"] for side in last.settings["svm_binary.own"]] == [1, 2, 3]
    own = chosen.value_of("svm_binary.own")
    if report.chosen == len(report.trials) - 1:
        assert [side.code for side in own] == [1, 2, 3]
    best = max(trial.macro_f1 for trial in report.trials)
    assert report.trials[report.chosen].macro_f1 >= best - 1e-12 or own
    assert ModelRecipe.from_document(chosen.to_document()) == chosen


def test_own_values_reach_the_machine_of_their_class() -> None:
    recipe = ModelRecipe.model_validate(
        {
            "kind": "svm-binary",
            "svm_binary": {"gamma": 0.1, "own": [{"code": 2, "c": 5, "gamma": 0.7}]},
        }
    )
    model = fit_recipe(recipe, samples(), NAMES)
    assert [machine.gamma for machine in model.packed.machines] == [0.1, 0.7, 0.1]  # type: ignore[attr-defined]


def test_a_grid_whose_every_point_fails_is_told() -> None:
    grid = {"kind": ["random-forest"], "max_features": [50], "min_samples_leaf": [1]}
    with pytest.raises(InputError) as caught:
        search(samples(), max_features=60, trees=3, search={"grid": grid})
    assert str(caught.value) == (
        "Search: none of 2 settings could be fitted; the first says: Classifier: max_features is "
        "60, but there are 4 features. Change model.search.grid."
    )


def test_a_setting_that_fails_is_not_chosen() -> None:
    grid = {"kind": ["random-forest"], "max_features": [50, 2], "min_samples_leaf": [1]}
    chosen, report = search(samples(), trees=5, search={"grid": grid})
    assert [np.isnan(trial.macro_f1) for trial in report.trials] == [False, True, False]
    assert chosen.max_features != 50


def test_the_published_grid_is_an_option_with_its_number_of_fits() -> None:
    gammas = np.linspace(0.001, 10, 10).round(3).tolist()
    grid = {
        "c": [100, 325, 550, 775, 1000],
        "gamma": gammas,
        "class_weight": [None, "balanced"],
    }
    asked = {"method": "full", "grid": {"kind": ["svm-binary"], "svm_binary": grid}}
    recipe = ModelRecipe.model_validate({"kind": "svm-binary", "search": asked})
    settings = parameter_search.settings_of(recipe)
    # The recipe's own setting is tried beside them: 100 x 3 folds x 9 classes are 2,700 fits.
    assert len(settings) == 1 + 100


def test_the_number_of_fits_is_told_before_the_first_one(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    class StoppedError(Exception):
        pass

    class Impatient(Job):
        def check(self) -> None:
            raise StoppedError

    grid = {"c": [100, 325], "gamma": [0.001, 0.01], "class_weight": [None, "balanced"]}
    asked = {"method": "full", "grid": {"kind": ["svm-binary"], "svm_binary": grid}}
    recipe = ModelRecipe.model_validate({"kind": "svm-binary", "scaling": {}, "search": asked})
    monkeypatch.setattr(parameter_search, "fit_recipe", pytest.fail)
    job: Any = Impatient()
    with caplog.at_level("INFO"), pytest.raises(StoppedError):
        tuned(recipe, samples(), FEATURES, {}, job, span=(0, 1))
    (told,) = [record.getMessage() for record in caplog.records]
    assert "choosing of 9 settings in 3 folds: 9 on 180 rows, 27 models" in told
    assert "svm-binary: a machine for each class in each" in told


def test_random_labels_are_answered_by_chance_where_the_search_is_nested() -> None:
    table = samples(240, is_random=True)
    grid = {"kind": ["svm"], "svm": {"c": [0.1, 10], "gamma": [0.01, 1]}}
    recipe = ModelRecipe.model_validate(
        {"kind": "svm", "scaling": {}, "search": {"grid": grid, "nested": True}}
    )
    job: Any = Job()
    chosen, _ = tuned(recipe, table, FEATURES, {}, job, span=(0, 1))
    model = fit_recipe(chosen, table, NAMES)
    calls = []

    def choose(rows: pd.DataFrame) -> ModelRecipe:
        calls.append(len(rows))
        return tuned(recipe, rows, FEATURES, {}, job, span=(0, 1))[0]

    every = np.ones(len(table), dtype=np.bool_)
    found = answer_out_of_fold(chosen, table, model, trained=every, choose=choose)
    assert len(calls) == 5
    right = (found.codes == table["code"]).mean()
    assert abs(right - 1 / 3) < 3 * np.sqrt(2 / 9 / len(table))


def test_a_search_that_is_not_nested_leaves_no_trace() -> None:
    plain = ModelRecipe.model_validate({"search": {}}).to_document()
    assert "nested" not in plain["search"]
    nested = ModelRecipe.model_validate({"search": {"nested": True}}).to_document()
    assert nested["search"]["nested"] is True
