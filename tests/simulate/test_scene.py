"""Radiometry of the scenes: one ground in two tiles and two baselines, clouds, spectra."""

from __future__ import annotations

import warnings
from collections import defaultdict

import numpy as np
import pytest
import rasterio
from scipy import ndimage
from sklearn.ensemble import RandomForestClassifier

from landcover.simulate import SimulatedRegion
from landcover.simulate.scene import illumination
from landcover.simulate.sky import Sun
from landcover.simulate.spectra import LIBRARY_BANDS, RESOLUTION, Season, medians

from .conftest import Safe

OVERLAP_60M = 6
"""Columns of 60 m that the two windows share (15 % of 40)."""


def truth_of(region: SimulatedRegion, tile: str) -> np.ndarray:
    with rasterio.open(region.truth[tile]) as raster:
        return np.asarray(raster.read(1))


def test_neighbours_see_the_same_ground_whatever_their_baseline(
    region: SimulatedRegion, safes: list[Safe]
) -> None:
    fine = 6 * OVERLAP_60M
    west, east = (truth_of(region, tile) for tile in region.tiles)
    assert np.array_equal(west[:, -fine:], east[:, :fine])
    pairs = defaultdict(list)
    for safe in safes:
        pairs[safe.path.name[:26]].append(safe)
    mixed = 0
    for pair in pairs.values():
        left, right = sorted(pair, key=lambda safe: safe.tile)
        mixed += left.offset != right.offset
        for band in ("B02", "B08", "B11", "B09", "SCL"):
            shared = OVERLAP_60M * 60 // RESOLUTION.get(band, 20)
            if band == "SCL" or left.offset == right.offset:
                one, other = left.numbers(band), right.numbers(band)
            else:
                one, other = left.reflectance(band), right.reflectance(band)
            assert np.allclose(one[:, -shared:], other[:, :shared], atol=1e-6, equal_nan=True)
    assert mixed == 1


def test_clouds_are_bright_shadows_dark_and_the_rim_of_clouds_is_missed(safes: list[Safe]) -> None:
    safe = next(safe for safe in safes if safe.month == 6 and safe.cloud > 20)
    scl, blue = safe.numbers("SCL"), safe.reflectance("B02")
    blue = blue.reshape(120, 2, 120, 2).mean(axis=(1, 3))
    is_cloud = np.isin(scl, (8, 9))
    clear = np.isin(scl, (4, 5))
    near = ndimage.binary_dilation(is_cloud) & clear
    far = clear & ~ndimage.binary_dilation(is_cloud, iterations=8)
    assert np.median(blue[scl == 9]) > 0.45
    assert np.median(blue[scl == 3]) < np.median(blue[far])
    assert np.median(blue[near]) > np.median(blue[far]) + 0.02


def test_water_vegetation_and_soil_are_classed_as_what_they_are(
    region: SimulatedRegion, safes: list[Safe]
) -> None:
    safe = min((s for s in safes if s.month == 6 and s.tile == "30SVF"), key=lambda s: s.cloud)
    scl = safe.numbers("SCL").repeat(2, axis=0).repeat(2, axis=1)
    truth = truth_of(region, "30SVF")
    usual = {code: np.bincount(scl[truth == code], minlength=12).argmax() for code in (1, 4, 8, 9)}
    assert usual == {1: 4, 4: 4, 8: 5, 9: 6}


@pytest.mark.parametrize(("month", "season"), [(3, "spring"), (6, "summer"), (11, "autumn")])
def test_classes_have_the_reflectance_of_the_figures_they_come_from(
    region: SimulatedRegion, safes: list[Safe], month: int, season: Season
) -> None:
    figures = medians(season)
    of_class: dict[int, list[np.ndarray]] = defaultdict(list)
    for tile in region.tiles:
        truth = truth_of(region, tile)
        inside = ndimage.minimum_filter(truth, 5) == ndimage.maximum_filter(truth, 5)
        dates = [s for s in safes if s.tile == tile and s.month == month and s.cloud < 20]
        for safe in dates:
            scl = safe.numbers("SCL").repeat(2, axis=0).repeat(2, axis=1)
            clear = ndimage.uniform_filter(np.isin(scl, (2, 4, 5, 6, 7)).astype(float), 15) > 0.98
            bands = np.stack([_at_10m(safe.reflectance(band)) for band in LIBRARY_BANDS], axis=-1)
            for code in range(1, 10):
                of_class[code].append(bands[inside & clear & (truth == code)])
    for code, parts in of_class.items():
        found = np.median(np.concatenate(parts), axis=0)
        # Slopes, haze, fields and the part of a class that is in view move a median by a fifth.
        assert found == pytest.approx(figures[code], rel=0.3, abs=0.012), (code, season)


def test_a_forest_tells_most_but_not_all_classes_apart(
    region: SimulatedRegion, safes: list[Safe]
) -> None:
    tile = "30SVF"
    truth = truth_of(region, tile)
    features = np.concatenate(
        [
            _median([s for s in safes if s.tile == tile and s.month == month and s.cloud <= 20])
            for month in (3, 6, 11)
        ],
        axis=-1,
    )
    rng = np.random.default_rng(0)
    usable = np.isfinite(features).all(axis=-1)
    chosen = np.concatenate(
        [rng.permutation(np.flatnonzero(usable & (truth == code)))[:160] for code in range(1, 10)]
    )
    rng.shuffle(chosen)
    rows, codes = features.reshape(-1, features.shape[-1])[chosen], truth.ravel()[chosen]
    half = len(chosen) // 2
    forest = RandomForestClassifier(40, random_state=0, n_jobs=1).fit(rows[:half], codes[:half])
    accuracy = (forest.predict(rows[half:]) == codes[half:]).mean()
    assert 0.70 < accuracy < 0.97


@pytest.mark.parametrize(
    ("slope", "azimuth", "lit"),
    [(0.0, 160.0, 1.0), (-0.3, 0.0, 1.0), (-0.3, 180.0, 1.0)],
    ids=["flat", "sun in the north", "sun in the south"],
)
def test_slopes_toward_the_sun_are_brighter(slope: float, azimuth: float, lit: float) -> None:
    # Rows go south; height falls to the south by 0.3: the slope faces south.
    plane = (slope * 10.0 * np.arange(6, dtype=np.float32))[:, np.newaxis] * np.ones(6, np.float32)
    light = illumination(plane, Sun(zenith=50.0, azimuth=azimuth))
    if slope == 0:
        assert light == pytest.approx(lit)
    elif azimuth == 180:
        assert (light > 1.15).all()
    else:
        assert (light < 0.8).all()


def _at_10m(field: np.ndarray) -> np.ndarray:
    factor = 240 // field.shape[0]
    return field.repeat(factor, axis=0).repeat(factor, axis=1)


def _median(products: list[Safe]) -> np.ndarray:
    clear = []
    for safe in products:
        masked = np.isin(safe.numbers("SCL"), (0, 1, 3, 8, 9, 10, 11))
        masked = ndimage.binary_dilation(masked, iterations=3)
        bands = np.stack([_at_10m(safe.reflectance(band)) for band in RESOLUTION], axis=-1)
        bands[_at_10m(masked)] = np.nan
        clear.append(bands)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmedian(clear, axis=0)
