"""From a map to a field sheet and back: the whole way of an independent sample."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from pyproj import Transformer

from landcover.analysis.map_accuracy import plan_sample
from landcover.cli import cli
from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.nouns.legend import MEDITERRANEAN
from landcover.parts.mapping.map_lookup import codes_at, find_maps, mapped_hectares
from landcover.stores.rasters import RasterStyle, write_raster

GRID = Grid(crs="EPSG:32630", ulx=500_000, uly=4_200_000, pixel=10, width=700, height=600)
STYLE = RasterStyle("uint8", 0, ("land cover class",))


def no_workspace():
    raise AssertionError("a path needs no workspace")


def truth() -> np.ndarray:
    """Forest with crops in the south and a strip of wetland; 1, 7 and 5."""
    codes = np.full(GRID.shape, 1, np.uint8)
    codes[300:] = 7
    codes[:, 660:] = 5
    return codes


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The map errs where crops touch the forest; its first ten rows are nodata."""
    folder = tmp_path_factory.mktemp("map")
    codes = truth()
    codes[300:360, :660] = 1
    codes[:10] = 0
    write_raster(folder / "map.tif", codes, GRID, STYLE)
    older = truth()
    older[:, :330] = 7
    write_raster(folder / "older.tif", older, GRID, STYLE)
    return folder


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def label(sheet: Path, *, skip: int = 0) -> None:
    """Fill in a CSV sheet with what is really there."""
    with sheet.open() as file:
        rows = list(csv.DictReader(file))
    to_map = Transformer.from_crs("EPSG:4326", GRID.crs, always_xy=True)
    codes = truth()
    for row in rows[skip:]:
        x, y = to_map.transform(float(row["lon"]), float(row["lat"]))
        row["label"] = MEDITERRANEAN.name_of(int(codes[GRID.pixel_at(x, y)]))
    with sheet.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def test_a_map_is_read_at_points_and_summed(folder: Path):
    maps = find_maps(no_workspace, str(folder / "map.tif"))
    to_degrees = Transformer.from_crs(GRID.crs, "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform([500_005, 506_995, 500_005, 490_000], [4_199_885, 4_199_885,
                                    4_194_005, 4_199_000])  # fmt: skip
    found = codes_at(maps, pd.DataFrame({"lon": lon, "lat": lat}))
    assert found.tolist() == [1, 5, 7, 0]
    # 350 rows of 660 pixels are forest, 240 of 660 crops, 590 of 40 wetland; 0.01 ha each.
    assert mapped_hectares(maps) == pytest.approx({1: 2310, 5: 236, 7: 1584})


def test_zones_are_added_up_by_their_area_on_the_ground(folder: Path, tmp_path: Path):
    beside = GRID.model_copy(update={"crs": "EPSG:32629"})
    write_raster(tmp_path / "beside.tif", truth(), beside, STYLE)
    two = find_maps(no_workspace, f"{folder / 'map.tif'}, {tmp_path / 'beside.tif'}")
    assert len(two) == 2
    total = mapped_hectares(two)
    # At the central meridian UTM shrinks lengths to 0.9996: the ground is larger by 0.08 %.
    assert total[5] == pytest.approx((236 + 240) / 0.9996**2, rel=1e-4)
    # Files of one zone are counted on its grid, as one file would be.
    one = find_maps(no_workspace, f"{folder / 'map.tif'}, {folder / 'older.tif'}")
    assert mapped_hectares(one)[5] == pytest.approx(236 + 240)


@pytest.mark.parametrize(
    ("text", "sentence"), [("{folder}/none.tif", "no such file"), ("{folder}/float.tif", "uint8")]
)
def test_what_is_no_map_is_refused(folder: Path, text: str, sentence: str):
    values = np.zeros(GRID.shape, np.float32)
    write_raster(folder / "float.tif", values, GRID, RasterStyle("float32", -1, ("x",)))
    result = run("accuracy", text.format(folder=folder), folder / "map.tif", "--workspace",
                 folder / "ws")  # fmt: skip
    assert result.exit_code == 1
    assert sentence in result.output


def test_the_way_from_a_map_to_its_accuracy(folder: Path, tmp_path: Path):
    sheet = tmp_path / "sheet.csv"
    made = run("design", folder / "map.tif", "--samples", 300, "--out", sheet, "--json")
    assert made.exit_code == 0, made.output
    document = json.loads(made.output)
    # 300 points: 50 for the wetland, the other 250 by area.
    drawn = {entry["code"]: entry["drawn"] for entry in document["classes"]}
    assert drawn == {1: 148, 5: 50, 7: 102}
    label(sheet)
    found = run("accuracy", folder / "map.tif", sheet, "--json", "--out", tmp_path / "a.json")
    assert found.exit_code == 0, found.output
    report = json.loads(found.output)
    assert json.loads((tmp_path / "a.json").read_text()) == report
    assert report["refused"] == ""
    assert report["area"]["design"] == "probability sample, stratified by the classes of the map"
    # Truth: 60 of 600 rows of 660 pixels are wrongly forest, of 590 mapped rows.
    real = 1 - 60 * 660 / (590 * 700)
    overall = report["area"]["overall"]
    assert abs(overall["value"] - real) < 1.5 * overall["half_width"]
    crops = next(entry for entry in report["area"]["classes"] if entry["name"] == "cropland")
    assert crops["mapped_area"] == pytest.approx(1584)
    assert abs(crops["area"]["value"] - 1980) < 1.5 * crops["area"]["half_width"]


