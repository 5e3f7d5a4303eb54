"""What a recipe's slow choices are said to take before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from landcover.parts.training.effort import effort_notes, n_fitted_models
from landcover.recipe import read_recipe

RECIPE = Path(__file__).parents[3] / "recipes" / "hrlc-svm.yaml"
ELIMINATION = "model.selection={method: rfecv, step: 10}"
ONE_SPLIT = ("validation.splits=[groups]", "validation.seeds=1", "model.search=null")
DECK_GRID = (
    "model.kind=svm-binary",
    "model.search={method: full, grid: {kind: [svm-binary], svm_binary: {"
    "c: [100, 325, 550, 775, 1000], gamma: [0.001, 1.112, 2.223, 3.334, 4.445, 5.556, 6.667, "
    "7.778, 8.889, 10], class_weight: [null, balanced]}}}",
)


def test_what_is_quick_is_not_told() -> None:
    assert effort_notes(read_recipe(RECIPE)) == ()


def test_an_elimination_tells_its_fits() -> None:
    recipe = read_recipe(RECIPE, [ELIMINATION, *ONE_SPLIT])
    # The map's model, five out of fold, that of the split, one seed: as many as a run fitted.
    assert n_fitted_models(recipe) == 8
    (note,) = effort_notes(recipe)
    # 167 features by tens are 17 steps, in three folds and on all rows, and once at the end.
    assert "rfecv fits 69 linear machines for each of about 8 models" in note
    assert "552 fits" in note
    assert "model.selection.step=20" in note


def test_a_nested_search_eliminates_in_each_of_its_folds() -> None:
    with_search = read_recipe(RECIPE, [ELIMINATION, *ONE_SPLIT[:2]])
    assert n_fitted_models(with_search) == 8 + 6 * 3


def test_the_published_grid_tells_its_fits() -> None:
    (note,) = effort_notes(read_recipe(RECIPE, list(DECK_GRID)))
    assert "tries 101 settings in 3 folds: 303 fits, nine machines each" in note


@pytest.mark.parametrize(("only", "is_told"), [(None, True), ("train", True), ("mask", False)])
def test_a_run_tells_it_before_it_starts(
    only: str | None, is_told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    from landcover.cli.run import _remind

    given = {
        "overrides": [ELIMINATION], "dem": "glo30", "labels": "labels.csv", "samples": None,
        "model": None, "until": only or "publish", "only": only,
    }  # fmt: skip
    _remind(RECIPE, given)
    assert ("rfecv fits" in capsys.readouterr().err) is is_told
