"""The room that opens rasters: joined cells, warps, round trips, damaged files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from landcover.errors import InputError
from landcover.nouns.grid import Grid, Window
from landcover.raster.terrain import merge_cells
from landcover.stores.rasters import (
    RasterStyle,
    by_pixel_size,
    create_raster,
    describe,
    joined,
    read_array,
    read_warped,
    write_raster,
)

DEGREES = Grid(crs="EPSG:4326", ulx=0.0, uly=1.0, pixel=0.1, width=11, height=11)


def cell(
    folder: Path,
    name: str,
    west: float,
    values: np.ndarray,
    *,
    nodata: float = -9999,
    width_deg: float = 0.1,
) -> Path:
    path = folder / name
    rows, columns = values.shape
    with rasterio.open(
        path, "w", driver="GTiff", dtype=values.dtype, count=1, height=rows, width=columns,
        crs="EPSG:4326", nodata=nodata,
        transform=rasterio.Affine(width_deg, 0, west, 0, -0.1, 1.0),
    ) as raster:  # fmt: skip
        raster.write(values, 1)
    return path


def test_joined_cells_equal_the_merge_in_memory(tmp_path: Path) -> None:
    # Two ASTER-like cells that share a column; on conflict the first in order wins.
    rng = np.random.default_rng(1)
    left = rng.integers(0, 900, (11, 11)).astype(np.int16)
    right = rng.integers(0, 900, (11, 11)).astype(np.int16)
    left[3, 10] = -9999  # a void on the shared column is filled from the other cell
    right[7, 5] = -9999
    paths = [cell(tmp_path, "a.tif", 0.0, left), cell(tmp_path, "b.tif", 1.0, right)]
    expected, grid = merge_cells(
        [(left, DEGREES), (right, DEGREES.model_copy(update={"ulx": 1.0}))]
    )
    found = read_warped(joined(paths), grid, resampling="nearest")
    np.testing.assert_array_equal(found, expected)
    assert found[3, 10] == right[3, 0]
    assert found[5, 10] == left[5, 10]
    assert np.isnan(found[7, 15])


def test_joined_cells_have_no_seam_and_a_lone_one_is_itself(tmp_path: Path) -> None:
    ramp = np.tile(np.arange(20, dtype=np.float32), (11, 1))
    paths = [
        cell(tmp_path, "a.tif", 0.0, ramp[:, :10], nodata=np.nan),
        cell(tmp_path, "b.tif", 1.0, ramp[:, 10:], nodata=np.nan),
    ]
    between = Grid(crs="EPSG:4326", ulx=0.05, uly=0.9, pixel=0.1, width=18, height=5)
    found = read_warped(joined(paths), between, resampling="bilinear")
    np.testing.assert_allclose(found, np.tile(np.arange(18) + 0.5, (5, 1)), atol=1e-4)
    assert joined(paths[:1]) == paths[0]


def test_cells_of_other_pixel_sizes_are_kept_apart(tmp_path: Path) -> None:
    # Copernicus cells are half as wide beyond 50 degrees: their pixels are not square.
    values = np.ones((4, 4), np.float32)
    square = cell(tmp_path, "a.tif", 0.0, values)
    wide = cell(tmp_path, "b.tif", 1.0, values, width_deg=0.2)
    other = cell(tmp_path, "c.tif", 2.0, values)
    assert by_pixel_size([square, wide, other]) == [[square, other], [wide]]
    assert describe(wide).grid is None
    assert describe(square).grid is not None


@pytest.mark.parametrize(
    ("dtype", "nodata"), [("uint8", 0), ("int16", -32768), ("float32", float("nan"))]
)
def test_what_is_written_by_window_is_read_back(tmp_path: Path, dtype: str, nodata: float) -> None:
    grid = Grid(crs="EPSG:32630", ulx=300000, uly=4100040, pixel=10, width=700, height=530)
    values = np.random.default_rng(0).integers(1, 99, grid.shape).astype(dtype)
    style = RasterStyle(dtype=dtype, nodata=nodata, descriptions=("B04",), tags={"a": "b"})
    whole, pieces = tmp_path / "whole.tif", tmp_path / "pieces.tif"
    write_raster(whole, values, grid, style)
    with create_raster(pieces, grid, style) as raster:
        for window in grid.windows(512, 512):
            raster.write(values[window.slices], window)
    found, found_grid = read_array(pieces)
    assert found_grid == grid
    np.testing.assert_array_equal(found[0], values)
    assert whole.read_bytes() == pieces.read_bytes(), "windows leave no trace in the bytes"
    part, _ = read_array(whole, Window(500, 600, 30, 100))
    np.testing.assert_array_equal(part[0], values[500:530, 600:700])


def test_absent_and_damaged_files_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such raster file"):
        describe(tmp_path / "none.tif")
    path = tmp_path / "text.tif"
    path.write_text("not a raster")
    with pytest.raises(InputError, match="damaged or truncated"):
        describe(path)
