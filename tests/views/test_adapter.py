"""xarray in, xarray out: chunked as whole as numpy, bit for bit, and nothing lost on the way."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dask
import numpy as np
import pandas as pd
import pytest
import xarray

from landcover import api
from landcover.errors import InputError
from landcover.nouns.feature_sections import TEXTURES
from landcover.nouns.grid import Grid
from landcover.views.axes import ROWS, TEXTURE_NAMES
from landcover.views.conventions import coordinates, placed

ROWS_PX, COLUMNS_PX = 61, 43
GRID = Grid(crs="EPSG:32630", ulx=300_000, uly=4_100_000, pixel=10, width=COLUMNS_PX,
            height=ROWS_PX)  # fmt: skip
BANDS = ("B02", "B04", "B08")
TIMES = np.array(["2021-03-01", "2021-04-01", "2021-05-01", "2021-06-01"], "datetime64[ns]")


def on_grid(values: Any, *leading: str, **attributes: Any) -> xarray.DataArray:
    """Lay numbers on the grid, with time and band before it."""
    named = {"time": TIMES, "band": list(BANDS)}
    array = xarray.DataArray(
        values, dims=(*leading, "y", "x"), attrs=attributes,
        coords={**coordinates(GRID), **{axis: named[axis] for axis in leading}},
    )  # fmt: skip
    placed(array.variable)
    return array


def draw(*leading: int) -> Any:
    rng = np.random.default_rng(sum(leading) + 1)
    values = rng.random((*leading, ROWS_PX, COLUMNS_PX), np.float32)
    return np.where(rng.random(values.shape) < 0.1, np.float32(np.nan), values)


def reflectance() -> xarray.DataArray:
    return on_grid(draw(4, 3), "time", "band", units="1", long_name="surface reflectance")


def is_cloud(*leading: str, share: float = 0.075) -> xarray.DataArray:
    sizes = [4 for _ in leading]
    return on_grid(np.random.default_rng(3).random((*sizes, ROWS_PX, COLUMNS_PX)) < share, *leading)


def terrain() -> xarray.DataArray:
    return on_grid(100 * draw(), long_name="elevation", units="m")


def numbers() -> xarray.DataArray:
    values = np.random.default_rng(5).integers(-50, 9000, (ROWS_PX, COLUMNS_PX)).astype(np.int16)
    values[7, :9] = -32768
    return on_grid(values, long_name="harmonised numbers")


# Function → its arrays as xarray objects and its other arguments.
CASES: Mapping[str, Callable[[], tuple[list[Any], dict[str, Any]]]] = {
    "correct_topography": lambda: (
        [numbers(), on_grid(draw().astype(np.float64)), on_grid(40 * draw())],
        {"sun_zenith": 35.0, "c": 0.4},
    ),
    "expand_cloud_mask": lambda: ([is_cloud()], {"pixel_size_m": 10.0, "growth_m": 300}),
    "fill_gaps": lambda: ([on_grid(draw(4), "time")], {"max_reach": 2}),
    "glcm_textures": lambda: ([on_grid(0.5 * draw())], {"window": 5, "levels": 8}),
    "median_composite": lambda: ([reflectance(), is_cloud("time", share=0.3)], {}),
    "normalise": lambda: ([on_grid(9000 * draw())], {"layer": "B04"}),
    "slope_aspect": lambda: ([terrain()], {"cell_size_m": 10.0}),
    "spectral_index": lambda: (
        ["savi", {band: on_grid(draw(3)[n]) for n, band in enumerate(BANDS)}],
        {"variant": "paper"},
    ),
}  # fmt: skip


def each(arguments: list[Any], change: Callable[[xarray.DataArray], Any]) -> list[Any]:
    """Change every array among arguments."""

    def one(value: Any) -> Any:
        if isinstance(value, xarray.DataArray):
            return change(value)
        return {k: one(v) for k, v in value.items()} if isinstance(value, dict) else value

    return [one(value) for value in arguments]


def called(name: str, change: Callable[[xarray.DataArray], Any]) -> tuple[Any, ...]:
    arguments, others = CASES[name]()
    found = getattr(api, name)(*each(arguments, change), **others)
    return found if isinstance(found, tuple) else (found,)


def test_every_function_of_images_is_tried_here() -> None:
    images = {name for name, row in ROWS.items() if row.along in ("pixels", "neighbours")}
    assert set(CASES) == images
    assert set(ROWS) <= set(api.__all__)
    assert TEXTURE_NAMES == TEXTURES


@pytest.mark.parametrize("name", CASES)
def test_xarray_holds_the_numbers_of_numpy(name: str) -> None:
    plain = called(name, lambda array: array.values)
    whole = called(name, lambda array: array)
    for numpy_one, one in zip(plain, whole, strict=True):
        assert type(numpy_one) is np.ndarray
        assert one.dtype == numpy_one.dtype
        np.testing.assert_array_equal(one.values, numpy_one)
        assert len(np.unique(numpy_one[~np.isnan(numpy_one)])) > 1


@pytest.mark.parametrize("chunks", [1, 7, 20, {"y": 59, "x": 5}, -1], ids=str)
@pytest.mark.parametrize("name", CASES)
def test_chunks_of_any_size_give_the_whole(name: str, chunks: Any) -> None:
    size = chunks if isinstance(chunks, dict) else {"y": chunks, "x": chunks}
    if chunks == 1:
        size = {"y": 1, "x": 22}
    whole = called(name, lambda array: array)
    lazy = called(name, lambda array: array.chunk(size))
    for threads in (1, 7):
        with ThreadPoolExecutor(threads) as pool, dask.config.set(pool=pool):
            for one, part in zip(whole, lazy, strict=True):
                assert part.chunks, f"{name} was computed too early"
                assert part.dtype == one.dtype
                xarray.testing.assert_identical(part.compute(), one)
                assert part.compute().dtype == one.dtype


@pytest.mark.parametrize("name", CASES)
def test_place_and_meaning_stay(name: str) -> None:
    for change in (lambda array: array, lambda array: array.chunk({"y": 20, "x": 20})):
        for one in called(name, change):
            for axis, expected in coordinates(GRID).items():
                assert one[axis].attrs == expected.attrs
                np.testing.assert_array_equal(one[axis], expected)
            assert one.encoding["grid_mapping"] == "spatial_ref"
            assert one.dims[-2:] == ("y", "x")


def test_what_a_result_is_stands_in_its_attributes() -> None:
    composite, n_clear = called("median_composite", lambda array: array)
    assert composite.attrs == reflectance().attrs
    assert list(composite.band.values) == list(BANDS)
    assert n_clear.name == "n_clear"
    slope, aspect = called("slope_aspect", lambda array: array)
    assert (slope.name, slope.attrs["units"], aspect.name) == ("slope", "degree", "aspect")
    (index,) = called("spectral_index", lambda array: array)
    assert index.name == "savi"
    assert index.attrs["long_name"] == "SAVI (paper)"
    assert np.isnan(index.attrs["_FillValue"])


@pytest.mark.parametrize("name", CASES)
def test_a_lazy_result_travels_to_another_process(name: str) -> None:
    lazy = called(name, lambda array: array.chunk({"y": 20, "x": 20}))
    for one in lazy:
        xarray.testing.assert_identical(pickle.loads(pickle.dumps(one)).compute(), one.compute())


def test_a_block_carries_no_other_arrays() -> None:
    bands = {band: on_grid(draw(3)[n]).chunk({"y": 20}) for n, band in enumerate(BANDS)}
    bands["B11"] = on_grid(np.zeros((ROWS_PX, COLUMNS_PX))).chunk()
    lazy = api.spectral_index("ndvi", bands)
    assert len(pickle.dumps(lazy)) < 3 * bands["B02"].nbytes


def test_other_names_of_dimensions_come_back() -> None:
    names = {"y": "latitude", "x": "longitude"}
    turned = terrain().rename(names)
    for change in (lambda a: a, lambda a: a.chunk({"latitude": 20})):
        slope, _ = api.slope_aspect(change(turned), 10.0)
        assert slope.dims == ("latitude", "longitude")
        np.testing.assert_array_equal(slope, api.slope_aspect(terrain().values, 10.0)[0])


def test_the_order_of_dimensions_does_not_matter() -> None:
    composite, n_clear = api.median_composite(
        reflectance().transpose("y", "x", "band", "time"), is_cloud("time", share=0.3)
    )
    expected, n_expected = called("median_composite", lambda array: array)
    xarray.testing.assert_equal(composite.transpose(*expected.dims), expected)
    xarray.testing.assert_equal(n_clear, n_expected)
    assert composite.dims == ("y", "x", "band")


def test_images_in_a_stack_are_taken_one_by_one() -> None:
    stack = is_cloud("time")
    for change in (lambda a: a, lambda a: a.chunk({"time": 1, "y": 9, "x": 11})):
        grown = api.expand_cloud_mask(change(stack), 10.0, growth_m=150)
        for n in range(4):
            alone = api.expand_cloud_mask(stack[n].values, 10.0, growth_m=150)
            np.testing.assert_array_equal(grown[n], alone)


def test_one_cell_size_a_row_is_cut_with_the_rows() -> None:
    sizes = np.linspace(8, 12, ROWS_PX)
    whole = api.slope_aspect(terrain(), sizes, cell_size_y_m=sizes + 1)
    lazy = api.slope_aspect(terrain().chunk({"y": 8, "x": 8}), sizes, cell_size_y_m=sizes + 1)
    for one, part in zip(whole, lazy, strict=True):
        xarray.testing.assert_identical(part.compute(), one)


def test_an_image_smaller_than_the_halo() -> None:
    small = is_cloud()[:9, :5]
    whole = api.expand_cloud_mask(small, 10.0, growth_m=300)
    lazy = api.expand_cloud_mask(small.chunk({"y": 2, "x": 3}), 10.0, growth_m=300)
    xarray.testing.assert_identical(lazy.compute(), whole)


def test_a_dataset_of_bands() -> None:
    dataset = reflectance().to_dataset("band").assign_attrs(crs="EPSG:32630")
    dataset["B04"].attrs["long_name"] = "red"
    dates = [np.array(is_cloud("time", share=0.3))]
    composite, n_clear = api.median_composite(dataset, dates[0])
    expected, n_expected = called("median_composite", lambda array: array)
    assert isinstance(composite, xarray.Dataset)
    assert composite.attrs == dataset.attrs
    assert composite["B04"].attrs["long_name"] == "red"
    for band in BANDS:
        np.testing.assert_array_equal(composite[band], expected.sel(band=band))
    np.testing.assert_array_equal(n_clear, n_expected)
    index = api.spectral_index("ndvi", composite)
    np.testing.assert_array_equal(index, api.spectral_index("ndvi", expected))


def test_a_dataset_of_images() -> None:
    found = api.slope_aspect(xarray.Dataset({"a": terrain(), "b": terrain() + 1}), 10.0)
    assert [type(side) for side in found] == [xarray.Dataset] * 2
    assert list(found[0]) == ["a", "b"]
    masks = api.expand_cloud_mask(xarray.Dataset({"a": is_cloud()}), 10.0)
    assert isinstance(masks, xarray.Dataset)


def test_an_array_behind_a_file_stays_lazy() -> None:
    from xarray.core import indexing

    values = draw()
    variable = xarray.Variable(
        ("y", "x"), indexing.LazilyIndexedArray(indexing.NumpyIndexingAdapter(values))
    )
    array = xarray.DataArray(variable, coords=coordinates(GRID))
    found = api.normalise(array, "slope")
    assert found.chunks
    np.testing.assert_array_equal(found, api.normalise(values, "slope"))


def test_numpy_alone_stays_numpy() -> None:
    grown = api.expand_cloud_mask(is_cloud().values, 10.0)
    assert type(grown) is np.ndarray


# What must be told, and how.


def test_whole_images_refuse_chunks() -> None:
    dem = terrain().fillna(50)
    whole = api.denoise_dem(dem, 10.0, normal_iterations=2, vertex_iterations=2)
    assert whole.attrs == dem.attrs
    np.testing.assert_array_equal(
        whole, api.denoise_dem(dem.values, 10.0, normal_iterations=2, vertex_iterations=2)
    )
    lazy = api.denoise_dem(dem.chunk(), 10.0, normal_iterations=2, vertex_iterations=2)
    assert lazy.chunks
    xarray.testing.assert_identical(lazy.compute(), whole)
    with pytest.raises(InputError, match=r"denoise_dem: dem is needed whole, found 7 x 5 chunks"):
        api.denoise_dem(dem.chunk({"y": 10, "x": 10}), 10.0)


def test_places_that_differ_are_told() -> None:
    moved = is_cloud("time").assign_coords(y=is_cloud().y + 10)
    with pytest.raises(InputError, match="reflectance and is_masked do not lie on one grid"):
        api.median_composite(reflectance(), moved)
    with pytest.raises(InputError, match="do not lie on one grid"):
        api.accuracy(on_grid(numbers().values), numbers()[1:])


@pytest.mark.parametrize("function", ["slope_aspect", "denoise_dem"])
def test_rows_from_the_south_are_told(function: str) -> None:
    with pytest.raises(InputError, match="rows run from south to north; turn them"):
        getattr(api, function)(terrain()[::-1], 10.0)


def test_missing_dimensions_are_told() -> None:
    with pytest.raises(InputError, match="reflectance: expected the dimensions time, band, y, x"):
        api.median_composite(reflectance()[0], is_cloud("time"))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda a: api.expand_cloud_mask(a, 10.0), "must be a boolean image"),
        (lambda a: api.normalise(a, "B99"), "has no normalisation"),
        (lambda a: api.spectral_index("ndvi", {"B08": a}), "B04 missing"),
        (lambda a: api.slope_aspect(a, 10.0, convention="mills"), "Unknown aspect convention"),
    ],
)
def test_what_a_function_refuses_is_told_before_computing(
    call: Callable[[Any], Any], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        call(terrain().chunk({"y": 20, "x": 20}))


# Tables and reports.


def test_reports_take_xarray() -> None:
    codes = on_grid(np.random.default_rng(0).integers(1, 4, (ROWS_PX, COLUMNS_PX), np.uint8))
    truth = codes.where(codes.x > 300_200, 1).astype(np.uint8)
    expected = api.accuracy(codes.values, truth.values)
    assert api.accuracy(codes, truth) == expected
    assert api.accuracy(codes.chunk({"y": 9}), truth) == expected
    assert 0.4 < expected.overall < 1


def table() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    code = np.repeat([1, 2], 40)
    return pd.DataFrame({
        "a": rng.normal(code, 0.4), "b": rng.normal(size=80), "code": code,
        "point_id": np.arange(80) // 4, "dx": np.arange(80) % 2, "dy": np.arange(80) // 2 % 2,
    })  # fmt: skip


def test_a_dataset_of_columns_is_a_table() -> None:
    rows = table()
    dataset = xarray.Dataset.from_dataframe(rows)
    kept = api.balance(dataset, 25)
    assert kept.dims == ("index",)
    np.testing.assert_array_equal(kept, api.balance(rows, 25))
    assert 40 <= int(kept.sum()) < 80
    expected = api.jeffries_matusita(rows[["a", "b"]], rows["code"]).distance
    found = api.jeffries_matusita(dataset[["a", "b"]], dataset["code"]).distance
    np.testing.assert_array_equal(found, expected)
    array = dataset[["a", "b"]].to_array("feature").transpose("index", "feature")
    model = api.fit_classifier(array, dataset["code"], parameters={"n_trees": 5})
    assert model.feature_names == ("a", "b")
    with pytest.raises(InputError, match="expected columns along one dimension"):
        api.jeffries_matusita(terrain().to_dataset(name="a"), dataset["code"])
