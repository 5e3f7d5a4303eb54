"""``landcover doctor``: a model of the workspace, with the page that its run made or a new one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from landcover import api
from landcover.cli import cli
from landcover.learn.validated_diagnosis import NOT_VALIDATED
from landcover.publish.doctor import DOCUMENT, PAGE, PICTURE
from landcover.simulate import simulate

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
ONE_SEASON = "seasons=[{name: summer, primary_month: 6, fallback_month: 7}]"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Yield a workspace with a model that was not explained, and its id."""
    folder = tmp_path_factory.mktemp("doctor")
    region = simulate(folder / "region", tiles=("30SUF",), pixels=240, points_per_class=8, seed=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(folder / "workspace"))
        api.start_run(
            "run", RECIPE, year=region.year, products=str(region.products),
            labels=str(region.labels), until="train", overrides=[ONE_SEASON, "model.trees=5"],
        )  # fmt: skip
        assert api.run_inline("run")["state"] == "done"
        (model,) = api.open_workspace().records.find("models")
        yield folder / "workspace", model["_id"]


def call(*arguments: str) -> Any:
    return CliRunner().invoke(cli, ["doctor", *arguments])


def test_a_model_is_told_by_the_beginning_of_its_id(trained: Any, tmp_path: Path) -> None:
    workspace, model = trained
    answer = call(model[:8], "--workspace", str(workspace), "--out", str(tmp_path / "out"))
    assert answer.exit_code == 0, answer.output
    assert f"Model {model} SIMULATED" in answer.output
    assert "goes by" in answer.output
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {PAGE, PICTURE, DOCUMENT}
    assert "SIMULATED DATA" in (tmp_path / "out" / PAGE).read_text()


def test_a_named_point_is_told(trained: Any) -> None:
    workspace, model = trained
    found = json.loads(call(model, "--workspace", str(workspace), "--json").output)
    assert found["model"] == model
    assert found["points"]
    name = found["points"][-1]["point"]
    answer = call(model, "--workspace", str(workspace), "--rows", "9", "--point", name)
    assert f"Point {name} in 30SUF: " in answer.output
    stranger = call(model, "--workspace", str(workspace), "--rows", "9", "--point", "nobody")
    assert "Point nobody is not among the misclassified held-out samples." in stranger.output
    assert stranger.exit_code == 0


def test_what_the_run_made_is_copied(trained: Any, tmp_path: Path) -> None:
    workspace, model = trained
    opened = api.open_workspace()
    run = opened.records.get("runs", "run")
    assert run is not None
    run["run"]["arguments"]["until"] = "explain"
    opened.records.replace_one("runs", run)
    assert api.run_inline("run")["state"] == "done"
    (made,) = opened.records.find("outputs", {"wanted.stage": "explain"})
    answer = call(model, "--workspace", str(workspace), "--out", str(tmp_path))
    assert answer.exit_code == 0
    for file in made["files"]:
        written = Path(opened.objects.href(made["key"], file["name"])).read_bytes()
        is_joined = file["name"] in (DOCUMENT, PAGE)
        assert ((tmp_path / file["name"]).read_bytes() == written) != is_joined, file["name"]
    assert NOT_VALIDATED in (tmp_path / PAGE).read_text()
    assert NOT_VALIDATED in answer.output
    by_run = call("run", "--workspace", str(workspace), "--json")
    by_model = call(model, "--workspace", str(workspace), "--json")
    assert json.loads(by_run.output) == json.loads(by_model.output)
    assert json.loads(by_run.output)["notes"][-1] == NOT_VALIDATED


def test_a_stranger_is_refused_in_one_sentence(trained: Any, tmp_path: Path) -> None:
    workspace, model = trained
    answer = call("ffff", "--workspace", str(workspace))
    assert answer.exit_code == 1
    assert answer.output.count("Error: ") == 1
    assert "Traceback" not in answer.output
    # A model whose samples are elsewhere.
    folder = api.open_workspace().objects.href(f"models/{model}", "")
    other = call(folder, "--workspace", str(tmp_path / "empty"))
    assert other.exit_code == 1
    assert "its sample set" in other.output
