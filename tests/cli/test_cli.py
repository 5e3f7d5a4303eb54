"""The command line: examples in every help, exit codes, one sentence per error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from landcover.cli import COMMANDS, cli
from landcover.cli import simulate as simulate_command
from landcover.simulate import SimulatedRegion, simulate
from landcover.simulate.spectra import SEASONS

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"

INSIDE = {"masks": ["evaluate"], "recipe": ["check"], "model": ["compare"]}
"""Commands that hold others, with one of these."""


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments])


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> SimulatedRegion:
    folder = tmp_path_factory.mktemp("cli") / "region"
    return simulate(folder, tiles=("30SUF",), pixels=240, points_per_class=10, seed=5)


@pytest.fixture
def run_options(region: SimulatedRegion, workspace_folder: Path) -> list[str]:
    return [
        str(RECIPE), "--year", str(region.year), "--products", str(region.products),
        "--labels", str(region.labels), "--dem", str(region.dem),
        "--workspace", str(workspace_folder),
    ]  # fmt: skip


def test_every_command_is_listed_and_its_help_has_an_example() -> None:
    listing = call("--help")
    assert listing.exit_code == 0
    for name in COMMANDS:
        assert name in listing.output
        words = [name, *INSIDE.get(name, ())]
        shown = call(*words, "--help")
        assert shown.exit_code == 0
        assert "Example:" in shown.output, name
        assert "--json" in shown.output, name


def test_recipe_check_shows_the_whole_recipe() -> None:
    shown = call("recipe", "check", str(RECIPE), "--set", "model.trees=7", "--json")
    assert shown.exit_code == 0
    document = json.loads(shown.output)
    assert document["recipe"]["model"]["trees"] == 7
    assert document["recipe"]["selection"]["max_products"] == 5


def test_recipe_check_knows_which_bands_an_index_along_time_needs() -> None:
    shares = "shares: [{layer: B08, above: 0.2}]"
    along = f"composite.statistics={{layers: [ndvi], metrics: [max], {shares}}}"
    check = ("recipe", "check", str(RECIPE), "--set", along)
    shown = call(*check, "--set", "features.log_shape={bands: [B04, B08]}", "--json")
    document = json.loads(shown.output)["recipe"]
    assert document["composite"]["statistics"]["metrics"] == ["max"]
    assert document["composite"]["statistics"]["shares"][0]["above"] == 0.2
    assert document["features"]["log_shape"] == {"bands": ["B04", "B08"]}
    refused = call(*check, "--set", "composite.layers=[B08]", "--set", "features.indices=[]")
    assert refused.exit_code != 0
    assert "ndvi (paper) is computed from B08 and B04, and composite.layers lacks B04" in (
        " ".join(refused.output.split())
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name: a\nseasons: []\nsaesons: 1\n", "did you mean 'seasons'"),
        ("name: a\n", "'seasons' is missing"),
        ("- 1\n", "a recipe is a table"),
        ("name: [\n", "not valid YAML"),
    ],
)
def test_a_wrong_recipe_is_bad_usage(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    shown = call("recipe", "check", str(path))
    assert shown.exit_code == 2
    assert shown.output.startswith("Error: ")
    assert sentence in shown.output
    assert "Traceback" not in shown.output
    assert shown.output.count("\n") == 1


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("name: a\n")
    assert "Traceback" in call("recipe", "check", str(path), "--debug").output


def test_a_missing_argument_is_bad_usage() -> None:
    assert call("run", str(RECIPE)).exit_code == 2
    assert call("run", "no-such-recipe.yaml", "--year", "2021", "--products", ".").exit_code == 2
    assert call("no-such-command").exit_code == 2


def test_an_empty_folder_of_products_fails_with_a_sentence(
    tmp_path: Path, workspace_folder: Path
) -> None:
    shown = call(
        "run", str(RECIPE), "--year", "2021", "--products", str(tmp_path),
        "--workspace", str(workspace_folder),
    )  # fmt: skip
    assert shown.exit_code == 1
    assert "no Sentinel-2 L2A product here" in shown.output


@pytest.mark.slow
def test_a_plan_computes_nothing_and_names_every_step(
    run_options: list[str], workspace_folder: Path
) -> None:
    shown = call("run", *run_options, "--plan", "--json")
    assert shown.exit_code == 0, shown.output
    steps = json.loads(shown.output)
    assert {s["stage"] for s in steps} >= {"collect", "mask", "classify", "publish"}
    assert {s["action"] for s in steps} == {"reuse", "compute", "wait"}
    assert not list((workspace_folder / "objects").glob("composites/*"))


@pytest.mark.slow
def test_a_plan_says_what_made_a_step_stale(
    region: SimulatedRegion, run_options: list[str], workspace_folder: Path
) -> None:
    from landcover import api

    api.start_run(
        "before", RECIPE, year=region.year, products=str(region.products),
        labels=str(region.labels), dem=str(region.dem),
    )  # fmt: skip
    assert api.run_inline("before")["state"] == "done"
    unchanged = call("run", *run_options, "--plan")
    assert "0 of " in unchanged.output, unchanged.output
    changed = call("run", *run_options, "--plan", "--why", "--set", "mask.growth_m=300")
    assert "growth_m: 600.0 → 300.0" in changed.output, changed.output
    retrained = call("run", *run_options, "--plan", "--why", "--set", "model.trees=30")
    line = next(x for x in retrained.output.splitlines() if x.split()[1] == "train")
    assert line.startswith("compute")
    assert "trees: 100 → 30" in line
    assert all(x.startswith("reuse") for x in retrained.output.splitlines() if " composite " in x)

    status = call("status", "--json", "--workspace", str(workspace_folder))
    assert status.exit_code == 0
    document: dict[str, Any] = json.loads(status.output)
    assert document["run"] == "before"
    assert document["state"] == "done"
    assert document["stages"]["classify"] == {"done": 1}


def test_an_estimate_is_told_before_any_run_and_leaves_nothing(
    run_options: list[str], workspace_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANDCOVER_WORKER_HOUR_PRICE", "2.5")
    shown = call("estimate", *run_options, "--workers", "3", "--json")
    assert shown.exit_code == 0, shown.output
    told = json.loads(shown.stdout)
    assert (told["n_tiles"], told["n_workers"]) == (1, 3)
    assert told["price"]["value"] == pytest.approx(2.5 * told["worker_hours"]["value"])
    assert told["n_products"] == round(told["stages"]["collect"]["products"] / (240 / 10980) ** 2)
    # Thousands of points: ten of each class, all of them in this tile.
    assert 0 < told["stages"]["sample"]["points"] <= 0.2
    assert told["wall_seconds"]["low"] < told["wall_seconds"]["value"]
    text = call("estimate", *run_options)
    assert "No earlier run of this workspace has records" in text.output
    assert "with 1 worker\n" in text.output
    assert not workspace_folder.exists()


def test_a_wrong_estimate_is_bad_usage(run_options: list[str], workspace_folder: Path) -> None:
    shown = call("estimate", *run_options, "--workers", "0")
    assert shown.exit_code == 2
    assert shown.output == "Error: Workers: expected 1 or more, found 0. Name how many work.\n"
    assert call("estimate", "no-such-recipe.yaml", *run_options[1:]).exit_code == 2


def test_status_of_an_unknown_run_fails(workspace_folder: Path) -> None:
    shown = call("status", "nonsense", "--workspace", str(workspace_folder))
    assert shown.exit_code == 1
    assert "Run nonsense: workspace" in shown.output
    assert "has no run yet" in shown.output


def test_simulate_tells_where_things_are(tmp_path: Path) -> None:
    shown = call(
        "simulate", str(tmp_path / "region"), "--tiles", "30SUF", "--pixels", "240",
        "--points", "5", "--json",
    )  # fmt: skip
    assert shown.exit_code == 0, shown.output
    paths = json.loads(shown.output)
    assert Path(paths["labels"]).is_file()
    assert Path(paths["products"]).is_dir()


def test_simulate_writes_one_season_if_asked(tmp_path: Path) -> None:
    folder = tmp_path / "region"
    shown = call(
        "simulate", str(folder), "--tiles", "30SUF", "--pixels", "240", "--points", "5",
        "--season", "summer", "--products-per-season", "4", "--only-usable",
    )  # fmt: skip
    assert shown.exit_code == 0, shown.output
    assert [path.name[15:17] for path in (folder / "products").iterdir()] == ["06"] * 4


def test_simulate_refuses_in_one_sentence(tmp_path: Path) -> None:
    for words, said in (
        (["--pixels", "10986"], "240 to 10980"),
        (["--products-per-season", "9"], "3 to 6"),
        (["--tiles", "99XYZ"], "not a Sentinel-2 tile"),
    ):
        shown = call("simulate", str(tmp_path / "region"), *words)
        assert shown.exit_code == 1
        assert said in shown.output
        assert "Traceback" not in shown.output
    assert not (tmp_path / "region").exists()


def test_simulate_knows_the_seasons_of_the_simulator() -> None:
    assert simulate_command.SEASONS == SEASONS


def test_the_shipped_recipe_is_plain_yaml_with_all_sections() -> None:
    document = yaml.safe_load(RECIPE.read_text())
    assert {"seasons", "selection", "mask", "composite", "terrain", "features"} <= set(document)


@pytest.mark.slow
def test_only_one_stage_computes(region: SimulatedRegion, workspace_folder: Path) -> None:
    from landcover import api
    from landcover.ledger import units

    known: dict[str, Any] = {
        "year": region.year, "products": str(region.products), "labels": str(region.labels),
        "dem": str(region.dem), "overrides": ["model.trees=4"],
    }  # fmt: skip
    records = api.open_workspace().records

    def states(run: str) -> dict[str, str]:
        return {f"{s.stage} {s.unit.id}": s.state for s in units.states(records, run)}

    api.start_run("whole", RECIPE, until="sample", **known)
    assert api.run_inline("whole")["state"] == "done"
    api.start_run("only-train", RECIPE, only="train", **known)
    assert api.run_inline("only-train")["state"] == "done"
    found = states("only-train")
    assert found["train all"] == "done"
    assert {state for unit, state in found.items() if not unit.startswith("train")} == {"reused"}
    assert not any(unit.startswith("classify") for unit in found)

    other = {**known, "overrides": ["model.trees=4", "mask.growth_m=200"]}
    api.start_run("only-later", RECIPE, only="train", **other)
    assert api.run_inline("only-later")["state"] == "failed"
    lost = [s for s in units.states(records, "only-later") if s.stage == "mask"]
    assert {s.state for s in lost} == {"skipped"}
    told = "--only train computes no other stage. Run --until mask first"
    assert all(told in s.message for s in lost)
