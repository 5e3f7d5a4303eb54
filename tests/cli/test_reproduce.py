"""Receipts of a small simulated region, and the map made again from them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from landcover import api
from landcover.analysis.pixel_differences import differing_pixels
from landcover.cli import cli
from landcover.errors import MissingDataError
from landcover.ledger.outputs import sha256_of
from landcover.nouns.grid import Grid
from landcover.nouns.receipt import Receipt
from landcover.pipeline.reproduction import arguments_of
from landcover.simulate import SimulatedRegion, simulate
from landcover.stores.rasters import RasterStyle, open_raster, write_raster

pytestmark = pytest.mark.slow
RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
GRID = Grid(crs="EPSG:32630", ulx=0, uly=40, pixel=10, width=4, height=4)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments])


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> SimulatedRegion:
    folder = tmp_path_factory.mktemp("reproduce") / "region"
    return simulate(folder, tiles=("30SUF",), pixels=240, points_per_class=10, seed=5)


@pytest.fixture(scope="module")
def workspace(region: SimulatedRegion, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workspace")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(folder))
        api.start_run(
            "first", RECIPE, year=region.year, products=str(region.products),
            labels=str(region.labels), dem=str(region.dem), overrides=["model.trees=5"],
        )  # fmt: skip
        assert api.run_inline("first")["state"] == "done"
    return folder


@pytest.fixture(scope="module")
def published(workspace: Path) -> Path:
    (page,) = (workspace / "objects" / "reports").glob("*/index.html")
    return page.parent


@pytest.fixture
def receipt_file(workspace: Path, published: Path, tmp_path: Path) -> Path:
    (the_map,) = published.glob("map_*.tif")
    out = tmp_path / "receipt.json"
    shown = call("receipt", str(the_map), "--out", str(out), "--workspace", str(workspace))
    assert shown.exit_code == 0, shown.output
    return out


def sources(region: SimulatedRegion) -> list[str]:
    return [
        "--products", str(region.products), "--labels", str(region.labels),
        "--dem", str(region.dem),
    ]  # fmt: skip


def test_a_receipt_names_everything(
    receipt_file: Path, region: SimulatedRegion, workspace: Path
) -> None:
    receipt = Receipt.from_json(receipt_file.read_text())
    assert receipt.run == "first"
    assert receipt.recipe["model"]["trees"] == 5
    assert receipt.arguments["tiles"] == ["30SUF"]
    stages = {step.wanted.stage for step in receipt.steps}
    assert {"mask", "composite", "terrain", "sample", "train", "classify", "mosaic"} <= stages
    for product in receipt.products:
        (folder,) = region.products.glob(f"{product.name}*")
        by_name = {path.name: path for path in folder.rglob("*") if path.is_file()}
        for file in product.files:
            assert sha256_of(by_name[file.name]) == file.sha256
        assert product.baseline > 0
    (labels,) = receipt.labels
    assert [file.sha256 for file in labels.files] == [sha256_of(Path(region.labels))]
    assert receipt.model is not None
    arrays = workspace / "objects" / "models" / receipt.model.id / "arrays.npz"
    assert sha256_of(arrays) == receipt.model.arrays_sha256
    assert receipt.software["numpy"] == np.__version__
    assert str(region.products.parent) not in receipt_file.read_text()


def test_the_receipt_in_the_report_is_the_same_but_for_the_run(
    receipt_file: Path, published: Path, workspace: Path
) -> None:
    inside = Receipt.from_json((published / "receipt.json").read_text())
    asked = Receipt.from_json(receipt_file.read_text())
    steps = {step.id for step in asked.steps if step.wanted.stage != "publish"}
    assert {step.id for step in inside.steps} <= steps
    assert [s.wanted.stage for s in asked.steps if s.id == asked.outputs[0]] == ["publish"]
    assert inside.run is None
    (mosaic,) = (s.id for s in inside.steps if s.wanted.stage == "mosaic")
    copied = workspace.parent / "copied.tif"
    shutil.copy(next(published.glob("map_*.tif")), copied)
    from_tags = call("receipt", str(copied), "--workspace", str(workspace))
    assert json.loads(from_tags.output)["outputs"] == [mosaic]
    by_id = call("receipt", mosaic[:8], "--workspace", str(workspace))
    assert json.loads(by_id.output)["outputs"] == [mosaic]
    assert json.loads(by_id.output)["products"] == json.loads(inside.to_json())["products"]


def test_the_map_is_made_again_with_identical_bytes(
    receipt_file: Path, region: SimulatedRegion, workspace: Path
) -> None:
    shown = call("reproduce", str(receipt_file), *sources(region), "--workspace", str(workspace))
    assert shown.exit_code == 0, shown.output
    assert "identical bytes" in shown.output


def test_what_differs_is_named_with_its_pixels(
    published: Path, region: SimulatedRegion, workspace: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(workspace, other)
    receipt = json.loads((published / "receipt.json").read_text())
    (step,) = (s for s in receipt["steps"] if s["wanted"]["stage"] == "classify")
    path = other / "objects" / step["key"] / "classification.tif"
    with open_raster(path) as raster:
        codes, grid = raster.read(band=1), raster.info.grid
    assert grid is not None
    codes[0, :3] = 10 - codes[0, :3]
    write_raster(path, codes, grid, RasterStyle("uint8", 0))
    for file in step["files"]:
        if file["name"] == "classification.tif":
            file["sha256"], file["bytes"] = sha256_of(path), path.stat().st_size
    changed = tmp_path / "receipt.json"
    changed.write_text(json.dumps(receipt))
    shown = call(
        "reproduce", str(changed), *sources(region), "--workspace", str(other), "--json",
        "--scratch", str(tmp_path / "scratch"),
    )  # fmt: skip
    assert shown.exit_code == 1, shown.output
    verdict: dict[str, Any] = json.loads(shown.stdout)
    (difference,) = verdict["differences"]
    assert difference["what"] == "classify of 30SUF: classification.tif"
    assert difference["pixels"] == int((codes[0, :3] != 5).sum())
    assert verdict["n_identical"] == verdict["n_files"] - 1
    assert verdict["software"] == []


def test_missing_inputs_are_named_in_one_sentence(
    receipt_file: Path, region: SimulatedRegion, tmp_path: Path
) -> None:
    shown = call("reproduce", str(receipt_file))
    assert shown.exit_code == 1
    for word in ("--products", "--labels", "--dem"):
        assert word in shown.output
    assert shown.output.count("\n") == 1
    folder = tmp_path / "products"
    folder.mkdir()
    receipt = Receipt.from_json(receipt_file.read_text())
    (gone, *_) = receipt.products
    for path in region.products.iterdir():
        if gone.name not in path.name:
            (folder / path.name).symlink_to(path)
    given = {"products": str(folder), "labels": str(region.labels), "dem": str(region.dem)}
    with pytest.raises(MissingDataError, match=f"product {gone.name}") as raised:
        arguments_of(receipt, given)
    assert str(raised.value).count("product S2") == 1


def test_a_map_of_nobody_is_an_error(workspace: Path, tmp_path: Path) -> None:
    shown = call("receipt", "zzz", "--workspace", str(workspace))
    assert shown.exit_code == 1
    assert "no map or report of workspace" in shown.output
    (tmp_path / "a.json").write_text("{}")
    shown = call("receipt", str(tmp_path / "a.json"), "--workspace", str(workspace))
    assert "no output of workspace" in shown.output
    assert "this is not the receipt" in call("reproduce", str(tmp_path / "a.json")).output


def test_the_report_of_a_map_is_found_and_written_again(
    published: Path, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANDCOVER_WORKSPACE", str(tmp_path / "copy"))
    shutil.copytree(workspace, tmp_path / "copy")
    (the_map,) = (tmp_path / "copy" / "objects" / "maps").glob("*/*/classification.tif")
    shown = call("report", str(the_map), "--json")
    assert shown.exit_code == 0, shown.output
    place = Path(json.loads(shown.stdout)["report"])
    assert place.parent.name == published.name
    before = place.read_bytes()
    shutil.rmtree(place.parent)
    shown = call("report", the_map.parent.name)
    assert shown.exit_code == 0, shown.output
    assert str(place) in shown.output
    assert "preview.html" in shown.output
    assert place.read_bytes() == before


def test_pixels_are_counted_once_where_nothing_is_missing(tmp_path: Path) -> None:
    values = np.arange(16, dtype=np.float32).reshape(4, 4)
    values[0, 0] = np.nan
    other = values.copy()
    other[1, 1], other[2, 2] = -1, np.nan
    for name, array in (("a", values), ("b", other)):
        write_raster(tmp_path / f"{name}.tif", array, GRID, RasterStyle("float32", np.nan))
    paths = [str(tmp_path / "a.tif"), str(tmp_path / "b.tif")]
    assert differing_pixels(*paths) == (2, 16)
    moved = GRID.model_copy(update={"ulx": 10})
    write_raster(tmp_path / "b.tif", other, moved, RasterStyle("float32", np.nan))
    assert differing_pixels(*paths) == (None, 16)
