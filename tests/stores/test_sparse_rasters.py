"""Sparse rasters: what nobody wrote is not stored, reads as nodata, and is checked too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from landcover.errors import DamagedError, InputError
from landcover.nouns.grid import Grid, Window
from landcover.stores.rasters import RasterStyle, create_raster, open_raster, read_array

GRID = Grid(crs="EPSG:32630", ulx=0, uly=0, pixel=10, width=3000, height=4000)
WINDOWS = [
    Window(1030, 600, 500, 300), Window(1024, 900, 512, 100), Window(1100, 2000, 924, 900),
    Window(3500, 10, 500, 20),
]  # fmt: skip


def write(path: Path, dtype: str, nodata: float | None, *, is_sparse: bool) -> np.ndarray:
    rng = np.random.default_rng(1)
    whole = np.full(GRID.shape, 0 if nodata is None else nodata, dtype)
    with create_raster(path, GRID, RasterStyle(dtype, nodata), is_sparse=is_sparse) as raster:
        for window in WINDOWS:
            values = rng.integers(1, 100, (window.height, window.width)).astype(dtype)
            raster.write(values, window)
            whole[window.slices] = values
    return whole


@pytest.mark.parametrize(
    ("dtype", "nodata"), [("int16", -32768), ("uint8", 0), ("uint8", None), ("float32", np.nan)]
)
def test_pixels_are_those_written(tmp_path: Path, dtype: str, nodata: float | None) -> None:
    path = tmp_path / "sparse.tif"
    expected = write(path, dtype, nodata, is_sparse=True)
    np.testing.assert_array_equal(read_array(path)[0][0], expected)
    with open_raster(path) as raster:
        assert raster.has_checksums
        raster.compare_all()
    has_value = ~(np.isnan(expected) if nodata is not None and np.isnan(nodata)
                  else expected == expected[0, 0])  # fmt: skip
    held = [bool(has_value[window.slices].any()) for window in GRID.windows(512, 512)]
    assert sum(held) == 9
    assert stored_blocks(path) == held


def stored_blocks(path: Path) -> list[bool]:
    """Say of each block, row by row, whether the file holds it."""
    with rasterio.open(path) as raster:
        return [
            raster.get_tag_item(f"BLOCK_OFFSET_{column}_{row}", "TIFF", bidx=1) is not None
            for row in range(8) for column in range(6)
        ]  # fmt: skip


def test_every_block_is_stored_without_being_asked(tmp_path: Path) -> None:
    write(tmp_path / "a.tif", "int16", -32768, is_sparse=False)
    assert all(stored_blocks(tmp_path / "a.tif"))


def test_a_flipped_bit_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    write(path, "uint8", 0, is_sparse=True)
    with rasterio.open(path) as raster:
        offset = int(raster.get_tag_item("BLOCK_OFFSET_1_2", "TIFF", bidx=1))
    damaged = bytearray(path.read_bytes())
    damaged[offset + 5000] ^= 1
    path.write_bytes(damaged)
    with pytest.raises((DamagedError, InputError)), open_raster(path) as raster:
        raster.compare_all()
