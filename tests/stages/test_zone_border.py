"""A region across the border of two UTM zones, from simulated products to the published maps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyproj import Transformer

from landcover import api
from landcover.nouns.grid import Grid
from landcover.simulate import SimulatedRegion, simulate
from landcover.stores.rasters import read_array

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
LEAST = [
    "seasons=[{name: summer, primary_month: 6, fallback_month: 7}]",
    "model.trees=10",
    "validation.splits=[]",
    "classify.keep=[probabilities]",
]


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> SimulatedRegion:
    return simulate(
        tmp_path_factory.mktemp("border") / "region", tiles=["30SYJ", "31SBD"], pixels=240,
        seasons=["summer"], only_usable=True, points_per_class=12, across_zones=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(tmp_path_factory.mktemp("workspace")))
        yield


def run(region: SimulatedRegion, name: str, *options: str, until: Any = "publish") -> Any:
    """Run to a stage and give its report."""
    api.start_run(
        name, RECIPE, year=region.year, products=str(region.products), labels=str(region.labels),
        dem=str(region.dem), overrides=[*LEAST, *options], until=until,
    )  # fmt: skip
    found = api.run_inline(name)
    assert found["state"] == "done", found
    return found


def published(region: SimulatedRegion, name: str, *options: str) -> Path:
    """Run to the end and give the folder of the report."""
    found = run(region, name, *options)
    workspace = api.open_workspace()
    (report,) = workspace.records.find("outputs", {"_id": {"$in": found["outputs"]}})
    return Path(workspace.objects.href(report["key"]))


def seen_from(path: Path, grid: Grid) -> np.ndarray:
    """Read a map at the centres of another grid's pixels, 0 outside."""
    (codes,), own = read_array(path)
    rows, columns = np.mgrid[0 : grid.height, 0 : grid.width] + 0.5
    x, y = grid.ulx + columns * grid.pixel, grid.uly - rows * grid.pixel
    x, y = Transformer.from_crs(grid.crs, own.crs, always_xy=True).transform(x, y)
    row = np.floor((own.uly - y) / own.pixel).astype(int)
    column = np.floor((x - own.ulx) / own.pixel).astype(int)
    inside = (row >= 0) & (column >= 0) & (row < own.height) & (column < own.width)
    seen = np.zeros(grid.shape, np.uint8)
    seen[inside] = codes[row[inside], column[inside]]
    return seen


def test_feathering_makes_two_zones_agree(region: SimulatedRegion, folder: None) -> None:
    run(region, "plain", until="mosaic")
    plain = {
        made["wanted"]["unit"]: Path(api.open_workspace().objects.href(made["key"]))
        for made in api.open_workspace().records.find("outputs", {"wanted.stage": "mosaic"})
    }
    feathered = published(region, "feathered", "mosaic.blend=feather")
    (west,), grid = read_array(plain["32630"] / "classification.tif")
    east = seen_from(plain["32631"] / "classification.tif", grid)
    both = (west != 0) & (east != 0)
    assert both.sum() > 5_000
    (joined,), joined_grid = read_array(feathered / "map_32630.tif")
    assert joined_grid == grid
    joined_east = seen_from(feathered / "map_32631.tif", grid)
    before = (west != east)[both].mean()
    after = (joined != joined_east)[both].mean()
    assert before > 0.05
    assert after < 0.6 * before
    # What is averaged is not farther from the truth than the two maps are.
    (truth,), _ = read_array(region.truth["30SYJ"])
    wrong = [(codes != truth)[both].mean() for codes in (west, east, joined)]
    assert wrong[2] < np.mean(wrong[:2])


def test_one_map_of_both_zones(region: SimulatedRegion, folder: None) -> None:
    report = published(
        region, "common", "mosaic.blend=feather", "mosaic.grid=EPSG:3035", "mosaic.pixel=50"
    )
    assert (report / "map_3035.vrt").is_file()
    (truth,), grid = read_array(region.truth["31SBD"])
    joined = seen_from(report / "map_3035.vrt", grid)
    assert (joined != 0).mean() > 0.9
    assert (joined == truth)[joined != 0].mean() > 0.6  # pixels of 50 m
    mosaics = api.open_workspace().records.find("outputs", {"wanted.stage": "mosaic"})
    overlaps = [
        pair for one in mosaics if one["wanted"]["unit"].startswith("3035")
        for pair in one["stats"]["overlaps"]
    ]  # fmt: skip
    assert {(pair["first"], pair["second"]) for pair in overlaps} == {("30SYJ", "31SBD")}
    for pair in overlaps:
        # Both tiles had a say in the map where they differ.
        assert 0 < pair["joined_not_first_percent"] < pair["percent"]
        assert 0 < pair["joined_not_second_percent"] < pair["percent"]


def test_the_files_of_100_km(region: SimulatedRegion, folder: None) -> None:
    whole = published(region, "feathered", "mosaic.blend=feather")
    cells = published(region, "cells", "mosaic.blend=feather", "mosaic.cells=100km")
    assert sorted(path.name for path in cells.glob("map_*.tif")) == [
        "map_32630_E7N43.tif", "map_32631_E2N43.tif",
    ]  # fmt: skip
    assert sorted(path.name for path in cells.glob("item_*.json")) == [
        "item_32630_E7N43.json", "item_32631_E2N43.json",
    ]  # fmt: skip
    for zone in ("32630", "32631"):
        (expected,), grid = read_array(whole / f"map_{zone}.tif")
        found = seen_from(cells / f"map_{zone}.vrt", grid)
        # The other zone is warped from places that are right to a centimetre.
        assert (found != expected).sum() <= 2
