"""An experiment on a simulated tile: ordinary runs, one table, one page, and nothing twice."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from landcover import api
from landcover.analysis.experiment_results import answers_of
from landcover.cli import cli
from landcover.simulate import simulate

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
FILE = f"""
name: small
recipe: {RECIPE}
set:
  seasons: [{{name: summer, primary_month: 6, fallback_month: 7}}]
  composite.layers: [B02, B03, B04, B08]
  features.indices: [ndvi]
  features.terrain: []
  model.trees: 5
  validation.splits: []
  validation.seeds: 1
baselines:
  ours: {{}}
factors:
  sampling:
    full-map: {{sampling.strategy: full-map, sampling.distance_m: 60, sampling.erosion: 3,
                sampling.mapping: mediterranean, sampling.samples_per_class: 8}}
  mapless:
    no-map: {{sampling.strategy: enhanced, sampling.mapping: {{1: nowhere}}}}
  features:
    few: {{features.indices: []}}
"""


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return simulate(
        tmp_path_factory.mktemp("experiment") / "region", tiles=("30SUF",), pixels=240,
        points_per_class=6, seed=5,
    )  # fmt: skip


@pytest.fixture(scope="module")
def done(region: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("experiment")
    (folder / "e.yaml").write_text(FILE)
    command = [
        "experiment", str(folder / "e.yaml"), "--year", str(region.year),
        "--products", str(region.products), "--labels", str(region.labels),
        "--label-map", str(region.truth["30SUF"]), "--out", str(folder / "out"),
        "--workspace", str(folder / "ws"), "--json",
    ]  # fmt: skip
    result = CliRunner().invoke(cli, command)
    return folder, command, result


def test_one_table_with_figures_of_every_case(done: Any) -> None:
    folder, _, result = done
    assert result.exit_code == 1, result.output  # one case cannot be run
    found = json.loads(result.stdout)
    cases = {case["name"]: case for case in found["cases"]}
    assert list(cases) == ["ours", "ours.full-map", "ours.no-map", "ours.few"]
    assert "nowhere" in cases["ours.no-map"]["trouble"]
    assert cases["ours.no-map"]["common"] is None
    base = cases["ours"]
    assert base["difference"] is None
    assert 0.3 < base["common"]["overall"] <= 1
    for name in ("ours.full-map", "ours.few"):
        case = cases[name]
        assert case["common"]["n_rows"] == base["common"]["n_rows"] == found["n_common"]
        low, high = case["difference"]["interval"]
        assert low <= case["difference"]["overall"] <= high
        expected = case["common"]["overall"] - base["common"]["overall"]
        assert case["difference"]["overall"] == pytest.approx(expected)
    assert sum(one["percent"] for one in base["classes"]) == pytest.approx(100, abs=0.1)
    # The composites are made once: a later case is cheaper by itself than as a whole.
    few = cases["ours.few"]["cost"]
    assert 0 < few["own_seconds"] < few["seconds"]
    assert few["peak_mb"] >= few["mean_mb"] > 50
    with (folder / "out" / "experiment.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [row["case"] for row in table] == list(cases)
    page = (folder / "out" / "index.html").read_text()
    assert "SIMULATED DATA" in page
    for case in ("ours", "ours.full-map", "ours.few"):
        assert (folder / "out" / "maps" / f"{case}.png").stat().st_size > 100
        assert f"maps/{case}.png" in page


def test_a_second_call_computes_nothing(done: Any) -> None:
    folder, command, first = done
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(folder / "ws"))
        records = api.open_workspace().records
        before = {d["_id"]: d["created"] for d in records.find("outputs")}
        again = CliRunner().invoke(cli, command)
        assert {d["_id"]: d["created"] for d in records.find("outputs")} == before
    assert json.loads(again.stdout) == json.loads(first.stdout)


def test_cases_are_judged_on_the_same_labels(done: Any) -> None:
    folder, _, _ = done
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(folder / "ws"))
        workspace = api.open_workspace()
        one, other = (answers_of(workspace, f"small.{n}.s0") for n in ("ours", "ours.full-map"))
    assert one.index.sort_values().equals(other.index.sort_values())
    assert not other["code"].isna().any()
    assert (one["answer"] > 0).all()


def test_the_full_factorial_is_estimated_first(done: Any) -> None:
    _, command, _ = done
    result = CliRunner().invoke(cli, [*command, "--full"])
    assert result.exit_code == 0, result.output
    assert "8 cases, 5 seeds: 40 runs, about" in result.output
    assert "Add --yes to run them." in result.output
