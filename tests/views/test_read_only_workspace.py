"""A workspace on a disk that is mounted read-only: readers are answered, writers told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from unwritable import run_unwritable
from workspaces import copy_workspace

from landcover import api
from landcover.simulate import simulate

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
COMMANDS = """
import json, sys
from click.testing import CliRunner
from landcover import api
from landcover.cli import cli

said = {}
for command in json.loads(sys.argv[1]):
    result = CliRunner().invoke(cli, command)
    said[command[0]] = [result.exit_code, result.output]
opened = api.open_map(sys.argv[2])
said["open_map"] = [int((opened["classification"] > 0).sum()), str(opened.attrs["id"])]
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    folder = tmp_path_factory.mktemp("made")
    region = simulate(folder / "region", tiles=("30SUF",), pixels=240, points_per_class=12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(folder / "workspace"))
        api.start_run(
            "made", RECIPE, year=region.year, products=str(region.products),
            labels=str(region.labels), dem=str(region.dem), until="classify",
            overrides=["model.trees=5"],
        )  # fmt: skip
        assert api.run_inline("made")["state"] == "done"
    return region, folder / "workspace"


def said_in(workspace: Path, *commands: list[str]) -> dict[str, Any]:
    (record,) = api.open_workspace().records.find("outputs", {"wanted.stage": "classify"})
    done = run_unwritable(workspace, COMMANDS, json.dumps(commands), record["_id"])
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def test_it_is_read(made: tuple[Any, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    region, workspace = made
    monkeypatch.setenv("LANDCOVER_WORKSPACE", str(workspace))
    before = sorted(place.relative_to(workspace) for place in workspace.rglob("*"))
    arguments = [
        str(RECIPE), "--year", str(region.year), "--products", str(region.products), "--labels",
        str(region.labels), "--dem", str(region.dem), "--set", "model.trees=5",
    ]  # fmt: skip
    said = said_in(
        workspace,
        ["status", "made"],
        ["model", "list"],
        ["verify", "made"],
        ["run", *arguments, "--until", "classify", "--plan"],
        ["samples", "made"],
    )
    assert {name: code for name, (code, _) in said.items() if name != "open_map"} == dict.fromkeys(
        ("status", "model", "verify", "run", "samples"), 0
    )
    assert "made: done" in said["status"][1]
    assert "candidate" in said["model"][1]
    assert "0 of" in said["run"][1]
    assert said["open_map"][0] > 0
    assert sorted(place.relative_to(workspace) for place in workspace.rglob("*")) == before


def test_what_writes_says_that_it_is_read_only_and_damage_is_told(
    made: tuple[Any, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    region, workspace = made
    copy = tmp_path / "copy"
    copy_workspace(workspace, copy)
    monkeypatch.setenv("LANDCOVER_WORKSPACE", str(copy))
    (damaged,) = (copy / "objects" / "models").glob("*/arrays.npz")
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 4
    damaged.unlink()  # a link to the bytes of the other workspace
    damaged.write_bytes(data)
    said = said_in(
        copy,
        ["model", "approve", damaged.parent.name, "--reason", "tried"],
        ["run", str(RECIPE), "--year", "2021", "--products", str(region.products), "--until",
         "composite", "--set", "composite.layers=[B04]"],
        ["verify", "made"],
    )  # fmt: skip
    for name in ("model", "run"):
        code, sentence = said[name]
        assert code == 1
        assert sentence.startswith("Error: ")
        assert sentence.count("\n") == 1
        assert "the workspace is read-only here" in sentence
    code, text = said["verify"]
    assert code == 1
    assert "arrays.npz" in text
    assert text.splitlines()[-1] == (
        "The workspace is read-only here: verify where it can be written to."
    )
    assert damaged.exists()
