"""Season readiness from a catalogue: metadata only, and a source that does not answer."""

from __future__ import annotations

import pytest
from fake_servers import TILE, Fault, contents, google

from landcover import api
from landcover.errors import MissingDataError

RECIPE = {
    "name": "test",
    "seasons": [{"name": "spring", "primary_month": 3, "fallback_month": 4}],
}


@pytest.fixture
def server(safes):
    with google("gcp-public-data-sentinel-2", contents(safes, "L2/tiles/30/S/UF/")) as running:
        yield running


def test_a_catalogue_gives_an_estimate_and_no_raster_is_read(server, workspace_folder):
    address = f"google?endpoint={server.url}"
    collection = api.quality_map(TILE, RECIPE, year=2021, products=address)
    (feature,) = collection["features"]
    seen = feature["properties"]
    assert seen["basis"] == "metadata"
    assert seen["n_products"] == len(seen["products"]) >= 2
    unseen = 100.0
    for product in seen["products"]:
        useful = (100 - product["nodata"]) * (100 - product["cloud"]) / 10_000
        unseen *= 1 - useful
    assert seen["nodata_pct"] == pytest.approx(unseen, abs=1e-3)
    assert not server.asked(r"\.jp2.*alt=media")


def test_a_source_that_is_away_is_told_and_writes_no_page(server, workspace_folder, tmp_path):
    server.faults.append(Fault(".*", status=404, times=999))
    with pytest.raises(MissingDataError, match="No tile could be looked at"):
        api.quality_map(
            TILE, RECIPE, year=2021, products=f"google?endpoint={server.url}", out=tmp_path / "out"
        )
    assert not (tmp_path / "out").exists()
