"""Damaged bytes never become a map: they are told, set aside, and made again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from landcover import api
from landcover.cli import cli
from landcover.ledger import models, outputs, units
from landcover.simulate import SimulatedRegion, simulate

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> SimulatedRegion:
    folder = tmp_path_factory.mktemp("region")
    return simulate(folder, tiles=("30SUF",), pixels=240, points_per_class=12, seed=3)


def run(region: SimulatedRegion, name: str, *overrides: str) -> dict[str, Any]:
    api.start_run(
        name,
        RECIPE,
        year=region.year,
        products=str(region.products),
        labels=str(region.labels),
        dem=str(region.dem),
        until="classify",
        overrides=["model.trees=5", *overrides],
    )
    return api.run_inline(name)


def files_of(stage: str) -> dict[str, Path]:
    workspace = api.open_workspace()
    return {
        f"{document['_id']}/{file['name']}": Path(
            workspace.objects.href(document["key"], file["name"] or None)
        )
        for document in workspace.records.find("outputs", {"wanted.stage": stage})
        for file in document["files"]
    }


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def checksums(stage: str) -> dict[str, str]:
    return {n: hashlib.sha256(p.read_bytes()).hexdigest() for n, p in files_of(stage).items()}


def test_a_flipped_bit_is_told_and_mended(region: SimulatedRegion, workspace_folder: Path) -> None:
    assert run(region, "first")["state"] == "done"
    before = {stage: checksums(stage) for stage in ("composite", "sample", "train", "classify")}
    damaged = next(path for path in files_of("composite").values() if path.name == "B04.tif")
    flip(damaged)
    # Another model reads the composite again.
    run(region, "second", "model.trees=6")
    records = api.open_workspace().records
    failed = [s for s in units.states(records, "second") if s.state == "failed"]
    assert [s.stage for s in failed] == ["classify"]
    assert "B04.tif" in failed[0].message
    assert "CRC-32C" in failed[0].message
    assert failed[0].message.endswith("is set aside now: run the same command again.")
    assert not damaged.exists()
    assert list((workspace_folder / "objects" / "damaged").glob("*/B04.tif"))
    assert run(region, "second", "model.trees=6")["state"] == "done"
    assert checksums("composite") == before["composite"]
    # What was not stale was not made again.
    states = {(s.stage, s.unit.id): s.state for s in units.states(records, "second")}
    assert [k for k, state in states.items() if k[0] == "composite" and state == "done"]
    assert sum(state == "done" for (stage, _), state in states.items() if stage == "composite") == 1


@pytest.mark.parametrize(
    ("stage", "name", "again"),
    [
        ("train", "arrays.npz", "classify.keep=[entropy]"),
        ("sample", "", "model.trees=7"),
        ("terrain", "slope.tif", "model.trees=8"),
    ],
)
def test_models_and_tables_too(
    region: SimulatedRegion, workspace_folder: Path, stage: str, name: str, again: str
) -> None:
    assert run(region, "first")["state"] == "done"
    before = checksums(stage)
    place = next(k for k in before if k.endswith(f"/{name}"))
    flip(files_of(stage)[place])
    command = ["verify", "first", "--workspace", str(workspace_folder), "--json", "--keep"]
    told = CliRunner().invoke(cli, command)
    assert told.exit_code == 1
    assert list(json.loads(told.stdout)["damaged"]) == [place.split("/")[0]]
    if stage == "sample":  # a sample set that exists is not read from its tables
        command.remove("--keep")
        assert CliRunner().invoke(cli, command).exit_code == 1
    else:
        run(region, "second", again)
        states = units.states(api.open_workspace().records, "second")
        assert any(s.state == "failed" and place.split("/")[0] in s.message for s in states)
    assert run(region, "second", again)["state"] == "done"
    assert checksums(stage)[place] == before[place]
    assert CliRunner().invoke(cli, [*command, "--keep"]).exit_code == 0


def test_a_remade_model_with_other_bytes_is_a_candidate_again(
    region: SimulatedRegion, workspace_folder: Path
) -> None:
    run(region, "first")
    workspace = api.open_workspace()
    (entry,) = models.entries(workspace.records)
    models.decide(workspace.records, entry.id, "approved", "looked at")
    output = outputs.load(workspace, entry.id)
    models.register(workspace.records, output)
    assert models.find_entry(workspace, entry.id).status == "approved"
    other = tuple(f.model_copy(update={"sha256": "0" * 64}) for f in output.files)
    models.register(workspace.records, output.model_copy(update={"files": other}))
    again = models.find_entry(workspace, entry.id)
    assert again.status == "candidate"
    assert "other bytes" in again.reason
