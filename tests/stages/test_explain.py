"""The stage explain: on simulated products, and what later stages make of it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from landcover import api
from landcover.learn.validated_diagnosis import NOT_VALIDATED
from landcover.nouns.explanation import Explanation
from landcover.nouns.stages import GROUPS, STAGES
from landcover.parts.training.explanation import find_explanation
from landcover.publish.doctor import DOCUMENT, DRAWING, PAGE, PICTURE, TABLE
from landcover.simulate import simulate

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
ONE_SEASON = "seasons=[{name: summer, primary_month: 6, fallback_month: 7}]"


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return simulate(
        tmp_path_factory.mktemp("explain") / "region", tiles=("30SUF",), pixels=240,
        points_per_class=9, seed=7,
    )  # fmt: skip


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(tmp_path_factory.mktemp("explained")))
        yield api.open_workspace()


def run(region: Any, name: str, until: str, *overrides: str) -> dict[str, Any]:
    api.start_run(
        name, RECIPE, year=region.year, products=str(region.products), labels=str(region.labels),
        dem=str(region.dem), until=until,
        overrides=[ONE_SEASON, "model.trees=10", *overrides],
    )  # fmt: skip
    report = api.run_inline(name)
    assert report["state"] == "done", report
    return report


def outputs_of(workspace: Any, name: str, stage: str) -> list[Any]:
    states = workspace.records.find("units", {"run": name, "stage": stage})
    return [workspace.records.get("outputs", key) for s in states for key in s["outputs"]]


@pytest.fixture(scope="module")
def folder(region: Any, workspace: Any) -> Path:
    run(region, "first", "explain")
    (output,) = outputs_of(workspace, "first", "explain")
    return Path(workspace.objects.href(output["key"], ""))


def test_the_stage_follows_train_and_comes_before_the_map() -> None:
    assert GROUPS["train"] == ("train", "explain")
    assert STAGES.index("explain") == STAGES.index("train") + 1


def test_until_explain_ends_with_an_explanation(workspace: Any, folder: Path) -> None:
    assert outputs_of(workspace, "first", "classify") == []
    files = {path.name for path in folder.iterdir()}
    assert files == {DOCUMENT, TABLE, PICTURE, DRAWING, PAGE}
    found = Explanation.from_json((folder / DOCUMENT).read_text())
    assert found.simulated
    assert found.basis == "held-out"
    assert 0 < found.n_rows <= 240
    assert len(found.features) == 26
    assert found.by_period().keys() == {"summer", "terrain"}
    page = (folder / PAGE).read_text()
    assert "SIMULATED DATA" in page
    for sentence in found.advice:
        assert sentence.split(":")[0] in page
    # Class names are those of the legend, for people.
    assert "Closed forest" in page
    assert "closedForest" not in page


def test_the_table_names_every_feature_once(folder: Path) -> None:
    found = Explanation.from_json((folder / DOCUMENT).read_text())
    rows = list(csv.DictReader((folder / TABLE).read_text().splitlines()))
    assert [row["feature"] for row in rows] == [f.name for f in found.features]
    total = [float(row["shap"]) for row in rows]
    assert total == sorted(total, reverse=True)
    by_class = [k for k in rows[0] if k.startswith("shap ")]
    assert len(by_class) == len(found.classes)
    assert sum(float(rows[0][k]) for k in by_class) == pytest.approx(total[0], abs=1e-5)


def test_pictures_hold_no_clock_and_open(folder: Path) -> None:
    assert (folder / PICTURE).read_bytes().startswith(b"\x89PNG")
    drawing = (folder / DRAWING).read_text()
    assert "<dc:date>" not in drawing
    assert drawing.rstrip().endswith("</svg>")


def test_a_second_run_finds_it_and_another_model_does_not(
    region: Any, workspace: Any, folder: Path
) -> None:
    (output,) = outputs_of(workspace, "first", "explain")
    (model,) = [
        o for o in outputs_of(workspace, "first", "train") if o["wanted"]["unit"] == "model"
    ]
    found = find_explanation(workspace, model["_id"])
    assert found is not None
    assert found.id == output["_id"]
    assert find_explanation(workspace, "0" * 16) is None
    run(region, "again", "explain")
    assert [o["_id"] for o in outputs_of(workspace, "again", "explain")] == [output["_id"]]
    state = workspace.records.find("units", {"run": "again", "stage": "explain"})[0]
    assert state["state"] == "reused"


def test_the_report_shows_it(region: Any, workspace: Any, folder: Path) -> None:
    run(region, "whole", "publish")
    (output,) = outputs_of(workspace, "whole", "publish")
    report = Path(workspace.objects.href(output["key"], ""))
    for name in (TABLE, PICTURE, DRAWING):
        assert (report / name).read_bytes() == (folder / name).read_bytes()
    made, shown = (Explanation.from_json((f / DOCUMENT).read_text()) for f in (folder, report))
    assert shown == made.model_copy(update={"notes": (*made.notes, NOT_VALIDATED)})
    assert (report / PAGE).read_text().count(NOT_VALIDATED) == 1
    assert NOT_VALIDATED not in (folder / PAGE).read_text()
    page = (report / "index.html").read_text()
    assert f'href="{PAGE}"' in page
    assert f'src="{PICTURE}"' in page


def test_a_network_is_explained_without_shapley_values(region: Any, workspace: Any) -> None:
    run(region, "net", "explain", "model.kind=mlp", "model.hidden=[8]", "model.epochs=5")
    (output,) = outputs_of(workspace, "net", "explain")
    folder = Path(workspace.objects.href(output["key"], ""))
    found = json.loads((folder / DOCUMENT).read_text())
    assert found["features"] == []
    assert len(found["clusters"]) > 3
    assert "neural network" in (folder / PAGE).read_text()
    rows = list(csv.DictReader((folder / TABLE).read_text().splitlines()))
    assert len(rows) == 26
    assert {row["shap"] for row in rows} == {""}
