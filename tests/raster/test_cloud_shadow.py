"""Clouds by the sign of their deviation, shadows by likelihood and projection."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from landcover.raster.cloud_shadow import (
    ALONE,
    WITH_SERIES,
    ShadowGround,
    cloud_distance,
    find_shadows,
    shadow_probability,
    shadow_shifts,
)
from landcover.raster.cloud_sign import average_of, find_clouds
from landcover.raster.refinement_kernel import NONE
from landcover.raster.shadow_kernel import chamfer

SIDE = 160
ZENITH, AZIMUTH = 45.0, 150.0
HEIGHTS = {(90, 110): 800.0, (60, 60): 1000.0}
"""Corner of a cloud of 12 × 12 px → height of its top, m."""


def scene(azimuth: float = AZIMUTH) -> tuple[ShadowGround, np.ndarray]:
    """Even ground of 20 m pixels, two clouds with their shadows, and a lake."""
    random = np.random.default_rng(0)
    blue = random.normal(500, 20, (SIDE, SIDE))
    index = random.normal(5000, 200, (SIDE, SIDE))
    is_cloud, is_shadow, is_water = (np.zeros((SIDE, SIDE), bool) for _ in range(3))
    for (row, column), height in HEIGHTS.items():
        is_cloud[row : row + 12, column : column + 12] = True
        away = height * np.tan(np.radians(ZENITH)) / 20
        # North is up: a sun in the south-south-east throws shadows to the north-north-west.
        down = round(away * np.cos(np.radians(azimuth)))
        right = round(-away * np.sin(np.radians(azimuth)))
        is_shadow[row + down : row + down + 12, column + right : column + right + 12] = True
    is_shadow &= ~is_cloud
    is_water[140:155, 5:60] = True
    blue[is_shadow], index[is_shadow] = 280, 1900
    blue[is_water], index[is_water] = 200, 300
    blue[is_cloud], index[is_cloud] = 4000, 9000
    background = np.full((SIDE, SIDE), 1000, np.int32)
    background[is_water] = 400
    ground = ShadowGround(
        index.astype(np.int32), blue.astype(np.int16), background, is_cloud, is_water, 20.0
    )
    return ground, is_shadow


@pytest.mark.parametrize(
    ("zenith", "azimuth", "expected"),
    [
        # The sun in the south: shadows to the north, up; in the east: to the west, left.
        (45.0, 180.0, [-1, 0]),
        (45.0, 90.0, [0, -1]),
        (45.0, 0.0, [1, 0]),
        (45.0, 270.0, [0, 1]),
    ],
)
def test_shadows_fall_away_from_the_sun(zenith: float, azimuth: float, expected: list[int]) -> None:
    shifts = shadow_shifts(zenith, azimuth, 20.0)
    assert shifts[0].tolist() == [10 * step for step in expected]
    assert shifts[-1].tolist() == [500 * step for step in expected]
    assert shadow_shifts(60.0, 180.0, 20.0)[-1, 0] == round(-500 * np.sqrt(3))


def test_shadows_of_clouds_of_two_heights_are_found() -> None:
    ground, is_shadow = scene()
    found, azimuth = find_shadows(ground, ZENITH, AZIMUTH)
    assert azimuth == AZIMUTH
    assert (found & is_shadow).sum() >= 0.97 * is_shadow.sum()
    assert (found & ~is_shadow).sum() <= 0.05 * is_shadow.sum()
    assert not (found & ground.is_water).any()


@pytest.mark.parametrize("azimuth", [150.0, 210.0, 340.0])
def test_an_unknown_sun_is_swept_for(azimuth: float) -> None:
    ground, is_shadow = scene(azimuth)
    found, swept = find_shadows(ground, None, None)
    assert swept == pytest.approx(azimuth, abs=10)
    assert (found & is_shadow).sum() >= 0.9 * is_shadow.sum()


def test_one_image_alone_has_shadows_too() -> None:
    ground, is_shadow = scene()
    alone = ShadowGround(
        ground.index, ground.blue, None, ground.is_cloud, ground.is_water, ground.pixel_m
    )
    found, _ = find_shadows(alone, ZENITH, AZIMUTH)
    assert (found & is_shadow).sum() >= 0.9 * is_shadow.sum()
    np.testing.assert_array_equal(shadow_probability(alone), shadow_probability(alone, ALONE))
    assert not np.array_equal(shadow_probability(alone), shadow_probability(alone, WITH_SERIES))


def test_the_probability_in_numbers() -> None:
    """Ground as usual 1.5 km from a cloud, and ground of half its brightness beside it."""
    shape = (1, 200)
    index, blue = np.full(shape, 4000, np.int32), np.full(shape, 500, np.int16)
    is_cloud = np.zeros(shape, bool)
    is_cloud[0, 0] = True
    index[0, 1], blue[0, 1] = 2000, 250
    ground = ShadowGround(
        index, blue, np.full(shape, 1000, np.int32), is_cloud, np.zeros(shape, bool), 20.0
    )
    found = shadow_probability(ground)
    assert found[0, 0] == 0
    score = -2.60 + 2.54 * np.log(2) + 8.75 * np.log(2) - 3.48 * 0.02
    assert found[0, 1] == pytest.approx(1 / (1 + np.exp(-score)), abs=1e-6)
    far = -2.60 - 3.48 * 1.5
    assert found[0, 75] == pytest.approx(1 / (1 + np.exp(-far)), abs=1e-6)


def test_an_image_without_clouds_has_only_what_is_surely_shadow() -> None:
    ground, is_shadow = scene()
    none = np.zeros_like(ground.is_cloud)
    bare = ShadowGround(
        np.where(ground.is_cloud, 5000, ground.index).astype(np.int32),
        np.where(ground.is_cloud, 500, ground.blue).astype(np.int16),
        ground.background, none, ground.is_water, 20.0,
    )  # fmt: skip
    found, azimuth = find_shadows(bare, ZENITH, AZIMUTH)
    assert np.isnan(azimuth)
    assert not (found & ~is_shadow).any()
    empty = ShadowGround(
        np.full((5, 5), NONE, np.int32), np.full((5, 5), -32768, np.int16), None,
        np.zeros((5, 5), bool), np.zeros((5, 5), bool), 20.0,
    )  # fmt: skip
    assert not find_shadows(empty, None, None)[0].any()


def test_distances_are_nearly_straight() -> None:
    is_cloud = np.random.default_rng(2).random((80, 90)) < 0.002
    found = cloud_distance(is_cloud, 20.0) * 20 / 3
    straight = ndimage.distance_transform_edt(~is_cloud) * 20
    assert np.abs(found - straight).max() <= 0.0801 * straight.max()
    distance = np.empty((3, 4), np.int32)
    chamfer(np.eye(3, 4, dtype=bool), 100, distance)
    assert distance.tolist() == [[0, 3, 4, 7], [3, 0, 3, 4], [4, 3, 0, 3]]


def test_clouds_brighten_and_are_white() -> None:
    blue = np.full((30, 60), 500, np.int16)
    short = np.full((30, 60), 1800, np.int16)
    background = np.full((30, 60), 1000, np.int32)
    blue[5:10, 5:10], short[5:10, 5:10] = 3000, 2500  # a cloud
    blue[10, 5:10], short[10, 5:10] = 760, 1800  # its rim
    blue[5:10, 20:25], short[5:10, 20:25] = 1700, 4200  # bright soil
    blue[5:10, 35:40] = 50  # darker than ever
    blue[20, 20] = 3000  # a lone pixel
    blue[20:25, 40:45], short[20:25, 40:45] = 5000, 800  # snow
    is_known = np.zeros((30, 60), bool)
    is_known[15:18, 50:53], background[15:18, 50:53] = True, NONE  # nothing to compare with
    is_known[26:28, 2:9] = True  # what the classification made up
    is_snow = np.zeros((30, 60), bool)
    is_snow[20:25, 40:45] = True
    found = find_clouds(blue, background, short, is_known, is_snow)
    expected = np.zeros((30, 60), bool)
    expected[5:10, 5:10] = expected[10, 5:10] = expected[15:18, 50:53] = True
    assert not (found & ~expected).any()
    assert (expected & ~found).sum() <= 2  # corners, which the median cuts


def test_averages_leave_out_nodata() -> None:
    values = np.array([[1, 2, -32768], [3, 5, 7], [-32768, -32768, -9]], np.int16)
    assert average_of(values, 2).tolist() == [[3, 7], [-32768, -9]]
