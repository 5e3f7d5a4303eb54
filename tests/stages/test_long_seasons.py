"""A season of several months: chosen by month, worked by hand, and through the whole chain."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from deliveries import deliver

from landcover import api
from landcover.featureview import open_features
from landcover.ledger import outputs, units
from landcover.nouns.output import Output
from landcover.nouns.run import RunArguments
from landcover.recipe import make_recipe
from landcover.stages.readiness import look_ahead

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


def test_readiness_and_plan_tell_what_the_chain_will_do(products: Path) -> None:
    document = recipe(YEAR, statistics=wanted())
    arguments = RunArguments(tiles=("31UDS",), year=2021, products=str(products))
    before = look_ahead(api.open_workspace(), make_recipe(document), arguments).tiles[0].seasons[0]
    assert (before.period, before.status, before.basis) == ("2021-year", "ok", "scl")
    assert before.warnings == ("No product of 2021-02, 2021-08, 2021-10 is used.",)
    assert before.percent_2_or_more == 100
    reasons = {candidate.date: candidate.reason for candidate in before.candidates}
    assert set(reasons) == set(DATES) - {"2022-01-05"}
    assert reasons["2021-06-20"] == "cloud 30.0 % above 20 %"
    assert reasons["2021-07-14"] == "beyond the best 2 of 2021-07"
    assert reasons["2021-07-12"] == "among the best 2 of 2021-07"
    api.start_run("plan", document, year=2021, products=str(products), until="composite")
    plan = api.plan_run("plan")
    assert "31UDS 2021-year" in str(plan)
    make("year", products, document)
    after = look_ahead(api.open_workspace(), make_recipe(document), arguments).tiles[0].seasons[0]
    assert (after.status, after.basis, after.warnings) == ("ok", "composite", before.warnings)
    used = [candidate.date for candidate in before.used]
    assert [candidate.date for candidate in after.used] == used
