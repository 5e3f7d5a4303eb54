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
from landcover.errors import InputError, MissingDataError
from landcover.simulate import simulate
from landcover.views.conventions import grid_of

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


def test_a_map_is_drawn_in_its_colours(opened: dict[str, xarray.Dataset]) -> None:
    import matplotlib as mpl
    from matplotlib import pyplot as plt
    from matplotlib.colors import to_hex

    mpl.use("agg")
    codes = opened["map"]["classification"]
    expected = {entry.code: entry for entry in codes.landcover.classes}
    assert set(np.unique(codes)) - {0} <= set(expected)
    drawn = codes.landcover.plot()
    ours = codes.plot(**codes.landcover.colours, ax=plt.figure().gca())  # xarray's own
    for mesh in (drawn, ours):
        for code, entry in expected.items():
            assert to_hex(mesh.cmap(mesh.norm(code))).upper() == entry.colour.upper()
    named = [text.get_text() for text in drawn.colorbar.ax.get_yticklabels()]
    assert named == [entry.name for entry in expected.values()]
    plt.close("all")


def test_what_names_no_classes_is_told(opened: dict[str, xarray.Dataset]) -> None:
    with pytest.raises(InputError, match="confidence: names no classes with colours"):
        opened["map"]["confidence"].landcover.plot()


def test_maps_join_as_xarray(opened: dict[str, xarray.Dataset]) -> None:
    whole = opened["map"]
    west, east = whole.isel(x=slice(0, 150)), whole.isel(x=slice(90, 240))
    joined = api.mosaic({"east": east, "west": west})
    np.testing.assert_array_equal(joined["classification"], whole["classification"])
    np.testing.assert_array_equal(joined["confidence"], whole["confidence"])
    assert joined["classification"].attrs == whole["classification"].attrs
    assert joined.x.equals(whole.x)
    assert joined["classification"].odc.geobox == whole["classification"].odc.geobox
    (overlap,) = joined.attrs["overlaps"]
    assert (overlap["first"], overlap["differing"]) == ("east", 0)
    alone = api.mosaic({"west": west["classification"]})
    np.testing.assert_array_equal(alone["classification"], west["classification"])
    assert (alone["confidence"] == 255).all()
    with pytest.raises(InputError, match=r"mosaic: west: classification is needed whole, found 3"):
        api.mosaic({"west": west.chunk({"y": 80})})
    with pytest.raises(InputError, match="west: expected a variable classification, found conf"):
        api.mosaic({"west": west[["confidence"]]})


def test_the_grid_of_an_array_is_found(opened: dict[str, xarray.Dataset]) -> None:
    codes = opened["map"]["classification"]
    grid = grid_of(codes)
    assert (grid.crs, grid.shape, grid.pixel) == ("EPSG:32630", (SIDE, SIDE), 10)
    assert grid.transform == opened["map"].attrs["transform"]
    with pytest.raises(InputError, match="no coordinate 'spatial_ref' says a reference system"):
        grid_of(codes.drop_vars("spatial_ref"))
    with pytest.raises(InputError, match="expected square pixels in rows from north to south"):
        grid_of(codes[::-1])
    with pytest.raises(InputError, match="expected square pixels"):
        grid_of(codes[:, ::2])
