"""The table of kinds: light, and what recipe and docs say is what stands in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from landcover.errors import InputError, UsageError
from landcover.nouns.base import Noun
from landcover.nouns.classifiers import CLASSIFIERS, DEFAULT, ROWS, SEARCHED, ModelKind
from landcover.recipe import make_recipe
from landcover.recipe.kinds import describe_kinds, kinds_as_markdown

ROOT = Path(__file__).parents[2]
LEAST = {"name": "x", "seasons": [{"name": "summer", "primary_month": 6, "fallback_month": 7}]}


def test_a_fresh_interpreter_lists_it_without_anything_heavy() -> None:
    code = (
        "import sys\n"
        "from landcover.recipe.kinds import describe_kinds\n"
        "print(*(kind.name for kind in describe_kinds()))\n"
        "print(*sys.modules)\n"
    )
    names, modules = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert names.split() == list(CLASSIFIERS)
    heavy = {"numpy", "scipy", "sklearn", "numba", "pandas", "landcover.learn"}
    assert not heavy & set(modules.split())


def test_names_are_unique_and_the_first_is_the_papers() -> None:
    assert len(CLASSIFIERS) == len(ROWS)
    assert DEFAULT == "random-forest"
    assert set(SEARCHED) <= set(CLASSIFIERS)


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ({"kind": "random-forst"}, "found 'random-forst'; did you mean 'random-forest'?"),
        ({"kind": "zzz"}, "model.kind: expected one of random-forest, extra-trees, mlp"),
        ({"kind": 3}, "model.kind: Input should be a valid string"),
        ({"search": {"grid": {"kind": ["mlp", "mpl"]}}}, "did you mean 'mlp'?"),
    ],
)
def test_a_wrong_kind_is_told(model: dict[str, object], sentence: str) -> None:
    with pytest.raises(UsageError) as error:
        make_recipe({**LEAST, "model": model})
    assert sentence in str(error.value)


def test_a_kind_that_the_table_lacks_is_refused_wherever_it_is_read() -> None:
    class Card(Noun):
        kind: ModelKind

    with pytest.raises(InputError, match="kind: Value error, expected one of random-forest"):
        Card.from_document({"kind": "oracle"})


def test_parameters_of_a_recipe_are_those_of_its_kind() -> None:
    recipe = make_recipe({**LEAST, "model": {"trees": 7, "max_depth": 3, "hidden": [5]}}).model
    assert recipe.parameters.to_document() == {
        "n_trees": 7,
        "max_features": "sqrt",
        "min_samples_leaf": 1,
        "max_depth": 3,
        "class_weight": None,
    }
    network = recipe.with_settings({"kind": "mlp"})
    assert network.parameters.to_document()["hidden"] == [5]
    assert network.value_of("kind") == "mlp"


def test_the_page_of_the_documentation_is_what_the_command_prints() -> None:
    page = (ROOT / "docs" / "classifiers.md").read_text(encoding="utf-8")
    assert page == kinds_as_markdown(), "run: landcover recipe kinds > docs/classifiers.md"
    assert [kind.is_default for kind in describe_kinds()] == [True, *[False] * (len(ROWS) - 1)]
