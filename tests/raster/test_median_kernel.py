"""The compiled median against numpy's, for every small number of observations."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest

from landcover.raster.median_kernel import exchanges_of, median_of_rows

NODATA = -32768


def nanmedian(values: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.nanmedian(values, axis=0)


@pytest.mark.parametrize("n", range(1, 13))
def test_the_network_sorts_every_pattern(n: int) -> None:
    # The zero-one principle: a network that sorts all zeros and ones sorts everything.
    patterns = np.array(list(itertools.product([0, 1], repeat=n)), dtype=np.int16).T
    planes = patterns.copy()
    for low, high in exchanges_of(n):
        planes[low], planes[high] = (
            np.minimum(planes[low], planes[high]),
            np.maximum(planes[low], planes[high]),
        )
    np.testing.assert_array_equal(planes, np.sort(patterns, axis=0))


@pytest.mark.parametrize("n_times", range(1, 21))
@pytest.mark.parametrize("n_pixels", [1, 1023, 2049])
def test_integers_against_nanmedian(n_times: int, n_pixels: int) -> None:
    generator = np.random.default_rng(n_times)
    # Few distinct values, so that ties and both ends of the range are frequent.
    values = generator.choice([-32768, -32767, -5, -4, 0, 7, 8, 32766, 32767], (n_times, n_pixels))
    values = values.astype(np.int16)
    is_hidden = generator.random(values.shape) < 0.4
    seen = np.where(is_hidden | (values == NODATA), np.nan, values.astype(float))
    expected = np.nan_to_num(np.rint(nanmedian(seen)), nan=NODATA).astype(np.int16)
    count = np.isfinite(seen).sum(axis=0)
    for min_clear in (1, 3):
        median, n_seen = median_of_rows(values, is_hidden, min_clear)
        assert (median.dtype, n_seen.dtype) == (np.int16, np.uint8)
        np.testing.assert_array_equal(median, np.where(count >= min_clear, expected, NODATA))
        np.testing.assert_array_equal(n_seen, count)


@pytest.mark.parametrize("n_times", range(1, 21))
def test_floats_against_nanmedian(n_times: int) -> None:
    generator = np.random.default_rng(n_times)
    values = generator.normal(0.2, 0.1, (n_times, 1500)).astype(np.float32)
    for code in (np.nan, np.inf, -np.inf):
        values[generator.random(values.shape) < 0.05] = code
    is_hidden = generator.random(values.shape) < 0.3
    seen = np.where(is_hidden | ~np.isfinite(values), np.float32(np.nan), values)
    median, n_seen = median_of_rows(values, is_hidden, 1)
    np.testing.assert_array_equal(median, nanmedian(seen))
    np.testing.assert_array_equal(n_seen, np.isfinite(seen).sum(axis=0))


def test_views_give_what_copies_give() -> None:
    generator = np.random.default_rng(1)
    values = generator.integers(-9, 9, (6, 4000)).astype(np.int16)
    is_hidden = generator.random(values.shape) < 0.3
    median, n_seen = median_of_rows(values, is_hidden, 1)
    strided, n_strided = median_of_rows(values[:, ::2], is_hidden[:, ::2], 1)
    np.testing.assert_array_equal(strided, median[::2])
    np.testing.assert_array_equal(n_strided, n_seen[::2])
