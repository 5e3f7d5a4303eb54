"""The trigger form: what its schema refuses, and what it proposes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.exceptions import ParamValidationError

from landcover_airflow.form import region_params, run_params, shard_params

GOOD = {"products": "google"}


def filled(**values):
    params = ParamsDict(run_params())
    for name, value in (GOOD | values).items():
        params[name] = value
    return params.validate()


@pytest.mark.parametrize(
    "values",
    [
        {"year": datetime.now(UTC).year + 1},
        {"year": 1999},
        {"recipe": "mediterranean"},
        {"recipe": ""},
        {"recipe": "recipes/no-such.yaml"},
        {"recipe": "own.yaml"},
        {"recipe": "https://host/recipe.txt"},
        {"tiles": ["30SUF", "Madrid"]},
        {"tiles": "30SU"},
        {"overrides": ["model.trees"]},
        {"memory_gb": 0},
        {"threads": 1.5},
        {"until": "paint"},
        {"products": ""},
    ],
)
def test_the_dialog_refuses_what_a_schema_can_tell(values):
    with pytest.raises(ParamValidationError):
        filled(**values)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"tiles": ["30SUF,30SVF"]},
        {"tiles": "30SUF 30SVF\n5QKB"},
        {"tiles": ["30SUF", "30SVF"]},
        {"recipe": "https://host/recipes/own.yaml"},
        {"recipe": "s3://bucket/own.yaml"},
        {"recipe": "/data/recipes/own.yaml"},
        {"recipe": "recipes/hrlc-svm.yaml"},
        {"overrides": ["model.trees=5", "seasons=[{name: a}]"]},
        {"region": '{"type": "Polygon"}'},
        {"model": "latest"},
    ],
)
def test_the_dialog_takes_what_may_be_right(values):
    assert filled(**values)["year"] == 2021


def test_installed_recipes_are_proposed_and_no_other_name_is_taken():
    examples = run_params()["recipe"].schema["examples"]
    assert {"recipes/mediterranean-rf.yaml", "recipes/hrlc-svm.yaml"} <= set(examples)
    assert "recipes/experiment-demo.yaml" not in examples
    told = run_params()["recipe"].schema["description_md"]
    assert all(name in told for name in examples)
    for params in (run_params(), region_params(), shard_params()):
        for field in params.values():  # the page draws such words over the line above
            assert "`" not in field.schema["description_md"]
    assert run_params()["region"].schema["format"] == "multiline"


def test_nothing_chosen_is_shown_as_what_then_happens():
    for name, params in run_params().items():
        if None in params.schema.get("enum", ()):
            assert len(params.schema["values_display"]["null"]) > 3, name