def test_the_same_seed_draws_the_same_sheet(folder: Path, tmp_path: Path):
    sheets = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        path = tmp_path / f"{name}.geojson"
        assert run("design", folder / "map.tif", "--per-class", 5, "--seed", seed, "--out",
                   path).exit_code == 0  # fmt: skip
        sheets.append(path.read_bytes())
    assert sheets[0] == sheets[1] != sheets[2]


def test_a_sheet_judges_another_map_by_its_own_strata(folder: Path, tmp_path: Path):
    sheet = tmp_path / "sheet.csv"
    run("design", folder / "map.tif", "--samples", 200, "--out", sheet)
    label(sheet, skip=3)
    found = json.loads(run("accuracy", folder / "older.tif", sheet, "--json").output)
    assert "strata that are not the map's classes" in found["area"]["design"]
    overall = found["area"]["overall"]
    # 290 of 590 rows of the left 330 columns are forest and called crops.
    real = 1 - 290 * 330 / (590 * 700)
    assert abs(overall["value"] - real) < 1.5 * overall["half_width"]
    assert any("3 of 200 points of the sheet have no label" in n for n in
               found["agreement"]["notes"])  # fmt: skip


def test_a_plain_file_gets_no_interval_unless_its_design_is_said(folder: Path, tmp_path: Path):
    sheet = tmp_path / "sheet.csv"
    run("design", folder / "map.tif", "--per-class", 40, "--out", sheet)
    label(sheet)
    with sheet.open() as file:
        rows = list(csv.DictReader(file))
    plain = tmp_path / "plain.csv"
    plain.write_text(
        "lon,lat,label\n" + "".join(f"{r['lon']},{r['lat']},{r['label']}\n" for r in rows)
    )
    refused = run("accuracy", folder / "map.tif", plain)
    assert refused.exit_code == 0
    assert "no interval and no area: Area: an interval needs a probability sample" in refused.output
    said = run("accuracy", folder / "map.tif", plain, "--design", "stratified")
    assert "weighted by area: 0." in said.output
    assert "(95 % interval)" in said.output
    by_sheet = run("accuracy", folder / "map.tif", sheet)
    line = next(text for text in by_sheet.output.splitlines() if "weighted by area" in text)
    assert line in said.output
    strata = run("accuracy", folder / "older.tif", plain, "--strata", folder / "map.tif")
    assert "strata that are not the map's classes" in strata.output


def test_two_maps_are_told_apart(folder: Path, tmp_path: Path):
    sheet = tmp_path / "sheet.csv"
    run("design", folder / "map.tif", "--samples", 150, "--out", sheet)
    label(sheet)
    found = run("accuracy", folder / "older.tif", sheet, "--against", folder / "map.tif", "--json")
    beside = json.loads(found.output)["against"]
    assert beside["second"] > beside["first"]
    assert beside["p_value"] < 0.01
    assert beside["difference"][0] > 0
    told = run("accuracy", folder / "older.tif", sheet, "--against", folder / "map.tif")
    assert "only the first is right in" in told.output


def test_wrong_usage(folder: Path, tmp_path: Path):
    two = run("design", folder / "map.tif", "--samples", 50, "--per-class", 5)
    assert two.exit_code == 2
    assert "Give one of" in two.output
    ending = run("design", folder / "map.tif", "--per-class", 5, "--out", tmp_path / "x.shp")
    assert ending.exit_code == 2
    strata = run("accuracy", folder / "map.tif", folder / "map.tif", "--strata",
                 folder / "map.tif", "--design", "simple-random")  # fmt: skip
    assert strata.exit_code == 2
    zones = f"{folder / 'map.tif'},{folder / 'older.tif'}"
    several = run("design", zones, "--per-class", 5, "--out", tmp_path / "x.csv")
    assert several.exit_code == 1
    assert "draw a sheet for each zone" in several.output
    unlabelled = tmp_path / "sheet.csv"
    run("design", folder / "map.tif", "--per-class", 5, "--out", unlabelled)
    assert "none of the 15 points has a label" in run(
        "accuracy", folder / "map.tif", unlabelled
    ).output  # fmt: skip


def test_a_plan_reaches_its_error():
    hectares = {1: 9000.0, 5: 100.0, 7: 900.0}
    plan = plan_sample(hectares, standard_error=0.02)
    assert plan.expected_error <= 0.02
    assert plan.samples[5] == 50
    # Cochran: (0.4/0.02)² = 400 would do without the fifty of the rare classes.
    assert 400 < sum(plan.samples.values()) < 520
    exact = plan_sample(hectares, samples=400)
    assert sum(exact.samples.values()) == 400
    with pytest.raises(InputError, match="no classified pixel"):
        plan_sample({})
