"""A product opens without its pixels; what is computed is read, and nothing else."""

from __future__ import annotations

import pickle
import shutil

import numpy as np
import pytest
import rasterio
import xarray

from landcover import api
from landcover.errors import InputError
from landcover.stores.rasters import RasterReader

OFFSET = -1000


@pytest.fixture
def limburg(data_dir):
    (path,) = (data_dir / "safe-mini/32UMA_limburg").glob("*.SAFE")
    return path


@pytest.fixture
def reads(monkeypatch):
    """List the windows that are read."""
    windows = []
    read = RasterReader.read

    def counted(self, window=None, band=None):
        windows.append(window)
        return read(self, window, band)

    monkeypatch.setattr(RasterReader, "read", counted)
    return windows


def numbers(product, layer):
    """Read digital numbers without the library."""
    (path,) = product.rglob(f"*_{layer}_*.jp2")
    with rasterio.open(path) as raster:
        return raster.read(1)


def test_nothing_is_read_before_compute(limburg, reads):
    dataset = api.open_product(limburg).dataset()
    assert dataset.sizes == {"y": 216, "x": 210}
    part = dataset[["B02", "SCL"]].isel(y=slice(0, 10))
    repr(part)
    assert reads == []
    part.compute()
    assert len(reads) == 2


def test_the_file_is_needed_at_compute_only(limburg, tmp_path):
    copy = tmp_path / limburg.name
    shutil.copytree(limburg, copy)
    dataset = api.open_product(copy).dataset()
    (lost,) = copy.rglob("*_B02_10m.jp2")
    lost.unlink()
    assert float(dataset.B03.mean()) > 0
    with pytest.raises(InputError, match="no such raster file"):
        dataset.B02.compute()


def test_a_selection_reads_its_window_only(limburg, reads):
    dataset = api.open_product(limburg).dataset()
    dataset.B02.isel(y=slice(30, 40), x=slice(100, 125, 3)).compute()
    assert reads.pop() == (30, 100, 10, 25)
    dataset.B02[7, 8].compute()
    assert reads.pop() == (7, 8, 1, 1)
    # 60 m: rows 30-39 lie in coarse rows 5-6, columns 100-124 in coarse columns 16-20.
    dataset.B01.isel(y=slice(30, 40), x=slice(100, 125)).compute()
    assert reads.pop() == (5, 16, 2, 5)
    assert dataset.B02.isel(y=slice(0, 0)).compute().shape == (0, 210)
    assert reads == []


@pytest.mark.parametrize("layer", ["B02", "B08"])
def test_reflectance_is_that_of_the_metadata(limburg, layer):
    dn = numbers(limburg, layer)
    found = api.open_product(limburg).dataset([layer])[layer].compute()
    expected = np.where(dn == 0, np.nan, (dn.astype(np.float64) + OFFSET) / 10_000)
    assert found.dtype == np.float32
    assert np.nanmax(np.abs(found.to_numpy() - expected)) < 1e-7
    np.testing.assert_array_equal(np.isnan(found), dn == 0)
    assert np.nanmax(expected) - np.nanmin(expected) > 0.1  # the product shows something


def test_without_an_offset(data_dir):
    path = sorted((data_dir / "safe-mini/31UDS_9B424A").glob("*.SAFE"))[2]
    dn = numbers(path, "B04")
    found = api.open_product(path).dataset(["B04"]).B04.to_numpy()
    np.testing.assert_allclose(found[dn > 0], dn[dn > 0] / 10_000, atol=1e-7)


@pytest.mark.parametrize(("layer", "ratio"), [("B01", 6), ("B05", 2)])
def test_coarser_bands_are_repeated(limburg, layer, ratio):
    dn = numbers(limburg, layer).astype(np.float64)
    found = api.open_product(limburg).dataset([layer])[layer].to_numpy()
    expected = np.kron((dn + OFFSET) / 10_000, np.ones((ratio, ratio)))
    np.testing.assert_allclose(found, expected[: found.shape[0], : found.shape[1]], atol=1e-7)


