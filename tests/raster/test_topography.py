"""Topographic correction against worked numbers and simulated slopes."""

from __future__ import annotations

import numpy as np
import pytest

from landcover.errors import InputError
from landcover.raster.topography import (
    c_of_sums,
    correct_topography,
    illumination,
    mean_orientation,
    regression_sums,
)

NODATA = -32768


def image(*values: float, dtype: type = np.float64) -> np.ndarray:
    return np.array([values], dtype=dtype)


# docs/methods/composites.md#topographic-correction: sun at zenith 40, azimuth 160; slope 25; C 0.3.
@pytest.mark.parametrize(
    ("aspect", "number", "cos_i", "c_corrected", "scs_c_corrected"),
    [(320, 800, 0.439001, 1154.038, 1076.342), (160, 2600, 0.965926, 2189.477, 2042.069)],
)
def test_worked_numbers(
    aspect: float, number: int, cos_i: float, c_corrected: float, scs_c_corrected: float
) -> None:
    slope = image(25)
    found = illumination(slope, image(aspect), 40, 160)
    assert found.item() == pytest.approx(cos_i, abs=6e-7)
    values = image(number, dtype=np.int16)
    for method, expected in (("c", c_corrected), ("scs+c", scs_c_corrected)):
        corrected, is_left = correct_topography(values, found, slope, 40, 0.3, method=method)
        assert corrected.dtype == np.int16
        assert corrected.item() == round(expected)
        assert not is_left.item()
    # At C = 0 the C-correction is the cosine correction.
    plain, _ = correct_topography(values, found, slope, 40, 0, method="c")
    assert plain.item() == round(number * np.cos(np.radians(40)) / cos_i)


def test_worked_regression() -> None:
    cos_i, slope = image(0.2, 0.4, 0.6, 0.8), image(20, 20, 20, 20)
    values = image(1300, 1700, 2100, 2500, dtype=np.int16)
    nothing = np.zeros((1, 4), dtype=bool)
    sums = regression_sums(values, cos_i, slope, nothing)
    assert sums.dtype == np.int64
    assert c_of_sums(sums) == pytest.approx(0.45, abs=1e-12)
    parts = [
        regression_sums(values[:, part], cos_i[:, part], slope[:, part], nothing[:, part])
        for part in (slice(0, 3), slice(3, 4))
    ]
    np.testing.assert_array_equal(parts[0] + parts[1], sums)


def test_only_clear_lit_slopes_count() -> None:
    cos_i = image(0.2, 0.4, 0.6, 0.8, 0.5, 0.5, 0.5, 0.01, np.nan)
    slope = image(20, 20, 20, 20, 4.9, 20, 20, 20, np.nan)
    values = image(1300, 1700, 2100, 2500, 9000, 9000, NODATA, 9000, 9000, dtype=np.int16)
    is_masked = np.zeros((1, 9), dtype=bool)
    is_masked[0, 5] = True
    sums = regression_sums(values, cos_i, slope, is_masked)
    assert sums[0] == 4
    assert c_of_sums(sums) == pytest.approx(0.45, abs=1e-12)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((2500, 2100, 1700, 1300), None),  # brighter in the shade
        ((2000, 2000, 2000, 2000), None),  # no influence
        ((-100, 700, 1500, 2300), 0.0),  # b < 0
        ((2000, 2001, 2002, 2003), 10.0),  # hardly any influence
    ],
)
def test_guards_of_the_regression(numbers: tuple[int, ...], expected: float | None) -> None:
    cos_i, slope = image(0.2, 0.4, 0.6, 0.8), image(20, 20, 20, 20)
    nothing = np.zeros((1, 4), dtype=bool)
    found = c_of_sums(regression_sums(image(*numbers, dtype=np.int16), cos_i, slope, nothing))
    assert found == expected
    one = np.s_[:, :1]
    assert (
        c_of_sums(regression_sums(image(500, dtype=np.int16), cos_i[one], slope[one], nothing[one]))
        is None
    )
    assert c_of_sums(np.zeros(5, dtype=np.int64)) is None


