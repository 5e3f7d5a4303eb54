"""What a newcomer forgets is told before anything is computed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from landcover.analysis.map_accuracy import plan_sample
from landcover.cli import cli
from landcover.cli.demo import simulate_once
from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.simulate import simulate
from landcover.stores.rasters import RasterStyle, write_raster

RECIPE = str(Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml")


@pytest.fixture(scope="module")
def products(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("region")
    return str(simulate(folder, tiles=("30SUF",), pixels=240).products)


def plan(products: str, workspace: Path, *more: str) -> tuple[int, str]:
    words = ["run", RECIPE, "--year", "2021", "--products", products, "--plan", *more]
    shown = CliRunner().invoke(cli, [*words, "--workspace", str(workspace)])
    return shown.exit_code, " ".join(shown.output.split())


def test_a_forgotten_dem_is_told(products: str, tmp_path: Path) -> None:
    _, told = plan(products, tmp_path / "w")
    assert (
        "note: no --dem, so the map is made without slope, aspect, dem. Give --dem FOLDER" in told
    )
    _, told = plan(products, tmp_path / "w", "--set", "features.terrain=[]")
    assert "no --dem" not in told
    _, told = plan(products, tmp_path / "w", "--until", "composite")
    assert "no --dem" not in told


def test_tiles_without_products_are_refused_with_those_that_have_some(
    products: str, tmp_path: Path
) -> None:
    code, told = plan(products, tmp_path / "w", "--tiles", "31UDS")
    assert code == 1
    assert "no product of 31UDS; it has products of 30SUF" in told
    code, _ = plan(products, tmp_path / "w", "--tiles", "31UDS,30SUF")
    assert code == 0  # a single tile without products is skipped with its reason


def test_too_few_points_for_the_classes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"3 points in all are too few for 2 classes.*draw 4"):
        plan_sample({1: 10.0, 2: 20.0}, samples=3)
    assert sum(plan_sample({1: 10.0, 2: 20.0}, samples=4).samples.values()) == 4
    codes = np.repeat(np.arange(1, 4, dtype=np.uint8), 300).reshape(30, 30)
    grid = Grid(crs="EPSG:32630", ulx=300000, uly=4000000, pixel=10, width=30, height=30)
    write_raster(tmp_path / "map.tif", codes, grid, RasterStyle("uint8", 0))
    shown = CliRunner().invoke(cli, ["design", str(tmp_path / "map.tif"), "--samples", "5"])
    assert shown.exit_code == 1
    assert "5 points in all are too few for 3 classes" in shown.output


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands_as_the_readme_says(shell: str) -> None:
    asked = {**os.environ, "_LANDCOVER_COMPLETE": f"{shell}_source"}
    program = [sys.executable, "-c", "import sys; sys.argv[0] = 'landcover'\n"
               "from landcover.cli import main; main()"]  # fmt: skip
    shown = subprocess.run(program, env=asked, capture_output=True, text=True, check=False)
    assert f"_LANDCOVER_COMPLETE={shell}_complete" in shown.stdout
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert f"{shell}_source" in readme


def test_a_run_that_failed_names_its_log(
    products: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Airflow itself is started elsewhere; here it ends before any unit began.
    monkeypatch.setattr("landcover.airflow_process.run_dag", lambda *_, **__: 1)
    words = ["run", RECIPE, "--year", "2021", "--products", products, "--until", "collect"]
    shown = CliRunner().invoke(cli, [*words, "--workspace", str(tmp_path / "w s")])
    assert shown.exit_code == 1
    (line,) = [line for line in shown.output.splitlines() if line.startswith("  log: ")]
    assert re.fullmatch(rf"  log: {tmp_path}/w s/airflow-run/mediterranean-rf-\w+/run\.log", line)


def test_only_who_looks_for_something_is_pointed_to_the_demo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a clone after `make demo`: a recipe that is wrong is no matter of the workspace."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LANDCOVER_WORKSPACE", raising=False)
    (tmp_path / "demo" / "workspace").mkdir(parents=True)
    (tmp_path / "recipe.yaml").write_text("name: x\nsaesons: []\n")
    wrong = CliRunner().invoke(cli, ["recipe", "check", "recipe.yaml"])
    assert "did you mean 'seasons'" in wrong.output
    assert "The demo is in another workspace" not in wrong.output
    absent = CliRunner().invoke(cli, ["status"])
    assert absent.exit_code == 1
    assert absent.output.splitlines()[-1] == (
        "The demo is in another workspace: add --workspace demo/workspace."
    )


def test_the_demo_removes_nothing_that_it_did_not_write(tmp_path: Path) -> None:
    mine = tmp_path / "region" / "borders.geojson"
    mine.parent.mkdir()
    mine.write_text("years of work")
    shown = CliRunner().invoke(cli, ["demo", "--folder", str(tmp_path), "--pixels", "240"])
    assert shown.exit_code == 2
    assert "found something else, which is not removed" in " ".join(shown.output.split())
    assert mine.read_text() == "years of work"


def test_the_demo_goes_on_after_a_simulation_that_was_stopped(tmp_path: Path) -> None:
    half = tmp_path / "region"
    (half / "products").mkdir(parents=True)
    (half / "SIMULATED.txt").touch()
    made = simulate_once(half, 240, 0, quiet=True)
    assert Path(made["products"]).is_dir()
