"""Answers to samples by models that did not see their groups: nothing that trained is judged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from landcover.learn import out_of_fold
from landcover.learn.fitting import fit_recipe
from landcover.learn.out_of_fold import BY_THE_MAP, answer_out_of_fold
from landcover.learn.second_level import fit_second
from landcover.recipe import ModelRecipe

NAMES = ("a", "b", "c")
RECIPE = ModelRecipe(trees=20)


def samples(n_groups: int = 60, pixels: int = 6, *, random: bool = False, seed: int = 0) -> Any:
    """Groups of near-equal pixels; their class is in their looks, or in nothing."""
    rng = np.random.default_rng(seed)
    code = np.repeat(np.arange(n_groups) % 3 + 1, pixels)
    own = np.repeat(rng.normal(0, 1.0 if random else 0.3, (n_groups, 3)), pixels, axis=0)
    looks = own + rng.normal(0, 0.05, own.shape) + (0 if random else np.eye(3)[code - 1] * 2)
    point = np.arange(len(code)) // pixels
    return pd.DataFrame(looks.astype(np.float32), columns=list(NAMES)).assign(
        code=code, group=[f"g{n}" for n in point], point_id=[f"g{n}" for n in point],
        dx=0, dy=0, lon=5 + 0.01 * point, lat=40.0,
    )  # fmt: skip


def answer(table: Any, trained: Any = None, recipe: ModelRecipe = RECIPE, **more: Any) -> Any:
    every = np.ones(len(table), bool) if trained is None else trained
    model = fit_recipe(recipe, table[every], NAMES)
    return model, answer_out_of_fold(recipe, table, model, trained=every, **more)


@pytest.mark.parametrize("kind", ["random-forest", "extra-trees", "mlp"])
def test_random_labels_are_answered_by_chance(kind: str) -> None:
    table = samples(120, random=True)
    recipe = ModelRecipe(kind=kind, trees=20, epochs=60, hidden=(20,))
    model, found = answer(table, recipe=recipe)
    codes = table["code"].to_numpy()
    if kind != "mlp":
        assert (model.predict(table)[0] == codes).mean() > 0.95, "the map's model has learned them"
    # 120 groups of three classes: 1/3 and three standard errors.
    assert (found.codes == codes).mean() < 1 / 3 + 3 * np.sqrt(2 / 9 / 120)
    assert max(abs(one.drop) for one in found.clusters) < 0.15


def test_every_group_is_answered_once_and_by_none_that_saw_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = samples()
    model = fit_recipe(RECIPE, table, NAMES)
    seen = []

    def spy(recipe: ModelRecipe, rows: pd.DataFrame, *arguments: Any, **more: Any) -> Any:
        seen.append(set(rows["group"]))
        return fit_recipe(recipe, rows, *arguments, **more)

    monkeypatch.setattr(out_of_fold, "fit_recipe", spy)
    found = answer_out_of_fold(RECIPE, table, model, trained=np.ones(len(table), bool))
    assert len(seen) == out_of_fold.FOLDS
    for number, trained in enumerate(seen):
        asked = set(table["group"][found.fold == number])
        assert asked
        assert not asked & trained
    assert (found.fold >= 0).all()
    assert found.knows.all()
    assert (found.codes == table["code"]).mean() > 0.95
    assert found.probabilities.sum(axis=1) == pytest.approx(1)


def test_what_the_maps_model_did_not_see_it_answers_itself() -> None:
    table = samples()
    trained = ~table["group"].isin([f"g{n}" for n in range(12)]).to_numpy()
    model, found = answer(table, trained)
    assert (found.fold[~trained] == BY_THE_MAP).all()
    assert (found.fold[trained] >= 0).all()
    rows = table.loc[~trained, list(NAMES)].to_numpy(np.float32)
    assert np.array_equal(found.probabilities[~trained], model.probabilities(rows))


def test_the_maps_model_never_answers_what_it_was_fitted_on() -> None:
    # All that trained is one group: no other model can answer it, and the map's saw it.
    table = samples(12)
    trained = table["group"].isin(["g0", "g1", "g2"]).to_numpy()
    table.loc[trained, "group"] = "one"
    _, found = answer(table, trained)
    assert np.isfinite(found.probabilities[~trained]).all()
    assert not np.isfinite(found.probabilities[trained]).any()


def test_a_class_of_one_group_is_known_to_nobody_who_answers_it() -> None:
    table = samples()
    alone = samples(1, 6, seed=3).assign(code=9, group="alone", point_id="alone")
    table = pd.concat([table, alone], ignore_index=True)
    model, found = answer(table)
    assert 9 in model.classes
    is_alone = (table["code"] == 9).to_numpy()
    assert not found.knows[is_alone].any()
    assert found.knows[~is_alone].all()
    assert (found.probabilities[is_alone, list(model.classes).index(9)] == 0).all()


def test_a_library_trains_and_is_not_asked_nor_near_what_is() -> None:
    table = samples(30).assign(library="")
    twin = table[table["group"] == "g4"].assign(library="2020.parquet", group="twin")
    far = samples(6, seed=8).assign(library="2020.parquet", lon=90.0)
    far["group"] = "far-" + far["group"]
    whole = pd.concat([table, twin, far], ignore_index=True)
    # The twin says that g4 is of another class; it lies in the same place in another year.
    whole.loc[whole["group"] == "twin", "code"] = 3
    _, found = answer(whole)
    is_library = (whole["library"] != "").to_numpy()
    assert not np.isfinite(found.probabilities[is_library]).any()
    is_g4 = (whole["group"] == "g4").to_numpy()
    assert (found.codes[is_g4] == whole["code"][is_g4]).all()
    _, answers = answer(far.reset_index(drop=True))
    assert np.isfinite(answers.probabilities).all(), "with nothing else, its own groups are asked"


def test_the_second_level_is_answered_out_of_fold_too() -> None:
    table = samples(80)
    number = table["group"].str[1:].astype(int)
    table["code2"] = np.where(table["code"] == 1, 11 + (number // 3) % 2, 0)
    table["c"] += np.where(table["code2"] == 12, 5, 0).astype(np.float32)
    model = fit_recipe(RECIPE, table, NAMES)
    second = dict(fit_second(RECIPE, table, NAMES))
    every = np.ones(len(table), bool)
    found = answer_out_of_fold(RECIPE, table, model, trained=every, second=second)
    inner = (table["code2"] > 0).to_numpy()
    assert (found.second[inner] == table["code2"][inner]).mean() > 0.95
    assert (found.second[~inner] == 0).all()


def test_one_group_cannot_be_asked() -> None:
    table = samples(2).assign(group="one")
    _, found = answer(table)
    assert (found.codes == 0).all()
    assert not found.knows.any()
    assert found.clusters == ()


def test_permuted_features_cost_what_they_are_worth() -> None:
    table = samples(90)
    table["c"] = np.random.default_rng(0).normal(size=len(table)).astype(np.float32)
    table["a"] = table["code"].astype(np.float32) * 3
    _, found = answer(table)
    cost = {one.features: one.drop for one in found.clusters}
    assert cost["a",] > 0.2
    assert abs(cost["c",]) < 0.05


def test_threads_change_nothing() -> None:
    table = samples(30)
    _, once = answer(table)
    _, again = answer(table, threads=2)
    assert np.array_equal(once.probabilities, again.probabilities)
    assert once.clusters == again.clusters
