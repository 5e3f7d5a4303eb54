"""Mask refinement of the deck: worked numbers, a plain rival, and windows against the whole."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy import ndimage
from sklearn.cluster import KMeans

from landcover import api
from landcover.errors import InputError
from landcover.raster.refinement import (
    CloudStep,
    DarkGround,
    DeckRule,
    Deviations,
    Place,
    background_window,
    cluster_deviations,
    kinds_of,
    mark_shadows,
    median_of_nine,
    to_background,
)

NODATA = -32768


def counted(deviations: list[int]) -> np.ndarray:
    histogram = np.zeros(1 << 16, np.int64)
    for deviation in deviations:
        histogram[2 * deviation] += 1
    return histogram


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([310, 290, 350, 500], 300),
        ([310, 290, 350], 300),
        ([310], 310),
        ([310, 290], 300),
        ([300, 310, 320, 330, 900], 310),
    ],
)
def test_the_background_in_numbers(values: list[int], expected: float) -> None:
    series = np.array(values, np.int16).reshape(-1, 1, 1)
    found = background_window(series, np.zeros(series.shape, np.uint8))
    assert found[0, 0] / 2 == expected


def test_the_background_is_numpys_midpoint_quantile_of_what_is_clear() -> None:
    random = np.random.default_rng(3)
    values = random.integers(-50, 4000, (23, 9, 11)).astype(np.int16)
    values[random.random(values.shape) < 0.1] = NODATA
    kinds = random.choice(np.array([0, 0, 0, 1, 2, 3, 4, 8], np.uint8), values.shape)
    kinds[:, 0, 0] = 1
    clear = np.where((values == NODATA) | (kinds & 3 > 0), np.nan, values.astype(float))
    with pytest.warns(RuntimeWarning, match="All-NaN"):
        expected = np.nanpercentile(clear, 25, axis=0, method="midpoint")
    found = to_background(background_window(values, kinds))
    np.testing.assert_allclose(found, expected / 10_000, rtol=1e-6)
    assert np.isnan(found[0, 0])


WORKED = [12, 8, 15, 22, 9, 400, 420, 390, 1500, 1620, 1580, 18, 11, 380, 1490, 14]


def test_the_clusters_in_numbers() -> None:
    found = cluster_deviations(counted(WORKED))
    assert found is not None
    centres, _ = found
    assert centres == (13.625, 397.5, 1547.5)


def test_the_clusters_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(5)
    deviations = np.abs(
        np.concatenate(
            [random.normal(40, 30, 900), random.normal(700, 120, 80), random.normal(3000, 500, 120)]
        )
    ).astype(int)
    found = cluster_deviations(counted(deviations.tolist()))
    rival = KMeans(3, n_init=10, random_state=0).fit(deviations.reshape(-1, 1))
    assert found is not None
    np.testing.assert_allclose(found[0], np.sort(rival.cluster_centers_.ravel()), atol=1)


@pytest.mark.parametrize("seed", range(5))
def test_no_split_in_three_is_better(seed: int) -> None:
    random = np.random.default_rng(seed)
    deviations = np.sort(random.integers(0, 40, 14))
    found = cluster_deviations(counted(deviations.tolist()))

    def inertia(parts: list[np.ndarray]) -> float:
        return sum(float(((part - part.mean()) ** 2).sum()) for part in parts)

    least = min(
        inertia([deviations[:a], deviations[a:b], deviations[b:]])
        for a, b in combinations(range(1, 14), 2)
    )
    assert found is not None
    nearest = np.abs(deviations[:, None] - np.array(found[0])).argmin(axis=1)
    assert inertia([deviations[nearest == k] for k in range(3)]) == pytest.approx(least)
    assert cluster_deviations(counted([3, 3, 9])) is None


NIR = np.array([[3200, 3100, 700], [2900, 650, 3000], [3300, 3050, 2950]], np.int16)
SWIR = np.array([[1800, 1700, 500], [1650, 450, 1700], [1750, 1720, 1690]], np.int16)
BLUE = np.array([[400, 420, 260], [410, 240, 430], [405, 415, 390]], np.int16)


def test_shadows_in_numbers() -> None:
    ground = DarkGround()
    nothing = np.zeros((3, 3), np.uint8)
    index = ground.add(BLUE, nothing.astype(bool), nothing, NIR, SWIR)
    thresholds = ground.thresholds()
    assert thresholds == pytest.approx((1269.7222, 273.6111), abs=1e-4)
    found = mark_shadows(BLUE, index, thresholds)  # type: ignore[arg-type]
    assert np.argwhere(found).tolist() == [[0, 2], [1, 1]]
    assert not median_of_nine(found).any()


def test_the_median_is_scipys_with_nothing_around() -> None:
    marked = np.random.default_rng(1).random((30, 41)) < 0.5
    expected = ndimage.median_filter(marked.astype(np.uint8), 3, mode="constant") > 0
    np.testing.assert_array_equal(median_of_nine(marked), expected)


def season(seed: int = 0) -> tuple[np.ndarray, ...]:
    """Six images: bright blobs half of which the mask knows, dark blobs beside them, nodata."""
    random = np.random.default_rng(seed)
    shape = (6, 40, 50)
    blue = random.normal(420, 25, shape)
    nir, swir = random.normal(2900, 200, shape), random.normal(1800, 150, shape)
    is_cloud, is_shadow = np.zeros(shape, bool), np.zeros(shape, bool)
    is_water = np.zeros(shape, bool)
    is_water[:, 33:, 40:] = True
    blue[is_water], nir[is_water], swir[is_water] = 180, 250, 100
    for t in (0, 2, 3):
        row, column = random.integers(4, 20, 2)
        blue[t, row : row + 9, column : column + 9] = random.normal(2600, 300, (9, 9))
        is_cloud[t, row : row + 7, column : column + 9] = True
        dark = np.s_[t, row + 10 : row + 16, column + 8 : column + 16]
        blue[dark], nir[dark], swir[dark] = 210, 800, 500
        is_shadow[t, row + 10 : row + 12, column + 8 : column + 10] = True
    blue[1, :8] = NODATA
    bands = [np.clip(band, NODATA, 32767).astype(np.int16) for band in (blue, nir, swir)]
    return (*bands, is_cloud, is_shadow, is_water)


def plainly(
    blue: np.ndarray, nir: np.ndarray, swir: np.ndarray, cloud: np.ndarray, shadow: np.ndarray,
    water: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """The method in numpy, scipy and scikit-learn, image by image."""
    valid = blue != NODATA
    values = np.where(valid, blue.astype(float), np.nan)
    background = np.nanpercentile(
        np.where(cloud | shadow, np.nan, values), 25, axis=0, method="midpoint"
    )
    clouds, shadows = cloud.copy(), shadow.copy()
    for t in range(len(blue)):
        if (cloud[t] & valid[t]).sum() / valid[t].sum() <= 0.0008:
            continue
        deviation = np.abs(values[t] - background)
        is_known = np.isfinite(deviation)
        model = KMeans(3, n_init=3, random_state=0).fit(deviation[is_known].reshape(-1, 1))
        mean = values[t][cloud[t] & valid[t]].mean()
        chosen = np.abs(model.cluster_centers_.ravel() - mean).argmin()
        clouds[t][is_known] |= model.labels_ == chosen
        if values[t][clouds[t] & valid[t]].mean() <= 1400:
            continue
        index = (nir[t].astype(float) + swir[t]) / 2
        ground = valid[t] & ~clouds[t] & ~water[t]
        least, dark = index[ground].min(), values[t][ground].min()
        most = least + (index[ground].mean() - least) / 2
        most_blue = dark + (values[t][ground].mean() - dark) / 4
        found = ground & (index <= most) & (values[t] <= most_blue)
        shadows[t] |= ndimage.median_filter(found.astype(np.uint8), 3, mode="constant") > 0
    return clouds, shadows


@pytest.mark.parametrize("seed", range(2))
def test_refined_masks_are_those_of_a_plain_rival(seed: int) -> None:
    *bands, is_cloud, is_shadow, is_water = season(seed)
    clouds, shadows, _ = api.refine_masks(*bands, is_cloud, is_shadow, is_water=is_water)
    expected = plainly(*bands, is_cloud, is_shadow, is_water)
    np.testing.assert_array_equal(clouds, expected[0])
    np.testing.assert_array_equal(shadows, expected[1])
    assert clouds.sum() > is_cloud.sum()
    assert shadows.sum() > is_shadow.sum()


def test_water_may_be_called_shadow_as_published() -> None:
    *bands, is_cloud, is_shadow, is_water = season()
    rule = DeckRule(excludes_water=False)
    _, shadows, _ = api.refine_masks(*bands, is_cloud, is_shadow, is_water=is_water, rule=rule)
    assert shadows[0, 35:39, 42:49].all()
    _, dry, _ = api.refine_masks(*bands, is_cloud, is_shadow, is_water=is_water)
    assert not dry[0, 35:, 42:].any()


def test_windows_count_as_the_whole() -> None:
    blue, nir, swir, is_cloud, is_shadow, _ = season()
    coarse = kinds_of(is_cloud, is_shadow)[:, ::2, ::2]
    whole = background_window(blue, coarse, Place(2))
    found, one = Deviations(), Deviations()
    found.add(blue[0], coarse[0], whole, Place(2))
    dark, one_dark = DarkGround(), DarkGround()
    nothing = np.zeros(blue.shape[1:], bool)
    step = CloudStep(400, 800, False, (0.0, 0.0, 0.0), 0.0)
    sums, one_sums = np.zeros(2, np.int64), np.zeros(2, np.int64)
    marked = step.mark(blue[0], coarse[0], whole, sums, Place(2))
    assert 0 < marked.sum() < marked.size
    dark.add(blue[0], nothing, coarse[0], nir[0], swir[0], Place(2))
    for rows, columns in ((slice(0, 13), slice(0, 50)), (slice(13, 40), slice(0, 17)),
                          (slice(13, 40), slice(17, 50))):  # fmt: skip
        part = np.s_[:, rows, columns]
        kinds = coarse[:, rows.start // 2 :, columns.start // 2 :]
        place = Place(2, rows.start % 2, columns.start % 2)
        twice = background_window(blue[part], kinds, place)
        np.testing.assert_array_equal(twice, whole[rows, columns])
        one.add(blue[part][0], kinds[0], twice, place)
        np.testing.assert_array_equal(
            step.mark(blue[part][0], kinds[0], twice, one_sums, place), marked[rows, columns]
        )
        one_dark.add(
            blue[part][0], nothing[rows, columns], kinds[0], nir[part][0], swir[part][0], place
        )
    np.testing.assert_array_equal(one.histogram, found.histogram)
    np.testing.assert_array_equal(one.sums, found.sums)
    np.testing.assert_array_equal(one_sums, sums)
    assert one_dark.thresholds() == dark.thresholds()
    assert one_dark.thresholds(5.0) == dark.thresholds(5.0) != dark.thresholds()


def test_an_image_with_hardly_any_cloud_stays_as_it_is() -> None:
    found = Deviations()
    blue = np.full((50, 50), 400, np.int16)
    kinds = np.zeros((50, 50), np.uint8)
    kinds[0, :2] = 1
    found.add(blue, kinds, background_window(blue[np.newaxis], kinds[np.newaxis]))
    assert found.cloud_share == 2 / 2500
    assert CloudStep.decide(found, DeckRule()).reason == "hardly any cloud"
    assert CloudStep.decide(Deviations(), DeckRule()).reason == "hardly any cloud"


def test_only_what_is_brighter_counts_where_asked() -> None:
    *bands, is_cloud, is_shadow, _ = season()
    bands[0][0, 30, 5:20] = 100
    bands[0][0, 31, 5:20] = -2300
    rule = DeckRule(positive_only=True)
    assert api.refine_masks(*bands, is_cloud, is_shadow)[0][0, 31, 5:20].all()
    assert not api.refine_masks(*bands, is_cloud, is_shadow, rule=rule)[0][0, 31, 5:20].any()


def test_wrong_arrays_are_told() -> None:
    *bands, is_cloud, is_shadow, _ = season()
    with pytest.raises(InputError, match="shortwave has shape"):
        api.refine_masks(bands[0], bands[1], bands[2][:, 1:], is_cloud, is_shadow)
    with pytest.raises(InputError, match="harmonise digital numbers first"):
        api.refine_masks(bands[0].astype(float), *bands[1:], is_cloud, is_shadow)
