"""An experiment file: its cases one factor at a time and combined, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from landcover.cli import cli
from landcover.errors import UsageError
from landcover.recipe.experiment import cases_of, distinct, pairs_of, read_experiment, recipe_of

RECIPES = Path(__file__).parents[1] / "recipes"
FILE = """
name: small
recipe: {recipe}
set: {{model.trees: 10}}
baselines:
  deck: {{model.kind: extra-trees}}
  ours: {{}}
factors:
  size: {{few: {{model.n_features: 4}}, more: {{model.n_features: 9}}}}
  leaves: {{large: {{model.min_samples_leaf: 5}}}}
only: {{leaves: [ours]}}
"""


def write(tmp_path: Path, text: str = FILE) -> Path:
    path = tmp_path / "e.yaml"
    path.write_text(text.format(recipe=RECIPES / "mediterranean-rf.yaml"))
    return path


def test_one_factor_moves_at_a_time_around_each_baseline(tmp_path: Path) -> None:
    experiment, recipe = read_experiment(write(tmp_path))
    cases = cases_of(experiment)
    assert [case.name for case in cases] == [
        "deck", "deck.few", "deck.more", "ours", "ours.few", "ours.more", "ours.large",
    ]  # fmt: skip
    assert experiment.seeds == (0, 1, 2, 3, 4)
    few = next(case for case in cases if case.name == "deck.few")
    assert few.overrides == ("model.trees=10", "model.kind=extra-trees", "model.n_features=4")
    assert few.baseline == "deck"
    assert few.factors == {"size": "few"}
    made = recipe_of(few, recipe, 3)
    assert (made.model.kind, made.model.n_features, made.model.seed) == ("extra-trees", 4, 3)


def test_the_full_factorial_combines_all_levels(tmp_path: Path) -> None:
    experiment, _ = read_experiment(write(tmp_path))
    names = [case.name for case in cases_of(experiment, is_full=True)]
    assert len(names) == 3 + 3 * 2
    assert "ours.few+large" in names
    assert names.count("ours") == 1


def test_a_case_that_says_what_the_baseline_says_is_named(tmp_path: Path) -> None:
    text = FILE.replace("model.n_features: 9", "model.kind: random-forest")
    experiment, recipe = read_experiment(write(tmp_path, text))
    # The forest is the recipe's own: both say so of the same recipe.
    assert distinct(cases_of(experiment), recipe) == {
        "ours": "deck.more",
        "ours.more": "deck.more",
    }


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ("model.n_features: 4", "model.n_feature: 4", r"case deck\.few: .*n_feature.*n_features"),
        ("name: small", "name: small\nseeds: [1, 2]", "at least 5 different seeds"),
        ("leaves: [ours]", "leafs: [ours]", "'leafs' is neither a factor nor a baseline"),
        ("baselines:", "bases:", "baselines"),
    ],
)
def test_a_wrong_file_is_told_in_one_sentence(
    tmp_path: Path, was: str, now: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        read_experiment(write(tmp_path, FILE.replace(was, now)))
    assert "\n" not in str(caught.value)


def test_values_of_any_kind_become_pairs() -> None:
    keys = {"a.b": None, "c": [1, 2], "d": {"e": "x y"}, "f": 0.5, "g": "deck"}
    assert pairs_of(keys) == ("a.b=null", "c=[1, 2]", "d={e: x y}", "f=0.5", "g=deck")


@pytest.mark.parametrize("path", sorted(RECIPES.glob("experiment-*.yaml")), ids=lambda p: p.stem)
def test_the_experiments_that_come_along_are_valid(path: Path) -> None:
    experiment, _ = read_experiment(path)
    assert len(experiment.baselines) == 2
    result = CliRunner().invoke(
        cli, ["experiment", str(path), "--year", "2021", "--products", "x", "--list"]
    )
    assert result.exit_code == 0, result.output
    for case in cases_of(experiment):
        assert case.name in result.output