def test_scl_stays_a_code(data_dir):
    path = sorted((data_dir / "safe-mini/31UDS_9B424A").glob("*.SAFE"))[1]
    codes = numbers(path, "SCL")
    found = api.open_product(path).dataset(["SCL"]).SCL.compute()
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, np.repeat(np.repeat(codes, 2, 0), 2, 1))
    assert len(np.unique(codes)) > 1


def test_coordinates_are_pixel_centres(limburg):
    dataset = api.open_product(limburg).dataset(["B02"])
    assert (dataset.x[0], dataset.x[-1]) == (427_895, 427_895 + 209 * 10)
    assert (dataset.y[0], dataset.y[-1]) == (5_596_625, 5_596_625 - 215 * 10)
    assert dataset.attrs["crs"] == "EPSG:32632"
    assert dataset.attrs["transform"] == (10, 0, 427_890, 0, -10, 5_596_630)


def test_another_resolution(limburg):
    dataset = api.open_product(limburg).dataset(["B05", "B01", "SCL"], resolution=20)
    assert dataset.sizes == {"y": 108, "x": 105}
    np.testing.assert_array_equal(dataset.SCL, numbers(limburg, "SCL"))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"bands": ["B10"]}, "no layer B10; the product has B01, B02"),
        ({"bands": "B99"}, "no layer B99"),
        ({"bands": ["B02"], "resolution": 20}, r"B02 \(10 m\) finer than 20 m"),
        ({"resolution": 60}, "finer than 60 m. Leave them out"),
        ({"resolution": 30}, "no raster of 30 m; there are 10, 20, 60 m"),
        ({"resolution": 0}, "no raster of 0 m"),
    ],
)
def test_what_cannot_be_given_is_told(limburg, options, sentence):
    with pytest.raises(InputError, match=sentence):
        api.open_product(limburg).dataset(**options)


def test_the_bands_that_are_asked_for(limburg):
    opened = api.open_product(limburg)
    assert list(opened.dataset()) == list(opened.metadata.layers)
    assert list(opened.dataset(["SCL", "B02"])) == ["SCL", "B02"]
    assert list(opened.dataset("B8A")) == ["B8A"]
    assert list(opened.dataset([])) == []


@pytest.mark.parametrize(
    "key",
    [
        {"y": -1},
        {"y": slice(None, None, -1)},
        {"y": slice(3, 40, 7), "x": slice(5, 6)},
        {"y": slice(-3, None), "x": slice(-1, -8, -2)},
        {"y": [5, 2, 2], "x": [0, 209]},
        {"y": [-1, 0]},
        {"y": np.int64(3), "x": 0},
        {"x": []},
        {"y": xarray.DataArray([1, 3], dims="p"), "x": xarray.DataArray([7, 0], dims="p")},
    ],
    ids=str,
)
@pytest.mark.parametrize("layer", ["B02", "B01", "SCL"])
def test_every_way_of_indexing_is_that_of_the_whole(limburg, layer, key):
    whole = api.open_product(limburg).dataset([layer]).compute()
    lazy = api.open_product(limburg).dataset([layer])
    xarray.testing.assert_identical(lazy.isel(key).compute(), whole.isel(key))


def test_pieces_in_threads_and_processes_are_the_whole(limburg):
    dataset = api.open_product(limburg).dataset(["B01", "B02"])
    whole = dataset.compute()
    pieces = dataset.chunk({"y": 50, "x": 70}).compute(scheduler="threads")
    xarray.testing.assert_identical(pieces, whole)
    xarray.testing.assert_identical(pickle.loads(pickle.dumps(dataset)).compute(), whole)


def test_metadata_are_read_once(limburg):
    opened = api.open_product(limburg)
    assert opened.metadata is opened.metadata
    assert opened.metadata.tile == "32UMA"


def test_nothing_is_told_at_once(tmp_path):
    with pytest.raises(InputError, match="no such product folder"):
        api.open_product(tmp_path / "absent.SAFE")
    with pytest.raises(InputError, match="neither a SAFE folder"):
        api.open_product(tmp_path)


def test_a_product_shows_itself_shortly(limburg):
    shown = repr(api.open_product(limburg))
    assert shown.startswith("OpenedProduct(name='S2")
    assert "tile='32UMA'" in shown
    assert "<th" in api.open_product(limburg)._repr_html_()
