"""A season of several months: chosen by month, worked by hand, and through the whole chain."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import yaml
from click.testing import CliRunner
from deliveries import deliver

from landcover import api
from landcover.analysis.readiness import check_readiness
from landcover.cli import cli
from landcover.ledger import outputs, units
from landcover.nouns.grid import Grid
from landcover.nouns.output import Output
from landcover.nouns.product import ProductFile
from landcover.nouns.run_arguments import RunArguments
from landcover.parts.preparation.composite_rule import require_bands
from landcover.parts.preparation.observation_stacks import plan_reading
from landcover.parts.preparation.observations import Source
from landcover.parts.task import Job
from landcover.recipe import LongSeason, make_recipe, read_recipe
from landcover.simulate import simulate
from landcover.views.features import open_features

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
YEAR = {"name": "year", "first_month": 1, "last_month": 12}
WINTER = {"name": "winter", "first_month": 11, "last_month": 2}
SUMMER = {"name": "summer", "primary_month": 6, "fallback_month": 7}
METRICS = ["max", "maxday", "amplitude", "rise", "integral"]

# Near infrared × 10,000 by date beside red 0.1: NDVI 0.2 of 1500, 0.5 of 3000, 0.6 of 4000, 0.8
# of 9000.
DATES = {
    "2021-01-11": 1500, "2021-03-12": 1500, "2021-04-11": 3000, "2021-05-11": 4000,
    "2021-06-10": 9000, "2021-06-20": 19000, "2021-07-10": 4000, "2021-07-12": 4000,
    "2021-07-14": 9000, "2021-09-08": 3000, "2021-11-07": 1500, "2021-12-31": 1500,
    "2022-01-05": 4000,
}  # fmt: skip
CLOUDS = {"2021-06-20": 30.0, "2021-07-14": 9.0}
UNUSED = {"2021-06-20", "2021-07-14", "2022-01-05"}
SIDE = 24


def recipe(*seasons: dict[str, Any], **composite: Any) -> dict[str, Any]:
    return {
        "name": "long",
        "seasons": seasons,
        "selection": {"max_products": 2},
        "mask": {"growth_m": 0},
        "features": {"indices": [], "terrain": []},
        "composite": {"layers": ["B04", "B08"], **composite},
    }


def wanted(**changes: Any) -> dict[str, Any]:
    shares = [{"layer": "ndvi", "below": 0.3}]
    return {"layers": [], "metrics": METRICS, "shares": shares, "min_clear": 3, **changes}


def make(run: str, products: Path, document: dict[str, Any], **job: Any) -> dict[str, Output]:
    """Make composites by the name of their period."""
    api.start_run(run, document, year=2021, products=str(products), until="composite")
    report = api.run_inline(run, **job)
    assert report["state"] == "done", report["troubles"]
    workspace = api.open_workspace()
    found = {}
    for span in make_recipe(document).spans(2021):
        state = units.load(workspace.records, run, "composite", f"31UDS.{span.name}")
        assert state is not None
        found[span.name] = outputs.load(workspace, state.outputs[-1])
    return found


def call(*arguments: str) -> list[str]:
    result = CliRunner().invoke(cli, [*arguments])
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


@pytest.fixture
def products(tmp_path: Path, workspace_folder: Path) -> Path:
    """The dates above; the left half is cloudy on 10 June."""
    for day, nir in DATES.items():
        scl = np.full((SIDE // 2, SIDE // 2), 4)
        if day == "2021-06-10":
            scl[:, : SIDE // 4] = 9
        layers = {
            "B04": np.full((SIDE, SIDE), 1000),
            "B08": np.full((SIDE, SIDE), nir),
            "SCL": scl,
        }
        pixel = {"B04": 10, "B08": 10}
        cloud = CLOUDS.get(day, 1.0)
        month, _, number = day.rpartition("-")
        deliver(tmp_path / "in", int(number), layers, pixel, None, cloud=cloud, month=month)
    return tmp_path / "in"


# Of ten dates: the maximum on day 160, up from 0.2 on day 70; over 0.2 from day 70 to 310:
# 30·0.15 + 30·0.35 + 30·0.5 + 30·0.5 + 2·0.4 + 58·0.35 + 60·0.15.
SEEN = {
    "B08": 0.3, "ndvi_max": 0.8, "ndvi_maxday": 160, "ndvi_amplitude": 0.6, "ndvi_rise": 0.6 / 90,
    "ndvi_integral": 75.1, "ndvi_below_0.3": 0.4,
}  # fmt: skip
# Without 10 June: 0.6 first on day 130, and 60·0.4 from there to day 190.
CLOUDY = {
    "B08": 0.3, "ndvi_max": 0.6, "ndvi_maxday": 130, "ndvi_amplitude": 0.4, "ndvi_rise": 0.4 / 60,
    "ndvi_integral": 69.1, "ndvi_below_0.3": 4 / 9,
}  # fmt: skip


def test_a_year_of_known_pixels(products: Path) -> None:
    found = make("year", products, recipe(YEAR, WINTER, SUMMER, statistics=wanted(min_clear=1)))
    year = found["2021-year"]
    dates = {product["date"] for product in year.stats["products"]}
    assert dates == set(DATES) - UNUSED
    assert year.stats["status"] == "ok"
    assert year.stats["warnings"] == ["No product of 2021-02, 2021-08, 2021-10 is used."]
    assert year.wanted.params["first_day"] == "2021-01-01"
    opened = open_features(api.open_workspace(), "31UDS")
    for name, value in SEEN.items():
        values = opened.sel(feature=f"year_{name}").values
        np.testing.assert_allclose(values[:, SIDE // 2 :], value, rtol=1e-6, err_msg=name)
        np.testing.assert_allclose(values[:, : SIDE // 2], CLOUDY[name], rtol=1e-6, err_msg=name)
    # November to February: 7 November, 31 December, and 5 January of the next year.
    winter = found["2021-winter"]
    assert winter.stats["warnings"] == ["No product of 2022-02 is used."]
    assert winter.wanted.params["first_day"] == "2021-11-01"
    assert (opened.sel(feature="winter_ndvi_maxday").values == 65).all()
    np.testing.assert_allclose(opened.sel(feature="winter_ndvi_rise").values, 0.4 / 5, rtol=1e-6)
    # The season of one month is what it is without the others.
    summer = {product["date"] for product in found["2021-summer"].stats["products"]}
    assert summer == {"2021-06-10", "2021-07-10"}
    alone = make("alone", products, recipe(SUMMER, statistics=wanted(min_clear=1)))
    assert alone["2021-summer"].id == found["2021-summer"].id


def test_readiness_and_plan_tell_what_the_chain_will_do(products: Path, tmp_path: Path) -> None:
    document = recipe(YEAR, statistics={"layers": ["B04"]})
    arguments = RunArguments(tiles=("31UDS",), year=2021, products=str(products))
    before = (
        check_readiness(api.open_workspace(), make_recipe(document), arguments).tiles[0].seasons[0]
    )
    assert (before.period, before.status, before.basis) == ("2021-year", "ok", "scl")
    assert before.warnings == ("No product of 2021-02, 2021-08, 2021-10 is used.",)
    assert before.percent_2_or_more == 100
    reasons = {candidate.date: candidate.reason for candidate in before.candidates}
    assert set(reasons) == set(DATES) - {"2022-01-05"}
    assert reasons["2021-06-20"] == "cloud 30.0 % above 20 %"
    assert reasons["2021-07-14"] == "beyond the best 2 of 2021-07"
    assert reasons["2021-07-12"] == "among the best 2 of 2021-07"
    file = tmp_path / "long.yaml"
    file.write_text(yaml.safe_dump(document))
    run = ["run", str(file), "--tiles", "31UDS", "--year", "2021", "--products", str(products)]
    plan = ["--until", "composite", "--plan", "--why"]
    lines = call(*run, *plan)
    assert [line.split()[:4] for line in lines[1:-1]] == [
        ["compute", "mask", "31UDS", "2021-year"],
        ["wait", "composite", "31UDS", "2021-year"],
        ["wait", "overlap", "…"],
    ], lines
    make("year", products, document)
    after = (
        check_readiness(api.open_workspace(), make_recipe(document), arguments).tiles[0].seasons[0]
    )
    assert (after.status, after.basis, after.warnings) == ("ok", "composite", before.warnings)
    used = [candidate.date for candidate in before.used]
    assert [candidate.date for candidate in after.used] == used
    assert call(*run, *plan)[-1].startswith("0 of ")
    fewer = call(*run, *plan, "--set", "selection.max_products=1")
    assert "other products" in "".join(fewer), "the second one of July is left out"


def test_the_shipped_recipe_has_what_it_asks_for() -> None:
    shipped = read_recipe(RECIPE.with_name("season-metrics.yaml"))
    require_bands(shipped)
    (season,) = shipped.seasons
    assert isinstance(season, LongSeason)
    assert (season.first_month, season.last_month) == (3, 10)
    assert {"ndvi_maxday", "ndvi_p10", "ndvi_below_0.3"} <= set(shipped.composite.all_layers)


def test_many_products_are_read_in_small_windows(tmp_path: Path, workspace_folder: Path) -> None:
    rng = np.random.default_rng(5)
    side, stack = 160, []
    for number in range(24):
        clouds = rng.random((side // 2, side // 2)) < 0.4
        values = rng.integers(1, 9000, (side, side))
        layers = {"B04": values, "SCL": np.where(clouds, 9, 4)}
        month = f"2021-{number // 2 + 1:02}"
        day = 1 + number % 2 * 13
        deliver(tmp_path / "in", day, layers, {"B04": 10}, None, month=month)
        stack.append(np.where(clouds.repeat(2, 0).repeat(2, 1), np.nan, values))
    document = recipe(YEAR)
    document["composite"] = {"layers": ["B04"]}
    whole = make("whole", tmp_path / "in", document)["2021-year"]
    assert len(whole.stats["products"]) == 24
    with rasterio.open(api.open_workspace().objects.href(whole.key, "B04.tif")) as raster:
        found = raster.read(1)
    np.testing.assert_array_equal(found, np.rint(np.nanmedian(stack, axis=0)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(tmp_path / "other"))
        small = make("small", tmp_path / "in", document, memory_gb=0.004, threads=3)["2021-year"]
        assert small.id == whole.id
        with rasterio.open(api.open_workspace().objects.href(small.key, "B04.tif")) as raster:
            np.testing.assert_array_equal(raster.read(1), found)


@pytest.mark.parametrize(
    ("n_products", "memory_gb", "threads", "side", "ahead"),
    [
        (5, 1, 2, 1024, 1),
        (60, 2, 2, 1024, 1),
        (60, 1, 2, 1024, 0),  # read ahead, windows would be parts of a block
        (60, 1, 1, 1024, 0),
        (60, 0.25, 2, 512, 0),  # parts in any case
    ],
)
def test_windows_of_many_products_stay_whole_blocks(
    n_products: int, memory_gb: float, threads: int, side: int, ahead: int
) -> None:
    grid = Grid(crs="EPSG:32631", ulx=0, uly=0, pixel=10, width=10_980, height=10_980)
    file = ProductFile(
        layer="B04", href="B04.jp2", grid=grid, offset=0, scale=10_000, block=(1024, 1024)
    )
    windows, found = plan_reading(
        Job(memory_gb, threads), grid, [Source(file, "mask.tif", 1, "B04")] * n_products
    )
    assert (windows[0].height, windows[0].width, found) == (side, side, ahead)


def test_a_year_beside_a_paper_season_is_mapped(tmp_path: Path, workspace_folder: Path) -> None:
    region = simulate(
        tmp_path / "region", tiles=("30SUF",), pixels=240, points_per_class=12, seed=5,
        products_per_season=4,
    )  # fmt: skip
    api.start_run(
        "map", RECIPE, year=region.year, products=str(region.products),
        labels=str(region.labels), dem=str(region.dem),
        overrides=[
            f"seasons={json.dumps([SUMMER, YEAR])}",
            "model.trees=10", "features.indices=[ndvi]", "composite.layers=[B04,B08,B11]",
            "composite.statistics={layers: [ndvi], percentiles: [10], spread: false, "
            "metrics: [max, maxday, integral], min_clear: 1}",
        ],
    )  # fmt: skip
    report = api.run_inline("map")
    assert report["state"] == "done", report["troubles"]
    workspace = api.open_workspace()
    (selection,) = workspace.records.find(
        "outputs", {"wanted.stage": "collect", "wanted.unit": "30SUF/2021-year"}
    )
    candidates = selection["wanted"]["params"]["candidates"]
    months = [candidate["date"][5:7] for candidate in candidates if candidate["is_used"]]
    assert sorted(set(months)) == ["03", "04", "06", "10", "11"]
    assert len(months) == 9, "all under the cloud limit"
    opened = open_features(workspace, "30SUF")
    assert {"summer_ndvi_max", "year_ndvi_max"} <= set(opened.feature.values)
    first, whole = (opened.sel(feature=f"{s}_ndvi_max").values for s in ("summer", "year"))
    both = np.isfinite(first) & np.isfinite(whole)
    assert both.mean() > 0.9
    assert (whole[both] >= first[both]).all(), "the year has the dates of the summer"
    (record,) = workspace.records.find("models")
    assert "year_ndvi_maxday" in api.load_model(record["_id"]).card.features.names
    page = next(path for path in workspace_folder.rglob("index.html")).read_text()
    assert "2021-year" in page
    assert "No product of 2021-01, 2021-02, 2021-05, 2021-07, 2021-08" in page
    assert "  composite  2 done" in call("status")
