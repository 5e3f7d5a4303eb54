"""The trust layer in lockstep answers as one pixel after the other does, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landcover.bench.plain.trust import is_outside as plainly
from landcover.learn.applicability import Applicability, fit_applicability, is_outside


def drawn(seed: int, n: int, d: int, n_references: int, shift: float) -> tuple:
    """Draw correlated samples, and pixels of which some resemble them."""
    rng = np.random.default_rng(seed)
    mix = rng.normal(0, 1, (d, d)) * np.geomspace(1, 0.05, d)
    samples = (rng.normal(0, 1, (n_references, d)) @ mix).astype(np.float32)
    pixels = (rng.normal(0, 1, (n, d)) @ mix + shift * rng.random((n, 1))).astype(np.float32)
    return samples, pixels


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 1500),
    d=st.integers(1, 40),
    n_references=st.integers(2, 200),
    shift=st.sampled_from([0.0, 0.5, 3.0, 100.0]),
    in_columns=st.booleans(),
)
def test_equals_one_pixel_after_the_other(seed, n, d, n_references, shift, in_columns):
    samples, pixels = drawn(seed, n, d, n_references, shift)
    known = fit_applicability(samples, np.arange(n_references), seed=seed)
    if in_columns:
        pixels = np.asfortranarray(pixels)
    assert np.array_equal(is_outside(known, pixels), plainly(known, pixels))


@pytest.mark.parametrize("times", [0.0, 1e-3, 1.0, 1e3])
def test_at_the_threshold_itself(times):
    """Pixels whose squared distance is the threshold, the next number and the one before."""
    rng = np.random.default_rng(4)
    samples = (rng.normal(0, 1, (64, 12)) + 1000 * times).astype(np.float32)
    pixels = np.repeat(samples, 20, axis=0)
    pixels += rng.normal(0, 1, pixels.shape).astype(np.float32)
    from landcover.learn.applicability import _nearest

    strangers = np.full(len(pixels), -1)
    squares = _nearest(pixels, strangers, samples, np.zeros(64, np.int64))
    for threshold in np.sort(squares)[[0, 100, 640, -1]]:
        for limit in (threshold, np.nextafter(threshold, np.float32(0)), np.float32(0)):
            known = _with(samples, limit)
            assert np.array_equal(is_outside(known, pixels), plainly(known, pixels))
            assert np.array_equal(is_outside(known, pixels), squares > limit)


def test_far_beyond_all_numbers():
    samples, pixels = drawn(1, 300, 9, 50, 0.0)
    known = fit_applicability(samples, np.arange(50))
    for size in (1e18, 3e38):
        wild = pixels.copy()
        wild[::3, 2] = size
        wild[1::3, 5] = -size
        with np.errstate(over="ignore"):
            assert np.array_equal(is_outside(known, wild), plainly(known, wild))
        assert is_outside(known, wild)[::3].all()


def test_both_answers_occur_within_one_group_of_lanes():
    samples, pixels = drawn(2, 4096, 30, 150, 3.0)
    known = fit_applicability(samples, np.arange(150))
    answer = is_outside(known, pixels)
    by_lanes = answer.reshape(-1, 32).mean(axis=1)
    assert ((by_lanes > 0) & (by_lanes < 1)).mean() > 0.5
    assert np.array_equal(answer, plainly(known, pixels))


def _with(samples, threshold) -> Applicability:
    d = samples.shape[1]
    return Applicability(
        centre=np.zeros(d, np.float32),
        factor=np.ones(d, np.float32),
        order=np.arange(d, dtype=np.int32),
        references=samples,
        threshold=np.float32(threshold),
        unit=1.0,
        outside=0.0,
    )
