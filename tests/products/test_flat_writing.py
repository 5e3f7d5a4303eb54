"""Images along time become products: netCDF of xarray in another zone, and the real series."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray
from click.testing import CliRunner

from landcover.cli import cli
from landcover.errors import InputError
from landcover.products.flat_writing import write_flat_products
from landcover.sources.local import LocalSource
from landcover.stores.rasters.netcdf import read_netcdf

TIMES = np.array(["2021-06-03T10:46:21", "2021-06-08", "2021-07-01T01:02:03"], "datetime64[ns]")


def series(size: int = 6, pixel: float = 20, **variables: np.ndarray) -> xarray.Dataset:
    """A series in zone 5, with the coordinates of pixel centres."""
    centres = (np.arange(size) + 0.5) * pixel
    return xarray.Dataset(
        {name: (("t", "y", "x")[: v.ndim], v) for name, v in variables.items()},
        {"t": TIMES, "y": 2_200_020 - centres, "x": 300_000 + centres},
        {"epsg": 32605},
    )


def images(size: int = 6, factor: int = 1) -> np.ndarray:
    return (factor * np.arange(3 * size * size)).reshape(3, size, size).astype(np.int16)


def test_a_series_of_xarray(tmp_path: Path) -> None:
    """netCDF 3, signed numbers, two resolutions, one angle that is unknown on a date."""
    sun = np.array([30.5, np.nan, 31.25])
    coarse = series(B11=images(), scene=images() % 12, sun_azimuth=sun, cloud_percent=sun)
    coarse.to_netcdf(tmp_path / "a.nc", engine="scipy")
    fine = series(12, 10, nir=images(12), B02=images(12, 2))
    assert str(fine.y.values[0]) == "2200015.0"
    fine = fine.isel(y=slice(None, None, -1))  # as many tools write it, south first
    fine.to_netcdf(tmp_path / "b.nc", engine="scipy")
    done = CliRunner().invoke(
        cli,
        ["products", str(tmp_path / "a.nc"), str(tmp_path / "b.nc"), "--to", str(tmp_path / "to"),
         "--tile", "05QKB", "--offset", "-1000", "--name", "scene=SCL"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "3 products" in done.output
    products, damaged = LocalSource(tmp_path / "to").products("05QKB")
    assert damaged == []
    first, second, third = products
    assert [p.name for p in products][::2] == ["05QKB_20210603T104621", "05QKB_20210701T010203"]
    assert first.layers == ("B02", "B08", "B11", "SCL")
    assert (first.sun_azimuth, second.sun_azimuth, third.sun_azimuth) == (30.5, None, 31.25)
    assert third.cloud_percent == 31.25
    assert {f.offset for f in first.files if f.layer != "SCL"} == {-1000}
    file = third.file("B02")
    assert file is not None
    assert file.grid.describe() == "EPSG:32605 12x12 px of 10 at (300000, 2200020)"
    with rasterio.open(file.href) as raster:
        assert np.array_equal(raster.read(1), images(12, 2)[2])


def test_the_real_series(data_dir: Path) -> None:
    """netCDF 4 of two files: places, dates and angles as its README tells them."""
    fine, coarse = (
        read_netcdf(path)
        for path in sorted(data_dir.glob("worldcereal-flanders/00002806639B424A/S2*.nc"))
    )
    assert fine.grid.describe() == "EPSG:32631 64x64 px of 10 at (501360, 5629680)"
    assert coarse.grid.bounds == fine.grid.bounds
    assert np.array_equal(fine.times, coarse.times)
    assert [str(t)[:10] for t in fine.times[[0, -1]]] == ["2017-08-04", "2018-11-27"]
    assert len(fine.times) == 118
    assert set(coarse.images) == {"B05", "B06", "B07", "B11", "B12", "B8A", "SCL"}
    for name in ("sunZenithAngles", "sunAzimuthAngles", "viewZenithMean", "viewAzimuthMean"):
        angles = coarse.numbers(name)
        assert angles is not None
        assert np.isfinite(angles).all()
    assert fine.numbers("sunZenithAngles") is None
    # Midsummer sun at 51 degrees north: noon is at 28 degrees, the pass an hour before.
    zenith = coarse.numbers("sunZenithAngles")
    assert zenith is not None
    assert str(coarse.times[int(zenith.argmin())])[5:7] == "06"
    assert 28 < zenith.min() < 32
    # The same patch and date as SAFE, made of it by others.
    (same,) = data_dir.glob("safe-mini/31UDS_9B424A/*20180325*/**/*_B8A_20m.jp2")
    (number,) = np.flatnonzero(coarse.times.astype("datetime64[D]") == np.datetime64("2018-03-25"))
    with rasterio.open(same) as raster:
        assert np.array_equal(raster.read(1), coarse.read("B8A", int(number))[0])
    pixels, nodata = coarse.read("SCL", 5)
    assert (pixels.dtype, nodata) == (np.uint8, 0)
    assert set(np.unique(pixels)) <= set(range(12))


@pytest.mark.parametrize(
    ("dataset", "says"),
    [
        (series(B02=images().astype(np.float32), B03=images()), "B02 is float32, expected digital"),
        (series(red_edge=images(), other=images()), "no variable is called as a layer"),
        (series(B02=images(), B03=images()).isel(x=slice(None, None, -1)), "from west to east"),
        (series(B02=images(), B03=images()).isel(y=[0, 1, 3]), "centres of square pixels"),
        (series(B02=images(), B03=images()).drop_attrs(), "names no reference system"),
        (series(B02=images(), B03=images()).drop_vars("x"), "no coordinates x and y"),
        (series(B02=images(), blue=images()), "B02 is in"),
        (series(B02=images(), B03=images()).drop_vars("t"), "expected units such as"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, dataset: xarray.Dataset, says: str) -> None:
    dataset.to_netcdf(tmp_path / "a.nc", engine="scipy")
    with pytest.raises(InputError, match=says):
        write_flat_products([tmp_path / "a.nc"], tmp_path / "to", tile="05QKB", offset=0)


def test_files_that_do_not_belong_together(tmp_path: Path) -> None:
    series(B02=images(), B03=images()).to_netcdf(tmp_path / "a.nc", engine="scipy")
    other = series(B04=images(), B05=images()).isel(t=slice(0, 2))
    other.to_netcdf(tmp_path / "b.nc", engine="scipy")
    both = [tmp_path / "a.nc", tmp_path / "b.nc"]
    with pytest.raises(InputError, match="2 dates"):
        write_flat_products(both, tmp_path / "to", tile="05QKB", offset=0)
    (tmp_path / "c.nc").write_text("text")
    with pytest.raises(InputError, match="cannot be read as netCDF"):
        write_flat_products([tmp_path / "c.nc"], tmp_path / "to", tile="05QKB", offset=0)
    assert write_flat_products(both[:1], tmp_path / "to", tile="05QKB", offset=0)
    with pytest.raises(InputError, match="has products already"):
        write_flat_products(both[:1], tmp_path / "to", tile="05QKB", offset=0)
