"""Geometric median and medoid against scipy's minimiser, geometry and their own laws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.spatial.distance import cdist

from landcover.errors import InputError
from landcover.raster.geomedian import NO_OBSERVATION, geometric_median, medoid_composite

NODATA = -32768


def stack(*spectra: tuple[float, ...], dtype: type = np.float32) -> np.ndarray:
    """Spectra of one pixel as (time, band, 1, 1)."""
    return np.array(spectra, dtype=dtype)[:, :, np.newaxis, np.newaxis]


def unmasked(values: np.ndarray) -> np.ndarray:
    return np.zeros((len(values), *values.shape[2:]), dtype=bool)


def total_distance(place: np.ndarray, spectra: np.ndarray) -> float:
    return float(np.linalg.norm(spectra - place, axis=1).sum())


@pytest.mark.parametrize("n_times", [3, 4, 5, 8])
@pytest.mark.parametrize("n_bands", [4, 10])
def test_against_a_minimiser(n_times: int, n_bands: int) -> None:
    generator = np.random.default_rng(10 * n_times + n_bands)
    values = generator.normal(0.3, 0.06, (n_times, n_bands, 1, 6)).astype(np.float32)
    values[0] += 0.4  # a cloud that was missed
    found, n_clear = geometric_median(values, unmasked(values))
    assert (n_clear == n_times).all()
    for pixel in range(6):
        spectra = values[:, :, 0, pixel].astype(float)
        expected = minimize(
            total_distance, spectra.mean(axis=0), args=(spectra,), options={"gtol": 1e-9}
        )
        nearest = min(spectra, key=lambda place: total_distance(place, spectra))
        best = min(expected.x, nearest, key=lambda place: total_distance(place, spectra))
        np.testing.assert_allclose(found[:, 0, pixel], best, atol=1e-4)


def test_an_outlier_hardly_moves_it() -> None:
    spectra = [(0.1, 0.2, 0.3), (0.12, 0.2, 0.3), (0.1, 0.22, 0.3), (0.1, 0.2, 0.32)]
    clear, _ = geometric_median(stack(*spectra), unmasked(stack(*spectra)))
    hazy = stack(*spectra, (0.9, 0.9, 0.9))
    moved, _ = geometric_median(hazy, unmasked(hazy))
    assert np.abs(moved - clear).max() < 0.02 < np.abs(hazy.mean(axis=0) - clear).max()


def test_fermat_point_of_a_triangle() -> None:
    # Equilateral: the centroid. With an angle of 120° or more: that corner.
    corners = [(0.0, 0.0), (1.0, 0.0), (0.5, 3**0.5 / 2)]
    found, _ = geometric_median(stack(*corners), unmasked(stack(*corners)))
    np.testing.assert_allclose(found.ravel(), (0.5, 3**0.5 / 6), atol=1e-5)
    blunt = [(0.0, 0.0), (0.5, 0.1), (1.0, 0.0)]
    found, _ = geometric_median(stack(*blunt), unmasked(stack(*blunt)))
    np.testing.assert_array_equal(found.ravel(), np.float32((0.5, 0.1)))


def test_the_start_is_left_where_it_is_a_spectrum_but_not_the_median() -> None:
    # The band-wise median is the first spectrum, where Weiszfeld's step is not defined.
    spectra = [(0.0, 0.0), (1.0, -0.1), (1.0, 0.0), (-0.1, 1.0), (0.0, 1.0)]
    values = stack(*spectra)
    found, _ = geometric_median(values, unmasked(values))
    place = found.ravel().astype(float)
    assert total_distance(place, np.array(spectra)) < total_distance(np.zeros(2), np.array(spectra))


@pytest.mark.parametrize(
    ("spectra", "expected"),
    [
        ([(100, 200)], (100, 200)),
        ([(100, 200), (103, 201)], (102, 200)),  # 101.5, 200.5: half to even
        ([(0, 0), (100, 100), (300, 300)], (100, 100)),
        ([(300, 600), (-100, -200), (0, 0), (50, 100), (9000, 18000)], (50, 100)),
        ([(7, 9)] * 4 + [(900, 900)] * 3, (7, 9)),
        ([(100, 200), (NODATA, 200), (500, NODATA)], (100, 200)),
        ([(NODATA, 1), (2, NODATA)], (NODATA, NODATA)),
    ],
)
def test_worked_numbers(spectra: list[tuple[int, int]], expected: tuple[int, int]) -> None:
    values = stack(*spectra, dtype=np.int16)
    found, n_clear = geometric_median(values, unmasked(values))
    assert found.dtype == np.int16
    assert tuple(found.ravel()) == expected
    assert n_clear.item() == sum(NODATA not in spectrum for spectrum in spectra)


@pytest.mark.parametrize(
    ("spectra", "taken"),
    [
        ([(100, 200)], 0),
        ([(300, 200), (100, 200)], 0),  # a tie: the earliest
        ([(NODATA, 5), (300, 200), (100, 200)], 1),
        ([(0, 0), (100, 100), (300, 300)], 1),
        ([(0, 0), (10, 0), (10, 10), (0, 10)], 0),
        ([(NODATA, 1), (2, NODATA)], NO_OBSERVATION),
    ],
)
def test_medoid(spectra: list[tuple[int, int]], taken: int) -> None:
    values = stack(*spectra, dtype=np.int16)
    found, n_clear, chosen = medoid_composite(values, unmasked(values))
    assert (found.dtype, n_clear.dtype, chosen.dtype) == (np.int16, np.uint8, np.uint8)
    assert chosen.item() == taken
    expected = (NODATA, NODATA) if taken == NO_OBSERVATION else spectra[taken]
    assert tuple(found.ravel()) == expected


def test_medoid_against_all_distances() -> None:
    generator = np.random.default_rng(3)
    values = generator.normal(0.3, 0.1, (7, 5, 6, 8)).astype(np.float32)
    is_masked = generator.random((7, 6, 8)) < 0.3
    found, n_clear, chosen = medoid_composite(values, is_masked, min_clear=2)
    for row, column in np.ndindex(6, 8):
        clear = np.flatnonzero(~is_masked[:, row, column])
        assert n_clear[row, column] == clear.size
        if clear.size < 2:
            assert chosen[row, column] == NO_OBSERVATION
            assert np.isnan(found[:, row, column]).all()
            continue
        spectra = values[clear, :, row, column].astype(float)
        assert chosen[row, column] == clear[cdist(spectra, spectra).sum(axis=1).argmin()]
        np.testing.assert_array_equal(
            found[:, row, column], values[chosen[row, column], :, row, column]
        )


def test_masked_and_incomplete_spectra_change_nothing() -> None:
    generator = np.random.default_rng(4)
    values = generator.integers(0, 4000, (4, 3, 5, 6)).astype(np.int16)
    more = np.concatenate([values, values[:2] * 2])
    more[5, 1] = NODATA
    is_masked = unmasked(more)
    is_masked[4] = True
    for function in (geometric_median, medoid_composite):
        plain = function(values, unmasked(values))
        for one, other in zip(plain, function(more, is_masked), strict=True):
            np.testing.assert_array_equal(one, other)
    order = [2, 0, 3, 1]
    shuffled, _ = geometric_median(values[order], unmasked(values))
    assert np.abs(shuffled.astype(int) - geometric_median(values, unmasked(values))[0]).max() <= 1


def test_windows_equal_the_whole() -> None:
    generator = np.random.default_rng(5)
    values = generator.integers(0, 4000, (5, 4, 20, 30)).astype(np.int16)
    is_masked = generator.random((5, 20, 30)) < 0.3
    for function in (geometric_median, medoid_composite):
        whole = function(values, is_masked)[0]
        part = function(values[..., 3:9, 4:21], is_masked[..., 3:9, 4:21])[0]
        np.testing.assert_array_equal(part, whole[..., 3:9, 4:21])


@pytest.mark.parametrize("function", [geometric_median, medoid_composite])
def test_misfits_are_refused(function) -> None:
    values = np.zeros((2, 3, 4, 4), dtype=np.int16)
    with pytest.raises(InputError, match=r"int16 or float32 \(time, band, y, x\)"):
        function(values[0], unmasked(values))
    with pytest.raises(InputError, match="found float64"):
        function(values.astype(float), unmasked(values))
    with pytest.raises(InputError, match=r"of shape \(2, 4, 4\), found bool of shape \(4, 4\)"):
        function(values, unmasked(values)[0])
    with pytest.raises(InputError, match="min_clear must be at least 1, found 0"):
        function(values, unmasked(values), min_clear=0)
    many = np.zeros((255, 1, 1, 1), dtype=np.int16)
    with pytest.raises(InputError, match="At most 254 observations"):
        function(many, unmasked(many))
