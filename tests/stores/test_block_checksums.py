"""A flipped bit in a stored raster is an error with a place, never other pixels."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from landcover.errors import DamagedError, InputError
from landcover.nouns.grid import Grid, Window
from landcover.stores.rasters import RasterStyle, create_raster, open_raster, write_raster
from landcover.stores.rasters.block_checksums import NAMESPACE, TAG

GRID = Grid(crs="EPSG:32630", ulx=600000.0, uly=4400000.0, pixel=10.0, width=1300, height=700)
STYLE = RasterStyle(dtype="int16", nodata=-32768)


@pytest.fixture(scope="module")
def raster(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    path = tmp_path_factory.mktemp("checked") / "B04.tif"
    pixels = np.random.default_rng(4).integers(0, 9000, GRID.shape, dtype=np.int16)
    write_raster(path, pixels, GRID, STYLE)
    return path, pixels


@settings(
    max_examples=60,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
    ],
)
@given(data=st.data())
def test_a_window_is_what_was_written_whichever_way_it_is_asked_for(data, raster) -> None:
    path, pixels = raster
    row = data.draw(st.integers(0, GRID.height - 1))
    column = data.draw(st.integers(0, GRID.width - 1))
    height = data.draw(st.integers(1, GRID.height - row))
    width = data.draw(st.integers(1, GRID.width - column))
    window = Window(row, column, height, width)
    with open_raster(path) as opened:
        assert opened.has_checksums
        for _ in range(2):  # compared, then known
            found = opened.read(window, band=1)
            assert np.array_equal(found, pixels[window.slices])
            assert found.shape == (height, width)


def flip(path: Path, offset: int, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1 << bit
    path.write_bytes(data)


def blocks_of(path: Path) -> list[tuple[int, int]]:
    """Give offset and length of each stored block."""
    with rasterio.open(path) as source:
        rows, columns = source.block_shapes[0]
        places = [
            (c, r)
            for r in range(-(-source.height // rows))
            for c in range(-(-source.width // columns))
        ]
        return [
            tuple(
                int(source.get_tag_item(f"BLOCK_{what}_{c}_{r}", dm="TIFF", bidx=1))
                for what in ("OFFSET", "SIZE")
            )
            for c, r in places
        ]


def test_flipped_bits_never_give_other_pixels(raster, tmp_path) -> None:
    path, pixels = raster
    drawn = np.random.default_rng(9)
    stored = blocks_of(path)
    silent, told = 0, 0
    for number in range(120):
        copy = tmp_path / f"{number}.tif"
        shutil.copy(path, copy)
        offset, size = stored[drawn.integers(len(stored))]
        flip(copy, int(offset + drawn.integers(size)), int(drawn.integers(8)))
        try:
            with open_raster(copy) as opened:
                found = opened.read(band=1)
        except InputError:
            told += 1
        else:
            silent += not np.array_equal(found, pixels)
        copy.unlink()
    assert silent == 0
    assert told > 100  # some bits of a compressed stream mean nothing


def test_other_pixels_are_told_with_their_block(raster, tmp_path) -> None:
    path, pixels = raster
    copy = tmp_path / "B04.tif"
    shutil.copy(path, copy)
    changed = pixels.copy()
    changed[600, 1200] += 1
    with rasterio.open(copy, "r+") as target:
        target.write(changed, 1)
    with open_raster(copy) as opened:
        # Blocks that are as they were are read; one pixel in the last block is told.
        assert np.array_equal(opened.read(Window(0, 0, 10, 10), band=1), pixels[:10, :10])
        with pytest.raises(DamagedError, match="block row 1, block column 2") as caught:
            opened.read(Window(690, 1290, 1, 1), band=1)
    assert caught.value.place == str(copy)


def test_writing_in_parts_gives_the_checksums_of_the_whole(raster, tmp_path) -> None:
    path, pixels = raster
    parts = tmp_path / "parts.tif"
    with create_raster(parts, GRID, STYLE) as writer:
        for row in range(0, 700, 200):  # no edge of a block
            for column in range(0, 1300, 650):
                window = Window(row, column, min(200, 700 - row), 650)
                writer.write(pixels[window.slices], window)
    again = tmp_path / "again.tif"
    with create_raster(again, GRID, STYLE) as writer:
        writer.write(np.zeros(GRID.shape, np.int16))
        writer.write(pixels[:100, :100], Window(0, 0, 100, 100))  # into what is written already
        writer.write(pixels)
    tags = []
    for file in (path, parts, again):
        with rasterio.open(file) as source:
            tags.append(source.tags(ns=NAMESPACE)[TAG])
        with open_raster(file) as opened:
            opened.compare_all()
    assert len(set(tags)) == 1


def test_numbers_that_gdal_converts_are_checked_as_they_were_stored(tmp_path) -> None:
    path = tmp_path / "float.tif"
    values = np.full(GRID.shape, 2.6)
    with create_raster(path, GRID, STYLE) as writer:
        writer.write(values)
    with open_raster(path) as opened:
        opened.compare_all()
        assert set(np.unique(opened.read(band=1))) == {2}


def test_bands_are_checked_one_by_one(tmp_path) -> None:
    path = tmp_path / "probabilities.tif"
    style = RasterStyle(dtype="uint8", nodata=255, descriptions=("a", "b", "c"))
    pixels = np.random.default_rng(1).integers(0, 254, (3, *GRID.shape), dtype=np.uint8)
    write_raster(path, pixels, GRID, style)
    with rasterio.open(path, "r+") as target:
        changed = pixels[1].copy()
        changed[0, 0] ^= 1
        target.write(changed, 2)
    with open_raster(path) as opened:
        assert np.array_equal(opened.read(Window(0, 0, 5, 5), band=3), pixels[2, :5, :5])
        with pytest.raises(DamagedError, match="band 2, block row 0, block column 0"):
            opened.read(Window(0, 0, 5, 5))
