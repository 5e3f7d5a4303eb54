"""``landcover quality``: what a region will be worth, as a table, as JSON and as a page."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from flat_deliveries import write_description, write_geotiff

from landcover import api
from landcover.cli import cli
from landcover.errors import MissingDataError
from landcover.simulate import SimulatedRegion, simulate

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> SimulatedRegion:
    folder = tmp_path_factory.mktemp("quality") / "region"
    return simulate(folder, tiles=("30SUF",), pixels=240, points_per_class=1, seed=5)


def call(region: SimulatedRegion, tiles: str, *options: str) -> Result:
    arguments = [
        "quality", tiles, "--recipe", str(RECIPE), "--year", str(region.year),
        "--products", str(region.products), *options,
    ]  # fmt: skip
    return CliRunner().invoke(cli, arguments)


@pytest.mark.usefixtures("workspace_folder")
def test_a_page_with_its_files_and_a_quicklook(region: SimulatedRegion, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shown = call(region, "30SUF,30SVF", "--out", str(out), "--quicklook", "30SUF")
    assert shown.exit_code == 0, shown.output
    assert "SIMULATED DATA" in shown.output
    assert "30SUF  2021-spring    ok" in shown.output
    assert "2 tiles by their worst season: 1 ok, 0 degraded, 1 empty" in shown.output
    names = {path.name.partition("_2021")[0] for path in out.iterdir()}
    assert names == {
        "index.html", "masks_30SUF", "products.csv", "quality.geojson", "quality.json",
        "quality.png",
    }  # fmt: skip
    html = (out / "index.html").read_text(encoding="utf-8")
    assert "Cloud masks before and after growth" in html
    assert "expected" in html
    assert str(region.products.parent) not in html
    simulated = json.loads((out / "quality.json").read_text())
    assert simulated["simulated"] is True
    # The tile of which nothing is published is empty, and nothing failed.
    features = json.loads((out / "quality.geojson").read_text())["features"]
    assert [f["properties"]["status"] for f in features] == ["ok", "empty"]


@pytest.mark.usefixtures("workspace_folder")
def test_machines_get_everything(region: SimulatedRegion) -> None:
    shown = call(region, "30SUF", "--json", "--set", "selection.max_cloud_percent=1")
    assert shown.exit_code == 0, shown.output
    (tile,) = json.loads(shown.output)["tiles"]
    seasons = {season["period"]: season for season in tile["seasons"]}
    assert set(seasons) == {"2021-spring", "2021-summer", "2021-autumn"}
    for season in seasons.values():
        known = [season[f"percent_{n}"] for n in ("0", "1", "2_or_more")]
        assert season["basis"] in ("scl", None)
        assert (season["basis"] is None) == (season["status"] == "empty")
        assert season["basis"] is None or sum(known) == pytest.approx(100, abs=1e-3)
        for candidate in season["candidates"]:
            too_cloudy = candidate["cloud_percent"] > 1
            assert not (too_cloudy and candidate["is_used"])
            assert not too_cloudy or "above 1 %" in candidate["reason"]
    assert any(season["status"] != "ok" for season in seasons.values())


def test_python_gets_the_quality_map(region: SimulatedRegion, workspace_folder: Path) -> None:
    collection = api.quality_map(["30SUF"], RECIPE, year=region.year, products=str(region.products))
    (feature,) = collection["features"]
    assert feature["properties"]["tile"] == "30SUF"
    assert feature["properties"]["basis"] == "scl"
    assert 0 <= feature["properties"]["nodata_pct"] < 50
    assert feature["geometry"]["type"] == "Polygon"
    assert not list(workspace_folder.rglob("*.tif"))


@pytest.mark.usefixtures("workspace_folder")
def test_a_region_may_be_a_file_of_polygons(region: SimulatedRegion, tmp_path: Path) -> None:
    # A square of a kilometre that only 30SUF covers (as the tile list says).
    (tile,) = [name for name, _ in api.tiles_containing(-4.75, 36.6)]
    ring = [[-4.75, 36.6], [-4.74, 36.6], [-4.74, 36.61], [-4.75, 36.61], [-4.75, 36.6]]
    path = tmp_path / "region.geojson"
    path.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    shown = call(region, str(path), "--json")
    assert [t["tile"] for t in json.loads(shown.output)["tiles"]] == [tile]


@pytest.mark.parametrize(
    ("tiles", "options", "sentence"),
    [
        ("30SUF", ["--quicklook", "30SUF"], "name its folder with --out"),
        ("30SUF", ["--quicklook", "30SVF", "--out", "out"], "the region has 30SUF"),
        ("nowhere.geojson", [], "expected a file with polygons, or tile ids"),
        (",", [], "expected a file with polygons, or tile ids"),
        ("30SUX", [], "row letter"),
        ("30SUF", ["--set", "selection.max_cloud=1"], "did you mean"),
    ],
)
@pytest.mark.usefixtures("workspace_folder")
def test_bad_usage_is_one_sentence(
    region: SimulatedRegion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    tiles: str, options: list[str], sentence: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    shown = call(region, tiles, *options)
    assert shown.exit_code == 2, shown.output
    assert sentence in shown.output
    assert shown.output.count("\n") == 1
    assert not os.listdir(tmp_path) or os.listdir(tmp_path) == ["workspace"]


@pytest.mark.usefixtures("workspace_folder")
def test_a_quicklook_without_products_is_a_failure(region: SimulatedRegion, tmp_path: Path) -> None:
    shown = call(region, "30SVF", "--out", str(tmp_path / "out"), "--quicklook", "30SVF")
    assert shown.exit_code == 1
    assert "30SVF: a quicklook needs the rasters of products" in shown.output
    assert (tmp_path / "out" / "index.html").is_file()  # what was found is not lost
    with pytest.raises(MissingDataError, match="30SVF"):
        api.quality_map(
            "30SVF", RECIPE, year=region.year, products=str(region.products),
            out=tmp_path / "other", plates=["30SVF"],
        )  # fmt: skip


def test_a_product_that_cannot_be_read_is_told(region: SimulatedRegion, tmp_path: Path) -> None:
    """Its season is not one in which nothing was published."""
    for source in (region.products).rglob("MTD_MSIL2A.xml"):
        if "202106" in source.parent.name:
            shutil.copytree(source.parent, tmp_path / "products" / source.parent.name)
    for metadata in (tmp_path / "products").rglob("MTD_MSIL2A.xml"):
        metadata.write_text("<cut")
    shown = CliRunner().invoke(
        cli,
        ["quality", "30SUF", "--recipe", str(RECIPE), "--year", str(region.year), "--products",
         str(tmp_path / "products"), "--workspace", str(tmp_path / "ws")],
    )  # fmt: skip
    assert "there and cannot be read: " in shown.output
    assert "MTD_MSIL2A.xml: not valid XML" in shown.output
    # In the other seasons nothing is there.
    assert "No product is published for this season." in shown.output


@pytest.mark.usefixtures("workspace_folder")
def test_a_flat_product_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A GeoTIFF that ends too early, and one whose offset nobody tells, beside a readable one."""
    scl = np.full((20, 20), 4)
    for day in ("0603", "0608", "0613"):
        place = tmp_path / "in" / f"S2B_2021{day}_33LXH"
        write_geotiff(place / "20m.tif", [scl, scl], ["B11", "SCL"], tile="33LXH", pixel=20)
        write_description(place, **({} if day == "0608" else {"offset": 0}))
    cut = tmp_path / "in" / "S2B_20210603_33LXH" / "20m.tif"
    cut.write_bytes(cut.read_bytes()[:7])
    asked = ["quality", "33LXH", "--recipe", str(RECIPE), "--year", "2021", "--products"]
    shown = CliRunner().invoke(cli, [*asked, str(tmp_path / "in"), "--json"])
    (tile,) = json.loads(shown.stdout)["tiles"]
    (summer,) = (s for s in tile["seasons"] if s["period"] == "2021-summer")
    assert [c["name"] for c in summer["candidates"]] == ["S2B_20210613_33LXH"]
    first, second = sorted(summer["unreadable"])
    assert first.startswith("S2B_20210603_33LXH: ")
    assert "damaged or truncated" in first
    assert second.startswith("S2B_20210608_33LXH: ")
    assert "nothing says the radiometric offset" in second
    (tmp_path / "in" / "S2B_20210613_33LXH" / "20m.tif").unlink()
    shown = CliRunner().invoke(cli, [*asked, str(tmp_path / "in")])
    assert "there and cannot be read: " in shown.output
