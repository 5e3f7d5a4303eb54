"""Runs, maps, models and sample sets are named alike everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from landcover.cli import cli
from landcover.errors import InputError
from landcover.ledger import lookup, outputs, units
from landcover.nouns.output import Output, Wanted
from landcover.nouns.run import Run, RunArguments, Stage, Unit, UnitState
from landcover.stores.records import SqliteRecords
from landcover.stores.workspace import Workspace, open_workspace

GRID = {"crs": "EPSG:32630", "ulx": 0.0, "uly": 0.0, "pixel": 10.0, "width": 1, "height": 1}


def run(workspace: Workspace, name: str, started: str, model: str | None = None) -> None:
    arguments = RunArguments(tiles=("30SUF",), year=2021, products="/p", model=model)
    document = Run(id=name, recipe_id="r", arguments=arguments, label_id=None, simulated=False)
    workspace.records.replace_one(
        "runs", {"_id": name, "run": document.to_document(), "started": started}
    )


def output(
    workspace: Workspace, run_name: str, stage: Stage, unit: str, stats: dict[str, Any]
) -> str:
    wanted = Wanted(stage=stage, version=1, unit=unit, inputs={}, params={"run": run_name})
    made = Output(id=wanted.id, wanted=wanted, key="", files=(), stats=stats)
    workspace.records.replace_one(outputs.COLLECTION, {"_id": made.id, **made.to_document()})
    state = UnitState(
        run=run_name, stage=stage, unit=Unit(id=unit, label=unit), state="done", outputs=(made.id,)
    )
    units.save(workspace.records, state)
    return made.id


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(f"file://{tmp_path}/w/objects", f"sqlite://{tmp_path}/w/records.sqlite")


@pytest.fixture
def made(workspace: Workspace) -> dict[str, str]:
    """Two runs with all, a newer one without anything."""
    ids: dict[str, str] = {}
    for name, day in (("demo-old", "1"), ("demo-new", "2")):
        run(workspace, name, f"2026-01-0{day}")
        ids[f"{name} samples"] = output(workspace, name, "train", "samples", {})
        ids[f"{name} model"] = output(workspace, name, "train", "model", {})
        workspace.records.replace_one("models", {"_id": ids[f"{name} model"]})
        ids[f"{name} tile"] = output(workspace, name, "classify", "30SUF", {"grid": GRID})
        ids[f"{name} map"] = output(workspace, name, "mosaic", "32630", {"grid": GRID})
        ids[f"{name} report"] = output(workspace, name, "publish", "all", {})
    run(workspace, "begun", "2026-01-03")
    return ids


FINDERS = {
    "map": lambda w, text: lookup.find_maps(w, text)[0].id,
    "report": lambda w, text: lookup.find_result(w, text).id,
    "model": lookup.find_model,
    "samples": lambda w, text: lookup.find_samples(w, text).id,
}


@pytest.mark.parametrize("kind", FINDERS)
def test_each_kind_is_found_by_id_prefix_run_prefix_of_a_run_and_latest(
    workspace: Workspace, made: dict[str, str], kind: str
) -> None:
    find = FINDERS[kind]
    old, new = made[f"demo-old {kind}"], made[f"demo-new {kind}"]
    for text in (old, old[:12], "demo-old", "demo-o"):
        assert find(workspace, text) == old
    assert find(workspace, "latest") == new  # the newest run that has one, not the newest run


@pytest.mark.parametrize("kind", FINDERS)
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("demo", r"2 runs and .* of workspace /.*/w begin so \(demo-new, demo-old\)"),
        ("begun", r"Run begun has"),
        ("zzz", r"workspace /.*/w has an id that begins so, nor a run such a name"),
        ("", r"workspace /.*/w has an id that begins so, nor a run such a name"),
    ],
)
def test_what_is_not_clear_is_refused_with_the_workspace(
    workspace: Workspace, made: dict[str, str], kind: str, text: str, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        FINDERS[kind](workspace, text)


def test_a_run_is_found_by_name_prefix_and_latest(
    workspace: Workspace, made: dict[str, str]
) -> None:
    assert lookup.find_run(workspace, "demo-o") == "demo-old"
    assert lookup.find_run(workspace, "latest") == "begun"
    with pytest.raises(InputError, match=r"2 runs of workspace .* begin so"):
        lookup.find_run(workspace, "demo")


def test_a_run_that_used_a_model_stands_for_it(workspace: Workspace, made: dict[str, str]) -> None:
    run(workspace, "again", "2026-01-04", model=made["demo-old model"])
    assert lookup.find_model(workspace, "again") == made["demo-old model"]


def test_whole_names_win_over_beginnings(workspace: Workspace, made: dict[str, str]) -> None:
    run(workspace, "demo", "2025-01-01")
    assert lookup.find_run(workspace, "demo") == "demo"


def test_an_empty_workspace_says_so(workspace: Workspace) -> None:
    with pytest.raises(InputError, match=r"Map latest: workspace /.*/w has no map yet"):
        lookup.find_maps(workspace, "latest")


@pytest.mark.parametrize(
    "command",
    [
        ("status",),
        ("status", "latest"),
        ("report", "latest"),
        ("receipt", "abc"),
        ("doctor", "latest"),
        ("areas", "abc", __file__),
        ("design", "latest"),
        ("accuracy", "latest", __file__),
        ("compare", "latest", "abc"),
        ("label-next", "latest"),
        ("samples", "list"),
        ("samples", "latest"),
        ("model", "list"),
        ("model", "show", "latest"),
        ("features", "--tile", "30SUF"),
    ],
)
def test_commands_that_only_read_create_nothing(tmp_path: Path, command: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(cli, [*command, "--workspace", str(tmp_path / "w")])
    assert not (tmp_path / "w").exists(), shown.output
    assert shown.exit_code in (0, 1, 2)
    assert "Traceback" not in shown.output


def test_records_that_were_never_written_are_empty(tmp_path: Path) -> None:
    records = SqliteRecords(tmp_path / "w" / "records.sqlite")
    assert records.find("runs") == []
    assert records.get("runs", "a") is None
    assert records.count_documents("runs") == 0
    assert list(tmp_path.iterdir()) == []
    records.insert_one("runs", {"_id": "a"})
    assert records.count_documents("runs") == 1


def test_a_demo_beside_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LANDCOVER_WORKSPACE", raising=False)
    (tmp_path / "demo" / "workspace").mkdir(parents=True)
    for command in (("status",), ("model", "list"), ("samples", "list"), ("report", "latest")):
        shown = CliRunner().invoke(cli, list(command))
        assert "--workspace demo/workspace" in shown.output, command
    elsewhere = CliRunner().invoke(cli, ["status", "--workspace", str(tmp_path / "w")])
    assert "demo/workspace" not in elsewhere.output
