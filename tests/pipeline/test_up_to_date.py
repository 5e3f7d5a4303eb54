"""A run that would compute nothing is found out before anything is started."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from landcover import api
from landcover.ledger import outputs
from landcover.nouns import stages
from landcover.pipeline.starting import resolve
from landcover.pipeline.up_to_date import find_same_run
from landcover.simulate import SimulatedRegion, simulate

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[SimulatedRegion, Path]:
    """A region and a workspace with a whole run of it."""
    folder = tmp_path_factory.mktemp("made")
    region = simulate(folder / "region", tiles=("30SUF",), pixels=240, points_per_class=12, seed=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(folder / "workspace"))
        api.start_run("first", RECIPE, **options(region.folder))
        assert api.run_inline("first")["state"] == "done"
    return region, folder / "workspace"


@pytest.fixture
def copy(made: tuple[SimulatedRegion, Path], tmp_path: Path, workspace_folder: Path) -> Path:
    """The same, in folders that a test may change."""
    region, workspace = made
    shutil.copytree(region.folder, tmp_path / "region", copy_function=shutil.copy2)
    shutil.copytree(workspace, workspace_folder)
    # Paths are among the arguments, so the copy is a run of its own.
    api.start_run("copied", RECIPE, **options(tmp_path / "region"))
    assert api.run_inline("copied")["state"] == "done"
    assert same(tmp_path / "region") == "copied"
    return tmp_path / "region"


def options(folder: Path) -> dict[str, Any]:
    labels = next(folder.glob("labels*.geojson"))
    return {
        "year": 2021,
        "products": str(folder / "products"),
        "labels": str(labels),
        "dem": str(next(p for p in folder.iterdir() if p.name.startswith("dem"))),
        "overrides": ["model.trees=5"],
    }


def same(folder: Path, **changes: Any) -> str | None:
    recipe, arguments = resolve(RECIPE, **{**options(folder), **changes})
    return find_same_run(api.open_workspace(), recipe, arguments)


def test_other_arguments_are_another_run(copy: Path) -> None:
    assert same(copy, overrides=["model.trees=6"]) is None
    assert same(copy, until="classify") is None


def test_a_late_product(copy: Path) -> None:
    product = next((copy / "products").iterdir())
    late = product.with_name(product.name.replace("_T30SUF_2021", "_T30SUF_2022"))
    shutil.copytree(product, late)
    assert same(copy) is None
    shutil.rmtree(late)
    assert same(copy) == "copied"
    # A product of another tile is none of this run's business.
    shutil.copytree(product, product.with_name(product.name.replace("30SUF", "30SUG")))
    assert same(copy, tiles=["30SUF"]) == "copied"


def test_a_changed_label_file_of_equal_size(copy: Path) -> None:
    path = Path(options(copy)["labels"])
    text, state = path.read_text(), path.stat()
    place = text.index('"coordinates"') + len('"coordinates": [-4.')
    digit = next(i for i in range(place, place + 40) if text[i].isdigit())
    other = str((int(text[digit]) + 1) % 10)
    path.write_text(text[:digit] + other + text[digit + 1 :])
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert path.stat().st_size == state.st_size
    assert same(copy) is None


@pytest.mark.parametrize("damage", ["withdrawn", "removed", "shortened"])
def test_an_output_that_is_not_there_any_more(copy: Path, damage: str) -> None:
    workspace = api.open_workspace()
    record = workspace.records.find("outputs", {"wanted.stage": "composite"})[0]
    if damage == "withdrawn":
        outputs.withdraw(workspace, record["_id"], "tried")
    elif damage == "removed":
        workspace.objects.remove(record["key"])
    else:
        Path(workspace.objects.href(record["key"], "B04.tif")).write_bytes(b"short")
    assert same(copy) is None


def test_a_raised_version(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = stages.TABLE["validate"]
    raised = {**stages.TABLE, "validate": row._replace(version=row.version + 1)}
    monkeypatch.setattr(stages, "TABLE", raised)
    monkeypatch.setattr("landcover.pipeline.up_to_date.TABLE", raised)
    assert same(copy) is None


def test_a_run_that_failed_is_not_taken(copy: Path) -> None:
    api.open_workspace().records.find_one_and_update("runs", {"_id": "copied"}, {"state": "failed"})
    assert same(copy) is None


def test_the_command_ends_there(copy: Path, workspace_folder: Path) -> None:
    chosen = options(copy)
    command = [sys.executable, "-X", "importtime", "-m", "landcover", "run", str(RECIPE), "--json"]
    for name in ("year", "products", "labels", "dem"):
        command += [f"--{name}", str(chosen[name])]
    command += ["--set", "model.trees=5", "--workspace", str(workspace_folder)]
    before = len(api.open_workspace().records.find("runs"))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    document = json.loads(done.stdout)
    assert (document["run"], document["computed"]) == ("copied", 0)
    assert len(api.open_workspace().records.find("runs")) == before
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    for heavy in ("sklearn", "numba", "pandas", "distributed", "airflow", "rasterio", "scipy"):
        assert heavy not in loaded, heavy
