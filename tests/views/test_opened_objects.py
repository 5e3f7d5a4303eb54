"""What products, composites, features and maps say of themselves, and other libraries read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import odc.geo.xr  # noqa: F401 - registers .odc
import pytest
import rasterio
import rioxarray  # noqa: F401 - registers .rio
import xarray

from landcover import api
from landcover.errors import MissingDataError
from landcover.simulate import simulate

# rioxarray multiplies transforms in a way that affine will drop.
pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
SIDE = 240
SEASONS = (
    "seasons=[{name: spring, primary_month: 3, fallback_month: 4}, "
    "{name: summer, primary_month: 6, fallback_month: 7}]"
)


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("opened")
    region = simulate(folder / "region", tiles=("30SUF",), pixels=SIDE, points_per_class=12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(folder / "workspace"))
        api.start_run(
            "opened", RECIPE, year=region.year, products=str(region.products),
            labels=str(region.labels), dem=str(region.dem), until="classify", overrides=[SEASONS],
        )  # fmt: skip
        assert api.run_inline("opened")["state"] == "done"
        yield region


@pytest.fixture
def opened(region: Any) -> dict[str, xarray.Dataset]:
    product = next(path for path in sorted(region.products.iterdir()) if path.suffix == ".SAFE")
    (record,) = api.open_workspace().records.find("outputs", {"wanted.stage": "classify"})
    return {
        "product": api.open_product(product).dataset(),
        "composite": api.open_composite("30SUF", f"{region.year}"),
        "features": api.open_features("30SUF").to_dataset(),
        "map": api.open_map(record["_id"]),
    }


def test_every_variable_has_its_place(opened: dict[str, xarray.Dataset]) -> None:
    for what, dataset in opened.items():
        assert len(dataset)
        for name, array in dataset.items():
            box = array.odc.geobox
            assert array.rio.crs == rasterio.CRS.from_epsg(32630), (what, name)
            assert box.crs.epsg == 32630, (what, name)
            assert box.shape == (SIDE, SIDE)
            assert array.rio.transform() == box.transform
            # The centre of the first pixel lies half a pixel from its corner.
            assert box.transform.c == float(array.x[0]) - 5
            assert box.transform.f == float(array.y[0]) + 5


def test_every_variable_says_what_it_is(opened: dict[str, xarray.Dataset]) -> None:
    for what, dataset in opened.items():
        for name, array in dataset.items():
            assert array.attrs["long_name"], (what, name)
            assert array.attrs["_FillValue"].dtype == array.dtype, (what, name)
    composite = opened["composite"]
    assert composite["B04"].attrs["units"] == "1"
    assert composite["WVP"].attrs["units"] == "cm"
    assert np.isnan(composite["B04"].rio.nodata)
    scl = opened["product"]["SCL"].attrs
    meaning = dict(zip(scl["flag_values"], scl["flag_meanings"].split(), strict=True))
    assert (meaning[3], meaning[8]) == ("cloud_shadow", "cloud_medium_probability")


def test_a_year_opens_along_time(opened: dict[str, xarray.Dataset], region: Any) -> None:
    year = opened["composite"]
    assert year["B04"].dims == ("time", "y", "x")
    assert list(year.period.values) == [f"{region.year}-spring", f"{region.year}-summer"]
    assert list(year.time.dt.month.values) == [3, 6]
    for n, period in enumerate(year.period.values):
        alone = api.open_composite("30SUF", period)
        assert alone["B04"].dims == ("time", "y", "x")
        assert alone.sizes["time"] == 1
        np.testing.assert_array_equal(year["B11"][n], alone["B11"][0])
        assert float(alone["B08"].mean()) > 0.05
    piece = year["B04"][::-1, 100:90:-3, 5]
    np.testing.assert_array_equal(piece, year["B04"].values[::-1, 100:90:-3, 5])
    with pytest.raises(MissingDataError, match="30SUF 1999: no composite"):
        api.open_composite("30SUF", "1999")


def test_a_period_without_a_layer_is_nodata(
    region: Any, monkeypatch: pytest.MonkeyPatch, opened: dict[str, xarray.Dataset]
) -> None:
    from landcover.views import composites

    whole = composites._grids

    def lacking(output: Any) -> Any:
        grids = whole(output)
        return {k: g for k, g in grids.items() if k != "B05" or "spring" in output.unit}

    monkeypatch.setattr(composites, "_grids", lacking)
    found = api.open_composite("30SUF", f"{region.year}")["B05"]
    assert np.isnan(found[1]).all()
    np.testing.assert_array_equal(found[0], opened["composite"]["B05"][0])


def test_products_join_to_a_series(region: Any) -> None:
    paths = [path for path in sorted(region.products.iterdir()) if path.suffix == ".SAFE"][:2]
    series = xarray.concat([api.open_product(p).dataset(["B04"]) for p in paths], "time")
    assert series["B04"].dims == ("time", "y", "x")
    assert series.time.dtype.kind == "M"
    assert str(series.time.values[0])[:4] == str(region.year)


def test_a_map_is_saved_with_place_and_nodata(
    opened: dict[str, xarray.Dataset], tmp_path: Path
) -> None:
    opened["map"]["classification"].rio.to_raster(tmp_path / "map.tif")
    with rasterio.open(tmp_path / "map.tif") as raster:
        assert raster.crs.to_epsg() == 32630
        assert raster.nodata == 0
        np.testing.assert_array_equal(raster.read(1), opened["map"]["classification"])


def test_confidence_decodes_to_probabilities(opened: dict[str, xarray.Dataset]) -> None:
    stored = opened["map"]["confidence"]
    decoded = xarray.decode_cf(opened["map"][["confidence"]])["confidence"]
    assert float(decoded.max()) <= 1
    np.testing.assert_allclose(
        decoded.where(stored != 255), np.where(stored == 255, np.nan, stored.values / 254), 1e-6
    )
