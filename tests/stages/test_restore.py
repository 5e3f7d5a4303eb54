"""Restoring composites through the stage: gaps, terrain shadow, topography, and their absence.

Small products are delivered as STAC items, so that every pixel is known.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from deliveries import ULX, ULY, deliver
from rasterio import Affine

from landcover import api
from landcover.errors import UsageError
from landcover.ledger import outputs, runs, units
from landcover.nouns.output import Output
from landcover.parts.preparation import restored_shadow
from landcover.pipeline.dry_run import dry_run
from landcover.raster.gap_filling import fill_gaps
from landcover.raster.terrain_shadow import restore_terrain_shadow
from landcover.recipe import make_recipe

NODATA = -32768
SIDE = 72
MONTHS = ("m03", "m04", "m05", "m06", "m07")


def recipe(**sections: Any) -> dict[str, Any]:
    return {
        "name": "months",
        "seasons": [
            {"name": name, "first_month": month, "last_month": month}
            for month, name in enumerate(MONTHS, 3)
        ],
        "mask": {"growth_m": 0},
        "composite": {"layers": ["B02", "B04", "B08", "B11"], **sections.pop("composite", {})},
        **sections,
    }


def run(products: Path, dem: Path | None = None, **given: Any) -> tuple[Any, dict[str, Output]]:
    """Run until the composites are restored; give the report and the last output of each month."""
    keys = ("restore", "composite", "seasons", "features")
    sections = {key: value for key, value in given.items() if key in keys}
    name = f"run{len(list(api.open_workspace().records.find('runs', {})))}"
    api.start_run(
        name, recipe(**sections), year=2021, products=str(products),
        until=given.get("until", "restore"), only=given.get("only"),
        dem=None if dem is None else str(dem),
    )  # fmt: skip
    report = api.run_inline(name, memory_gb=given.get("memory_gb", 1.0))
    workspace = api.open_workspace()
    found = {}
    for stage in ("composite", "restore"):
        for state in units.states(workspace.records, name, stage):
            for output in (outputs.load(workspace, i) for i in state.outputs):
                found[output.stats["period"]["label"]] = output
    return report, found


def pixels(output: Output, name: str) -> np.ndarray:
    with rasterio.open(api.open_workspace().objects.href(output.key, name)) as raster:
        return np.asarray(raster.read(1))


def flat(value: int, side: int = 12) -> np.ndarray:
    return np.full((side, side), value)


@pytest.fixture
def gappy(tmp_path: Path, workspace_folder: Path) -> Path:
    """March, May, June and July; April has none. A cloud hides a corner of May and July."""
    cloud = flat(4)
    cloud[:2, :2] = 9
    for month, value, scl in ((3, 1000, flat(4)), (5, 1402, cloud), (6, 2001, flat(4)),
                              (7, 3000, cloud)):  # fmt: skip
        layers = {b: flat(value) for b in ("B02", "B04", "B08", "B11")}
        layers["B11"] = flat(value + 500)
        deliver(tmp_path / "in", 5, {**layers, "SCL": scl}, {"B04": 20}, None,
                month=f"2021-{month:02}")  # fmt: skip
    return tmp_path / "in"


def test_a_month_without_products_is_filled_from_the_others(gappy: Path) -> None:
    report, found = run(gappy, restore={})
    assert report["state"] == "done", report["troubles"]
    assert list(found) == list(MONTHS)
    april, may, july = found["m04"], found["m05"], found["m07"]
    # Between March and May: 1201. In the corner May is hidden: 1000 + (2001 − 1000) / 3 = 1333.67.
    assert (pixels(april, "B04.tif")[5, 5], pixels(april, "B04.tif")[0, 0]) == (1201, 1334)
    assert pixels(april, "B11.tif")[5, 5] == 1701
    assert set(np.unique(pixels(april, "fill_20m.tif"))) == {1}
    assert not pixels(april, "n_clear_20m.tif").any()
    # 1000 + 2/3 of 1001 = 1667.33; July's corner has June alone.
    assert (pixels(may, "B04.tif")[5, 5], pixels(may, "B04.tif")[0, 0]) == (1402, 1667)
    assert (pixels(july, "B04.tif")[0, 0], pixels(july, "fill_20m.tif")[0, 0]) == (2001, 2)
    assert pixels(may, "n_clear_20m.tif")[0, 0] == 0
    assert april.stats["fill"] == {
        "observed": 0.0, "from_both": 100.0, "from_one": 0.0, "missing": 0.0,
    }  # fmt: skip
    assert may.stats["fill"]["from_both"] == pytest.approx(100 * 4 / 144, abs=1e-4)
    assert (april.stats["status"], may.stats["status"]) == ("empty", "degraded")
    assert any("2021-m04: no usable product; filled" in text for text in report["degraded"])


def test_textures_are_of_the_month_that_had_the_fewest_gaps(gappy: Path) -> None:
    # April has no products and May a hidden corner, both filled; June is the first without a gap.
    months = range(4, 8)
    seasons = [{"name": f"m{m:02}", "first_month": m, "last_month": m} for m in months]
    texture = {"band": "B08", "levels": 256}
    contrast = {}
    for season in ("auto", "m05"):
        told = {"indices": [], "terrain": [], "texture": {**texture, "season": season}}
        report, _ = run(gappy, restore={}, seasons=seasons, features=told)
        assert report["state"] == "done", report["troubles"]
        planes = api.open_features("31UDS", run=report["run"])
        contrast[season] = planes.sel(feature="GLCMcontrast").to_numpy()
    assert np.nanmax(contrast["m05"]) > 0, "the filled corner is brighter"
    assert np.nanmax(contrast["auto"]) == 0 == np.nanmin(contrast["auto"]), "June is flat"


def test_periods_of_two_months_are_restored_as_months_are(gappy: Path) -> None:
    pairs = [
        {"name": f"p{month:02}", "first_month": month, "last_month": month + 1}
        for month in (3, 5, 7)
    ]
    report, found = run(gappy, restore={}, seasons=pairs)
    assert report["state"] == "done", report["troubles"]
    assert list(found) == ["p03", "p05", "p07"]
    # March alone; May and June together, but for the corner that May's cloud hides.
    assert set(np.unique(pixels(found["p03"], "B04.tif"))) == {1000}
    assert (pixels(found["p05"], "B04.tif")[5, 5], pixels(found["p05"], "B04.tif")[0, 0]) == (
        1702, 2001,
    )  # fmt: skip
    assert pixels(found["p05"], "n_clear_20m.tif")[5, 5] == 2
    # July's corner is filled from the one period before it.
    assert (pixels(found["p07"], "B04.tif")[0, 0], pixels(found["p07"], "fill_20m.tif")[0, 0]) == (
        2001, 2,
    )  # fmt: skip


def test_the_page_tells_which_month_was_filled(gappy: Path, workspace_folder: Path) -> None:
    report, _ = run(gappy, restore={}, until="publish")
    assert report["state"] == "done", report["troubles"]
    (path,) = workspace_folder.rglob("index.html")
    page = path.read_text()
    assert "no usable product; filled from other seasons" in page
    assert "No tile could be prepared" not in page


def test_the_decks_filling_takes_adjacent_months_only(gappy: Path) -> None:
    _, found = run(gappy, restore={"fill": {"variant": "deck"}})
    assert pixels(found["m04"], "B04.tif")[5, 5] == 1201
    assert pixels(found["m04"], "B04.tif")[0, 0] == 1000, "March alone"
    assert pixels(found["m04"], "fill_20m.tif")[0, 0] == 2
    # April, which was filled itself, fills nothing.
    assert pixels(found["m05"], "B04.tif")[0, 0] == 2001
    assert set(found["m05"].wanted.inputs["others"]) < set(
        run(gappy, restore={})[1]["m05"].wanted.inputs["others"]
    )


def test_windows_change_nothing(tmp_path: Path, workspace_folder: Path) -> None:
    rng = np.random.default_rng(4)
    for month in range(3, 8):
        layers = {b: rng.integers(500, 4000, (SIDE, SIDE)) for b in ("B02", "B04", "B08", "B11")}
        layers["SCL"] = np.where(rng.random((SIDE, SIDE)) < 0.5, 9, 4)
        deliver(tmp_path / "in", 5, layers, {}, None, month=f"2021-{month:02}")
    plain = run(tmp_path / "in")[1]
    for memory in (1.0, 0.0006):
        found = run(tmp_path / "in", restore={"fill": {"max_reach": 2}}, memory_gb=memory)[1]
        for band in ("B04", "B11"):
            months = np.stack([pixels(plain[m], f"{band}.tif") for m in MONTHS]).astype(float)
            months[months == NODATA] = np.nan
            values, flags = fill_gaps(months, max_reach=2)
            for place, month in enumerate(MONTHS):
                expected = np.where(np.isnan(values[place]), NODATA, np.rint(values[place]))
                np.testing.assert_array_equal(pixels(found[month], f"{band}.tif"), expected)
                np.testing.assert_array_equal(pixels(found[month], "fill_20m.tif"), flags[place])
        for document in api.open_workspace().records.find("outputs", {"wanted.stage": "restore"}):
            outputs.withdraw(api.open_workspace(), document["_id"], "computed anew")


def test_a_recipe_without_it_has_no_such_stage(gappy: Path) -> None:
    report, found = run(gappy)
    workspace = api.open_workspace()
    assert not units.states(workspace.records, "run0", "restore")
    assert "m04" not in found
    (trouble,) = report["troubles"]
    assert "2021-m04: no usable product" in trouble
    assert "Check --year, or add products. A section restore fills a season" in trouble
    assert set(found["m05"].wanted.inputs) == {"products", "masks"}
    assert set(found["m05"].wanted.params) == {"layers", "min_clear", "excluded"}
    # What was made without it is used with it; April has a record now.
    run(gappy, restore={})
    assert len(workspace.records.find("outputs", {"wanted.stage": "composite"})) == 4 + 1
    started, _ = runs.load(workspace, "run1")
    planned = dry_run(workspace, started, make_recipe(recipe(restore={"fill": {"max_reach": 2}})))
    (restored,) = [step for step in planned if step.stage == "restore"]
    assert restored.action == "compute"
    assert any(why.startswith("fill:") for why in restored.why)


def test_a_year_without_any_product_is_no_year(tmp_path: Path, workspace_folder: Path) -> None:
    deliver(tmp_path / "in", 5, {"B04": flat(1), "SCL": flat(4)}, {}, None, month="2021-11")
    report, found = run(tmp_path / "in", restore={})
    assert not found
    # The sentence names the month: the unit of a year does not.
    assert "31UDS 2021-m03: no usable product" in str(report["troubles"])


# Terrain


@pytest.fixture
def relief(tmp_path: Path) -> Path:
    """A ridge from north to south in the middle of the products: steep sides to west and east."""
    side, pixel, margin = 500, 20, 4_000
    x = margin + np.arange(side) * pixel - margin
    height = 800 - 0.5 * np.abs(x - margin - SIDE * pixel / 2)
    with rasterio.open(
        tmp_path / "dem.tif", "w", driver="GTiff", width=side, height=side, count=1,
        dtype="float32", crs="EPSG:32631", transform=Affine(pixel, 0, ULX - margin, 0, -pixel,
                                                            ULY + margin),
    ) as raster:  # fmt: skip
        raster.write(np.tile(height, (side, 1)).astype(np.float32), 1)
    return tmp_path / "dem.tif"


@pytest.fixture
def shaded(tmp_path: Path, workspace_folder: Path) -> Path:
    """Five months whose north-western part lies in shadow."""
    rng = np.random.default_rng(1)
    for month in range(3, 8):
        light = np.ones((SIDE, SIDE))
        light[20:50, 8:30] = 0.1
        layers = {
            band: (light * rng.integers(low, low + 200, (SIDE, SIDE))).astype(int)
            for band, low in (("B02", 600), ("B04", 800), ("B08", 2500), ("B11", 2200))
        }
        layers["SCL"] = np.full((SIDE, SIDE), 4)
        deliver(tmp_path / "in", 5, layers, {}, None, month=f"2021-{month:02}")
    return tmp_path / "in"


def test_shadow_is_that_of_the_whole_image_in_any_windows(
    shaded: Path, relief: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restored_shadow, "SIDE", 30)
    report, found = run(shaded, relief, restore={"fill": {}, "shadow": {}})
    assert report["state"] == "done", report["troubles"]
    plain = run(shaded)[1]
    month = found["m04"]
    bands = {b: pixels(plain["m04"], f"{b}.tif") for b in ("B02", "B04", "B08", "B11")}
    workspace = api.open_workspace()
    terrain = outputs.load(workspace, month.wanted.inputs["terrain"][0])
    slope = pixels(terrain, "slope.tif")
    assert np.nanmedian(slope) > 15
    expected, is_shadow = restore_terrain_shadow(bands, slope)
    np.testing.assert_array_equal(pixels(month, "shadow_20m.tif"), is_shadow)
    for band, values in expected.items():
        np.testing.assert_array_equal(pixels(month, f"{band}.tif"), values)
    assert is_shadow[30, 15]
    assert not is_shadow[60, 60]
    assert month.stats["shadow"]["percent"] == pytest.approx(100 * is_shadow.mean(), abs=1e-4)
    lit = np.median(bands["B08"][~is_shadow])
    assert abs(np.median(pixels(month, "B08.tif")[is_shadow]) - lit) < 0.2 * lit
    assert not [file.name for file in month.files if "filled" in file.name]


def test_restore_alone_makes_the_terrain_that_it_needs(shaded: Path, relief: Path) -> None:
    """Terrain comes later in the story: no earlier run had to make it."""
    how: dict[str, Any] = {"restore": {"fill": {}, "shadow": {}}}
    early, _ = run(shaded, relief, only="restore", **how)
    assert early["state"] == "failed"
    assert early["reasons"] == ["Nothing was finished."]
    assert run(shaded, relief, until="composite", **how)[0]["state"] == "done"
    report, found = run(shaded, relief, only="restore", **how)
    assert report["state"] == "done", report["troubles"]
    assert found["m04"].stats["shadow"]["percent"] > 0
    assert "terrain" in found["m04"].wanted.inputs


def test_a_plan_of_one_stage_says_what_is_not_there(shaded: Path, relief: Path) -> None:
    api.start_run(
        "only", recipe(restore={}), year=2021, products=str(shaded), only="composite",
    )  # fmt: skip
    workspace = api.open_workspace()
    started, resolved = runs.load(workspace, "only")
    steps = dry_run(workspace, started, resolved)
    assert [(step.stage, step.action) for step in steps][:2] == [
        ("collect", "skip"), ("mask", "wait"),
    ]  # fmt: skip
    assert "--only composite computes no other stage" in steps[0].why[0]


def test_flat_dark_ground_is_water(shaded: Path, relief: Path) -> None:
    _, found = run(shaded, relief, restore={"shadow": {"slope_min": 80}})
    assert found["m04"].stats["shadow"]["percent"] == 0
    plain = run(shaded)[1]
    np.testing.assert_array_equal(pixels(found["m04"], "B08.tif"), pixels(plain["m04"], "B08.tif"))


@pytest.mark.parametrize("method", ["c", "scs+c"])
def test_slopes_are_levelled_before_they_are_composited(
    tmp_path: Path, workspace_folder: Path, relief: Path, method: str
) -> None:
    # The sun stands in the west, the ridge's western side is brighter in proportion to cos i.
    zenith, tilt = np.radians(40.0), np.arctan(0.5)
    west = np.cos(zenith) * np.cos(tilt) + np.sin(zenith) * np.sin(tilt)
    east = np.cos(zenith) * np.cos(tilt) - np.sin(zenith) * np.sin(tilt)
    bright = np.where(np.arange(SIDE) < SIDE // 2, 600 + 3000 * west, 600 + 3000 * east)
    for month in range(3, 8):
        layers = {b: np.tile(bright, (SIDE, 1)) for b in ("B02", "B04", "B08", "B11")}
        layers["SCL"] = np.full((SIDE, SIDE), 4)
        sun = (40.0, 270.0)
        deliver(tmp_path / "in", 5, layers, {}, None, month=f"2021-{month:02}", sun=sun)
    report, found = run(tmp_path / "in", relief, composite={"topography": method})
    assert report["state"] == "done", report["troubles"]
    made = found["m03"]
    assert set(made.wanted.inputs) == {"products", "masks", "terrain"}
    assert made.wanted.params["topography"] == method
    (c,) = made.stats["topography"]
    assert c["B04"] == pytest.approx(0.2, abs=0.02), "600 / 3000; the ridge is round"
    values = pixels(made, "B04.tif").astype(float)
    sides = values[10:60, 10:30].mean(), values[10:60, 45:65].mean()
    upright = np.cos(tilt) if method == "scs+c" else 1.0
    level = 3000 * (upright * np.cos(zenith) + 0.2)
    assert sides[0] == pytest.approx(sides[1], rel=0.02)
    assert sides == (pytest.approx(level, rel=0.02), pytest.approx(level, rel=0.02))
    plain = pixels(run(tmp_path / "in", relief)[1]["m03"], "B04.tif").astype(float)
    assert plain[10:60, 10:30].mean() > 1.5 * plain[10:60, 45:65].mean(), "as delivered"


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        ({"restore": {"shadow": {}}}, "restore.shadow needs an elevation, and the run has none"),
        (
            {"composite": {"topography": "c"}},
            "composite.topography needs an elevation, and the run has none",
        ),
    ],
)
def test_a_run_without_a_dem_is_told(shaded: Path, sections: dict[str, Any], sentence: str) -> None:
    report, _ = run(shaded, **sections)
    assert sentence in str(report["troubles"])
    assert "--dem" in str(report["troubles"])


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        ({"restore": {"fill": None}}, "neither fill nor shadow is there"),
        ({"restore": {"fill": {"max_reach": 0}}}, "restore.fill.max_reach"),
        (
            {"restore": {"shadow": {}}, "composite": {"layers": ["B02", "B08"]}},
            "restore.shadow: composite.layers lacks B11",
        ),
        ({"composite": {"topography": "minnaert"}}, "composite.topography"),
        (
            {"composite": {"topography": "c", "view_angle": "nbar"}},
            "topography and view_angle are not applied to one product together",
        ),
    ],
)
def test_what_a_recipe_cannot_ask_for_is_told(sections: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        make_recipe(recipe(**sections))
