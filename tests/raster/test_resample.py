"""Tiles on another lattice: places against pyproj, nearest against GDAL, bilinear by hand."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from pyproj import Transformer
from rasterio.warp import Resampling, reproject

from landcover.nouns.grid import Grid, Window
from landcover.raster.resample import Places, find_places, take_bilinear, take_nearest

TILE = Grid(crs="EPSG:32630", ulx=699960, uly=4400040, pixel=60, width=300, height=260)
ZONE31 = Grid(crs="EPSG:32631", ulx=180000, uly=4405000, pixel=60, width=380, height=330)
TARGETS = [
    ZONE31,
    Grid(crs="EPSG:3035", ulx=3400000, uly=1915000, pixel=60, width=300, height=300),
    Grid(crs="EPSG:4326", ulx=-0.7, uly=39.75, pixel=1 / 1500, width=400, height=330),
]


def project(target: Grid, source: Grid = TILE):
    return Transformer.from_crs(target.crs, source.crs, always_xy=True).transform


def whole(grid: Grid) -> Window:
    return Window(0, 0, grid.height, grid.width)


@pytest.mark.parametrize("target", TARGETS, ids=lambda g: g.crs)
def test_places_are_those_of_pyproj(target: Grid) -> None:
    places = find_places(TILE, target, whole(target), project(target))
    assert places is not None
    rows, columns = np.mgrid[0 : target.height, 0 : target.width] + 0.5
    x, y = project(target)(target.ulx + columns * target.pixel, target.uly - rows * target.pixel)
    exact_row, exact_column = (TILE.uly - y) / 60, (x - TILE.ulx) / 60
    is_inside = ~np.isnan(places.rows)
    assert 0.1 < is_inside.mean() < 1
    inside = (exact_row >= 0) & (exact_row < 260) & (exact_column >= 0) & (exact_column < 300)
    assert np.count_nonzero(inside != is_inside) <= 2
    # Anchors of 60 m pixels lie 3 km apart: still within 0.3 m.
    both = inside & is_inside
    for found, exact, first in (
        (places.rows, exact_row, places.source.row),
        (places.columns, exact_column, places.source.column),
    ):
        np.testing.assert_allclose(found[both] + first, exact[both], atol=0.3 / 60)
    depth = np.minimum.reduce([exact_row, 260 - exact_row, exact_column, 300 - exact_column])
    np.testing.assert_allclose(places.margin[both], depth[both] * 60, atol=0.3)
    assert (places.margin[~is_inside] == -1).all()


@pytest.mark.parametrize("target", TARGETS, ids=lambda g: g.crs)
def test_nearest_is_that_of_gdal(target: Grid) -> None:
    codes = np.random.default_rng(3).integers(1, 9, TILE.shape).astype(np.uint8)
    places = find_places(TILE, target, whole(target), project(target))
    assert places is not None
    ours = take_nearest(codes[places.source.slices], places, 0)
    theirs = np.zeros(target.shape, np.uint8)
    reproject(
        codes, theirs, src_transform=Affine(*TILE.transform), src_crs=TILE.crs, src_nodata=0,
        dst_transform=Affine(*target.transform), dst_crs=target.crs, dst_nodata=0,
        resampling=Resampling.nearest,
    )  # fmt: skip
    # GDAL's places are wrong by up to an eighth of a pixel: only so near to a side may they differ.
    differs = (ours != theirs) & (ours != 0)
    to_side = np.minimum(*(np.abs(p - np.rint(p)) for p in (places.rows, places.columns)))
    assert (to_side[differs] < 0.125).all()
    assert np.count_nonzero(differs) < 0.03 * np.count_nonzero(ours)


@pytest.mark.parametrize("target", TARGETS, ids=lambda g: g.crs)
def test_no_window_changes_a_pixel(target: Grid) -> None:
    generator = np.random.default_rng(5)
    probabilities = generator.integers(0, 255, (3, *TILE.shape)).astype(np.uint8)
    probabilities[:, generator.random(TILE.shape) < 0.1] = 255

    def take(window: Window) -> np.ndarray:
        places = find_places(TILE, target, window, project(target))
        if places is None:
            return np.full((3, window.height, window.width), 255, np.uint8)
        return take_bilinear(probabilities[:, *places.source.slices], places)

    once = take(whole(target))
    pieces = np.zeros_like(once)
    for window in target.windows(97, 181):
        pieces[:, *window.slices] = take(window)
    np.testing.assert_array_equal(pieces, once)
    is_valid = once[0] != 255
    assert (once[:, ~is_valid] == 255).all()
    # Valid where the nearest pixel is.
    places = find_places(TILE, target, whole(target), project(target))
    assert places is not None
    nearest = take_nearest(probabilities[0][places.source.slices], places, 255)
    np.testing.assert_array_equal(is_valid, nearest != 255)


def place(row: float, column: float) -> Places:
    return Places(
        Window(0, 0, 2, 2), np.array([[row]]), np.array([[column]]), np.zeros((1, 1), np.float32)
    )


def test_bilinear_by_hand() -> None:
    part = np.array([[[0, 100], [200, 40]], [[254, 154], [54, 214]]], np.uint8)
    assert take_bilinear(part, place(1.0, 1.0)).ravel().tolist() == [85, 169]  # means of four
    assert take_bilinear(part, place(0.5, 0.75))[0, 0, 0] == 25  # a quarter of the way to 100
    assert take_bilinear(part, place(0.2, 0.3)).ravel().tolist() == [0, 254]  # beyond all centres
    part[:, 0, 1] = 255
    # Three are left, weights 1/4 each: (0 + 200 + 40) / 3.
    assert take_bilinear(part, place(1.0 - 1e-9, 1.0 - 1e-9))[0, 0, 0] == 80
    assert take_bilinear(part, place(0.5, 1.5)).ravel().tolist() == [255, 255]
    assert take_bilinear(part, place(np.nan, np.nan)).ravel().tolist() == [255, 255]


def test_a_tile_elsewhere_has_no_place() -> None:
    far = ZONE31.model_copy(update={"ulx": 600_000})
    assert find_places(TILE, far, whole(far), project(far)) is None
    assert find_places(TILE, far, whole(far), lambda x, y: (x * np.inf, y * np.inf)) is None