def hillside(seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.uniform(6, 30, (60, 80)), generator.uniform(0, 360, (60, 80))


def test_simulated_light_and_shade_is_flattened() -> None:
    slope, aspect = hillside(0)
    cos_i = illumination(slope, aspect, 40, 160)
    values = np.rint(900 + 2000 * cos_i).astype(np.int16)
    c = c_of_sums(regression_sums(values, cos_i, slope, np.zeros(values.shape, dtype=bool)))
    assert c == pytest.approx(0.45, abs=1e-3)
    corrected, is_left = correct_topography(values, cos_i, slope, 40, c, method="c")
    assert not is_left.any()
    level = 2000 * (np.cos(np.radians(40)) + 0.45)
    assert np.abs(corrected - level).max() <= 2
    assert np.ptp(values) > 1000


def test_level_ground_stays_exactly() -> None:
    values = np.arange(-50, 50, dtype=np.int16).reshape(1, -1)
    slope = np.zeros(values.shape, dtype=np.float32)
    for aspect in (np.zeros(values.shape), np.full(values.shape, np.nan)):
        cos_i = illumination(slope, aspect, 55, 130)
        np.testing.assert_allclose(cos_i, np.cos(np.radians(55)))
        for method in ("c", "scs+c"):
            corrected, is_left = correct_topography(values, cos_i, slope, 55, 0.3, method=method)
            np.testing.assert_array_equal(corrected, values)
            assert not is_left.any()


def test_shadow_and_void_are_left_and_flagged() -> None:
    cos_i = image(-0.4, 0.05, 0.051, np.nan, 0.5)
    slope = image(60, 50, 50, np.nan, 20)
    values = image(300, 300, 300, 300, NODATA, dtype=np.int16)
    corrected, is_left = correct_topography(values, cos_i, slope, 40, 0.0, method="c")
    np.testing.assert_array_equal(is_left, [[True, True, False, True, False]])
    # The third would be multiplied by 15; 5 is the limit.
    np.testing.assert_array_equal(corrected, [[300, 300, 1500, 300, NODATA]])


def test_without_c_nothing_changes() -> None:
    values = image(300, 500, NODATA, dtype=np.int16)
    corrected, is_left = correct_topography(values, image(0.3, 0.01, 0.5), image(9, 9, 9), 40, None)
    np.testing.assert_array_equal(corrected, values)
    assert corrected is not values
    np.testing.assert_array_equal(is_left, [[False, True, False]])


def test_numbers_stay_in_range() -> None:
    values = image(32767, -32767, dtype=np.int16)
    corrected, _ = correct_topography(values, image(0.2, 0.2), image(40, 40), 40, 0.0, method="c")
    np.testing.assert_array_equal(corrected, [[32767, -32767]])


def test_misfits_are_refused() -> None:
    values, terrain = np.zeros((3, 3), dtype=np.int16), np.zeros((3, 3))
    with pytest.raises(InputError, match=r"resample the terrain first"):
        correct_topography(values, terrain[:2], terrain, 40, 0.3)
    with pytest.raises(InputError, match="found float64"):
        correct_topography(terrain, terrain, terrain, 40, 0.3)
    with pytest.raises(InputError, match="C must be from 0 to 10, found 11"):
        correct_topography(values, terrain, terrain, 40, 11)
    with pytest.raises(InputError, match="Unknown correction 'minnaert'"):
        correct_topography(values, terrain, terrain, 40, 0.3, method="minnaert")
    with pytest.raises(InputError, match="resample the terrain first"):
        regression_sums(values, terrain, terrain, np.zeros((2, 3), dtype=bool))


def test_orientation_is_averaged_as_a_gradient() -> None:
    # Two by two pixels each: one slope, a ridge, slopes to north and east of equal steepness, void.
    slope = np.array([[10, 10, 20, 20, 30, 30, 5, 5]] * 2, np.float32)
    compass = np.array(
        [[350, 350, 90, 270, 0, 90, 0, 0], [350, 350, 90, 270, 0, 90, np.nan, 0]], np.float32
    )
    slope[1, 6] = np.nan
    found_slope, found_aspect = mean_orientation(slope, compass, 2, convention="compass")
    # North-east: the mean of two unit vectors at a right angle is 1/sqrt(2) long.
    expected = [10, 0, np.degrees(np.arctan(np.tan(np.radians(30)) / np.sqrt(2))), np.nan]
    np.testing.assert_allclose(found_slope, [expected], atol=1e-5)
    np.testing.assert_allclose(found_aspect[0, [0, 2]], [350, 45], atol=1e-4)
    grass = np.mod(90 - compass, 360)
    grass[grass == 0] = 360
    again = mean_orientation(slope, grass, 2, convention="grass")
    np.testing.assert_allclose(again[0], found_slope, atol=1e-5)
    np.testing.assert_allclose(again[1][0, [0, 2]], [350, 45], atol=1e-4)


@pytest.mark.parametrize(("convention", "flat"), [("grass", 0), ("compass", np.nan)])
def test_flat_ground_has_an_orientation(convention: str, flat: float) -> None:
    slope, aspect = np.zeros((2, 2), np.float32), np.full((2, 2), flat, np.float32)
    found, _ = mean_orientation(slope, aspect, 2, convention=convention)  # type: ignore[arg-type]
    assert found.item() == 0
    with pytest.raises(InputError, match="multiples of 3"):
        mean_orientation(slope, aspect, 3, convention="grass")
