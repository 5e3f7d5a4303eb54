"""Areas by polygon with intervals: the command from design to table, and what it refuses."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from click.testing import CliRunner, Result

from landcover.analysis.map_accuracy import draw_sheet, plan_sample
from landcover.analysis.zonal_areas import areas_within, points_within
from landcover.cli import cli
from landcover.labels.zones import read_zones
from landcover.nouns.grid import Grid
from landcover.parts.mapping.map_lookup import MapFile, mapped_hectares
from landcover.stores.rasters import RasterStyle, write_raster

GRID = Grid(crs="EPSG:32630", ulx=500000, uly=4200000, pixel=10, width=400, height=300)
NAMES = {1: "closedForest", 7: "cropland"}
RNG = np.random.default_rng(4)
TRUTH = np.where(np.arange(400) < 250, 1, 7) * np.ones((300, 1), np.uint8)
MAPPED = np.where(RNG.random(GRID.shape) < 0.1, 8 - TRUTH, TRUTH).astype(np.uint8)
WEST, EAST, CORNER = (
    shapely.box(500000, 4197000, 502000, 4200000), shapely.box(502000, 4197000, 504000, 4200000),
    shapely.box(500000, 4199900, 500100, 4200000),
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a map, three polygons and a sheet that somebody labelled with the truth."""
    folder = tmp_path_factory.mktemp("areas")
    colours = dict.fromkeys(NAMES, (1, 2, 3, 255))
    style = RasterStyle("uint8", 0, ("c",), colours=colours, categories=NAMES)
    write_raster(folder / "map.tif", MAPPED, GRID, style)
    one = MapFile(str(folder / "map.tif"), GRID, "map.tif")
    draw_sheet([one], plan_sample(mapped_hectares([one]), per_class=150), folder / "sheet.csv")
    sheet = pd.read_csv(folder / "sheet.csv", dtype={"label": str})
    points = _pixels(sheet)
    sheet["label"] = [NAMES[TRUTH[row, column]] for row, column in points]
    sheet.to_csv(folder / "sheet.csv", index=False)
    pyogrio.raw.write(
        str(folder / "districts.gpkg"), geometry=shapely.to_wkb([WEST, EAST, CORNER]),
        fields=["name"], driver="GPKG", field_data=[np.array(["west", "east", "corner"], object)],
        crs="EPSG:32630", geometry_type="Polygon",
    )  # fmt: skip
    return folder


def _pixels(sheet: pd.DataFrame) -> list[tuple[int, int]]:
    from pyproj import Transformer

    to_map = Transformer.from_crs("EPSG:4326", GRID.crs, always_xy=True)
    x, y = to_map.transform(sheet["lon"].to_numpy(), sheet["lat"].to_numpy())
    rows, columns = (GRID.uly - y) // 10, (x - GRID.ulx) // 10
    return [(int(row), int(column)) for row, column in zip(rows, columns, strict=True)]


def run(folder: Path, *more: str) -> Result:
    call = ["areas", str(folder / "map.tif"), str(folder / "districts.gpkg"), "--field", "name"]
    return CliRunner().invoke(cli, [*call, *more])


def test_polygons_have_estimates_or_a_reason(folder: Path) -> None:
    shown = run(folder, "--sample", str(folder / "sheet.csv"))
    assert shown.exit_code == 0, shown.output
    west, east, corner, whole = csv.DictReader(StringIO(shown.stdout))
    assert [row["name"] for row in (west, east, corner, whole)] == [
        "west", "east", "corner", "whole map",
    ]  # fmt: skip
    assert int(west["points"]) + int(east["points"]) == int(whole["points"]) == 300
    for row, columns in ((west, slice(0, 200)), (east, slice(200, 400))):
        for code, name in NAMES.items():
            assert float(row[name]) == (MAPPED[:, columns] == code).sum() / 100
            truth = (TRUTH[:, columns] == code).sum() / 100
            if row[f"{name}_low"]:
                assert float(row[f"{name}_low"]) <= truth <= float(row[f"{name}_high"])
        assert row["refused"] == ""
    # The map has cropland in the west that is not there; the sample takes it off.
    assert float(west["cropland"]) > 50
    assert abs(float(west["cropland_estimate"])) < 30
    assert corner["refused"] == f"{corner['points']} points inside, at least 30 are needed"
    assert corner["cropland_estimate"] == corner["cropland_low"] == ""


def test_the_last_row_is_what_accuracy_says(folder: Path) -> None:
    shown = run(folder, "--sample", str(folder / "sheet.csv"), "--json")
    whole = json.loads(shown.stdout)[-1]
    judged = CliRunner().invoke(
        cli, ["accuracy", str(folder / "map.tif"), str(folder / "sheet.csv"), "--json"]
    )
    for entry in json.loads(judged.stdout)["area"]["classes"]:
        value, half = entry["area"]["value"], entry["area"]["half_width"]
        assert whole[f"{entry['name']}_estimate"] == pytest.approx(value, abs=1e-3)
        assert whole[f"{entry['name']}_low"] == pytest.approx(value - half, abs=1e-3)
        assert whole[f"{entry['name']}_high"] == pytest.approx(value + half, abs=1e-3)
        assert whole[entry["name"]] == pytest.approx(entry["mapped_area"], abs=1e-3)


def test_a_point_lies_where_its_pixel_is_counted(folder: Path) -> None:
    one = MapFile(str(folder / "map.tif"), GRID, "map.tif")
    zones = read_zones(folder / "districts.gpkg", "name")
    sheet = pd.read_csv(folder / "sheet.csv")
    inside = points_within([one], zones, sheet)
    assert (inside[:2].sum(axis=0) == 1).all(), "west and east share every point"
    columns = np.array([column for _, column in _pixels(sheet)])
    np.testing.assert_array_equal(inside[0], columns < 200)
    assert sum(areas_within([one], zones)[2].pixels.values()) == 100


def test_other_labels_give_no_area(folder: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain.csv"
    plain.write_text("longitude,latitude,label\n-3.0,37.94,cropland\n-2.99,37.94,cropland\n")
    shown = run(folder, "--sample", str(plain))
    assert shown.exit_code == 1
    assert "plain.csv: expected a field sheet of `landcover design`" in shown.output
    shown = run(folder, "--recipe", str(plain))
    assert shown.exit_code == 2
    assert "--recipe says how the points of --sample are read" in shown.output
