"""Kernels of options give the bytes of the plain ones, which work on one pixel after the other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landcover.bench.plain import geomedian as plain_geomedian
from landcover.bench.plain import smoothing as plain_smoothing
from landcover.bench.plain import statistics as plain_statistics
from landcover.raster.geomedian import geometric_median
from landcover.raster.majority import majority
from landcover.raster.sieve import sieve
from landcover.raster.smoothing import smooth_probabilities
from landcover.raster.smoothing_kernel import STRIP
from landcover.raster.statistics import masked_statistics, series_statistics

NODATA = -32768


def spectra(seed: int, shape: tuple[int, ...], spread: float) -> np.ndarray:
    """Draw spectra around one of each pixel; some repeat each other, some bands are nodata."""
    rng = np.random.default_rng(seed)
    values = rng.integers(100, 6000, (1, *shape[1:])) + rng.normal(0, spread, shape)
    values = values.round().astype(np.int16)
    if shape[0] > 2:
        values[2] = np.where(rng.random(shape[2:]) < 0.3, values[0], values[2])
    values[rng.random(shape) < 0.01] = NODATA
    return values


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n_times=st.integers(1, 18),
    n_bands=st.integers(1, 11),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    spread=st.sampled_from([0.0, 1.0, 20.0, 800.0]),
    masked=st.sampled_from([0.0, 0.3, 0.9]),
    min_clear=st.integers(1, 4),
)
def test_geometric_median(seed, n_times, n_bands, size, spread, masked, min_clear):
    whole = spectra(seed, (n_times, n_bands, *size), spread)
    hidden = np.random.default_rng(seed).random((n_times, *size)) < masked
    for values in (whole, np.where(whole == NODATA, np.nan, whole / 1e4).astype(np.float32)):
        ours = geometric_median(values, hidden, min_clear=min_clear)
        plain = plain_geomedian.geometric_median(values, hidden, min_clear)
        for mine, theirs in zip(ours, plain, strict=True):
            assert mine.tobytes() == theirs.tobytes()


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n_times=st.integers(1, 30),
    size=st.tuples(st.integers(1, 50), st.integers(1, 50)),
    least=st.sampled_from([-32768, 0, 32760]),
    percentiles=st.lists(st.integers(0, 100), max_size=4),
    spread=st.booleans(),
    min_clear=st.integers(1, 4),
)
def test_statistics(seed, n_times, size, least, percentiles, spread, min_clear):
    rng = np.random.default_rng(seed)
    values = rng.integers(least, 32768, (n_times, *size)).astype(np.int16)
    values[rng.random(values.shape) < 0.1] = NODATA
    hidden = rng.random(values.shape) < 0.4
    known = {"spread": spread, "min_clear": min_clear}
    assert (
        masked_statistics(values, hidden, percentiles, **known).tobytes()
        == plain_statistics.masked_statistics(values, hidden, percentiles, **known).tobytes()
    )
    series = np.where(hidden, np.nan, values / 1e4).astype(np.float32)
    series[rng.random(values.shape) < 0.02] = np.inf
    assert (
        series_statistics(series, percentiles, **known).tobytes()
        == plain_statistics.series_statistics(series, percentiles, **known).tobytes()
    )


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 30), st.integers(1, 30)),
    window=st.sampled_from([1, 3, 7, 9, 15, 17, 21]),
    values=st.sampled_from(
        [(0, 254), (0, 0, 0, 0, 3), (10, 11, 12), (3, 60, 131), tuple(range(255))]
    ),
    smoothness=st.sampled_from([1e-3, 20.0, 1e4]),
    unknown=st.sampled_from([0.0, 0.05, 0.7, 1.0]),
)
def test_smoothing(seed, shape, window, values, smoothness, unknown):
    rng = np.random.default_rng(seed)
    probabilities = rng.choice(values, shape).astype(np.uint8)
    # Parcels: windows of one value, which are passed over, and their borders.
    probabilities[:, ::2] = probabilities[:, :1, :1]
    probabilities[:, rng.random(shape[1:]) < unknown] = 255
    assert np.array_equal(
        smooth_probabilities(probabilities, smoothness, window),
        plain_smoothing.smooth_probabilities(probabilities, smoothness, window),
    )


def test_smoothing_of_rows_longer_than_a_strip():
    rng = np.random.default_rng(5)
    probabilities = rng.integers(0, 255, (2, 5, STRIP + 70), dtype=np.uint8)
    probabilities[:, rng.random(probabilities.shape[1:]) < 0.1] = 255
    assert np.array_equal(
        smooth_probabilities(probabilities, 20.0, 5),
        plain_smoothing.smooth_probabilities(probabilities, 20.0, 5),
    )


@pytest.mark.parametrize("codes", [(1, 2, 3, 4), (7, 40, 90, 255), (1, 2, 254, 255)])
def test_cleaning_asks_for_the_order_of_codes_alone(codes):
    """What is done to 1 … 4 is done to any four codes; equal votes go to the lower one."""
    rng = np.random.default_rng(3)
    small = rng.integers(0, 5, (70, 80)).astype(np.uint8)
    small[:, :40] = np.kron(small[:, :40][::10, ::10], np.ones((10, 10), np.uint8))
    table = np.array([0, *codes], np.uint8)
    for clean in (lambda c: majority(c, 5), lambda c: sieve(c, 6)):
        assert np.array_equal(clean(table[small]), table[clean(small)])
        assert not np.array_equal(clean(small), small)


def test_cleaning_of_nothing_and_of_one_class():
    for image in (np.zeros((5, 5), np.uint8), np.full((5, 5), 200, np.uint8)):
        assert np.array_equal(majority(image, 3), image)
        assert np.array_equal(sieve(image, 4), image)
