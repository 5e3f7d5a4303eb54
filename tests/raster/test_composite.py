"""The masked median against worked numbers, numpy's median, and its own laws."""

from __future__ import annotations

import itertools
import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landcover.errors import InputError
from landcover.raster.composite import (
    count_coverage,
    coverage,
    masked_median,
    median_composite,
)

NODATA = -32768
X = NODATA


def stack(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int16).reshape(-1, 1, 1)


def nothing_masked(values: np.ndarray) -> np.ndarray:
    return np.zeros(values.shape, dtype=bool)


@pytest.mark.parametrize(
    ("values", "median", "n_clear"),
    [
        ((1200, 1000), 1100, 2),
        ((812, X, 900, 1020), 900, 3),
        ((500, 700, 800, 1000), 750, 4),
        ((X, X), NODATA, 0),
        ((X,), NODATA, 0),
        ((7,), 7, 1),
        ((1100, 1101), 1100, 2),  # 1100.5
        ((1001, 1002), 1002, 2),  # 1001.5
        ((-3, -4), -4, 2),  # -3.5
        ((-2, -3), -2, 2),  # -2.5
        ((-50, 0, 50), 0, 3),
        ((32767, 32767, X), 32767, 2),  # the largest legal value
        ((32767, 32766), 32766, 2),
        ((-32767, 32767), 0, 2),
        ((-32767, -32767, X, X, X), -32767, 2),
    ],
)
def test_worked_numbers(values: tuple[int, ...], median: int, n_clear: int) -> None:
    for order in itertools.islice(itertools.permutations(values), 24):
        composite, count = masked_median(stack(*order), nothing_masked(stack(*order)))
        assert (composite.dtype, count.dtype) == (np.int16, np.uint8)
        assert (composite.item(), count.item()) == (median, n_clear)


def exact_median(values: list[int]) -> int:
    ordered = sorted(values)
    middle = Fraction(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2], 2)
    return round(middle)  # Python rounds fractions half to even


@pytest.mark.parametrize("n_times", [1, 2, 3, 4, 5, 6, 7, 8, 12, 17, 30])
def test_against_exact_arithmetic(n_times: int) -> None:
    generator = np.random.default_rng(n_times)
    values = generator.integers(-900, 9000, (n_times, 9, 11)).astype(np.int16)
    values[generator.random(values.shape) < 0.1] = NODATA
    is_excluded = generator.random(values.shape) < 0.4
    composite, n_clear = masked_median(values, is_excluded)
    for row, column in np.ndindex(9, 11):
        seen = [
            int(value)
            for value, hidden in zip(
                values[:, row, column], is_excluded[:, row, column], strict=True
            )
            if not hidden and value != NODATA
        ]
        assert n_clear[row, column] == len(seen)
        assert composite[row, column] == (exact_median(seen) if seen else NODATA)


@pytest.mark.parametrize("n_times", [1, 2, 5, 6, 9])
def test_against_nanmedian(n_times: int) -> None:
    generator = np.random.default_rng(n_times)
    reflectance = generator.random((n_times, 3, 20, 30), dtype=np.float32)
    reflectance[generator.random(reflectance.shape) < 0.05] = np.nan
    is_masked = generator.random((n_times, 20, 30)) < 0.3
    composite, n_clear = median_composite(reflectance, is_masked)
    seen = np.where(is_masked[:, np.newaxis], np.nan, reflectance)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = np.nanmedian(seen, axis=0)
    assert (composite.dtype, n_clear.dtype) == (np.float32, np.uint8)
    np.testing.assert_array_equal(composite, expected)
    np.testing.assert_array_equal(n_clear, np.isfinite(seen).sum(axis=0).min(axis=0))


def test_infinity_is_nodata() -> None:
    reflectance = np.array([np.inf, 0.2, -np.inf, 0.4], dtype=np.float32).reshape(4, 1, 1, 1)
    composite, n_clear = median_composite(reflectance, np.zeros((4, 1, 1), dtype=bool))
    assert composite.item() == pytest.approx(0.3)
    assert n_clear.item() == 2


@pytest.mark.parametrize(
    ("min_clear", "expected"), [(1, 900), (3, 900), (4, NODATA), (300, NODATA)]
)
def test_min_clear(min_clear: int, expected: int) -> None:
    values = stack(812, X, 900, 1020)
    composite, n_clear = masked_median(values, nothing_masked(values), min_clear=min_clear)
    assert composite.item() == expected
    assert n_clear.item() == 3
    reflectance = (values.astype(np.float32) / 10_000)[:, np.newaxis]
    reflectance[values[:, np.newaxis] == NODATA] = np.nan
    floating, _ = median_composite(reflectance, nothing_masked(values), min_clear=min_clear)
    assert np.isnan(floating.item()) == (expected == NODATA)


def random_stack(seed: int, n_times: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    values = generator.integers(-300, 3000, (n_times, 6, 7)).astype(np.int16)
    return values, generator.random(values.shape) < 0.4


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 9), st.randoms(use_true_random=False))
def test_order_of_products_does_not_matter(seed: int, n_times: int, random) -> None:
    values, is_excluded = random_stack(seed, n_times)
    order = list(range(n_times))
    random.shuffle(order)
    for plain, shuffled in zip(
        masked_median(values, is_excluded),
        masked_median(values[order], is_excluded[order]),
        strict=True,
    ):
        np.testing.assert_array_equal(plain, shuffled)


def test_a_fully_masked_product_changes_nothing() -> None:
    values, is_excluded = random_stack(4, 5)
    more = np.concatenate([values, values[:1] + 1])
    hidden = np.concatenate([is_excluded, np.ones_like(is_excluded[:1])])
    for plain, added in zip(
        masked_median(values, is_excluded), masked_median(more, hidden), strict=True
    ):
        np.testing.assert_array_equal(plain, added)


def test_a_constant_stack_returns_the_constant() -> None:
    values = np.full((4, 3, 3), -17, dtype=np.int16)
    assert (masked_median(values, nothing_masked(values))[0] == -17).all()


def test_windows_equal_the_whole() -> None:
    generator = np.random.default_rng(11)
    values = generator.integers(0, 4000, (5, 300, 400)).astype(np.int16)
    is_excluded = generator.random(values.shape) < 0.3
    whole, n_whole = masked_median(values, is_excluded)
    for window in (np.s_[:100, :], np.s_[100:, 37:211], np.s_[299:, 399:]):
        part = (slice(None), *window)
        composite, n_clear = masked_median(values[part], is_excluded[part])
        np.testing.assert_array_equal(composite, whole[window])
        np.testing.assert_array_equal(n_clear, n_whole[window])


def test_inputs_are_left_alone() -> None:
    values, is_excluded = random_stack(8, 4)
    copies = values.copy(), is_excluded.copy()
    masked_median(values, is_excluded)
    np.testing.assert_array_equal(values, copies[0])
    np.testing.assert_array_equal(is_excluded, copies[1])


def test_255_observations_are_counted() -> None:
    values = np.arange(255, dtype=np.int16).reshape(255, 1, 1)
    composite, n_clear = masked_median(values, nothing_masked(values))
    assert (composite.item(), n_clear.item()) == (127, 255)
    with pytest.raises(InputError, match="1 to 255 observations"):
        masked_median(np.zeros((256, 1, 1), np.int16), np.zeros((256, 1, 1), bool))


def test_misfits_are_refused() -> None:
    values = np.zeros((2, 3, 3), dtype=np.int16)
    with pytest.raises(InputError, match=r"of shape \(2, 3, 3\), found bool of shape \(3, 3\)"):
        masked_median(values, np.zeros((3, 3), dtype=bool))
    with pytest.raises(InputError, match="must be boolean"):
        masked_median(values, np.zeros((2, 3, 3)))
    with pytest.raises(InputError, match="harmonised int16 numbers, found float64"):
        masked_median(values.astype(float), nothing_masked(values))
    with pytest.raises(InputError, match="min_clear must be at least 1, found 0"):
        masked_median(values, nothing_masked(values), min_clear=0)
    with pytest.raises(InputError, match="1 to 255 observations"):
        masked_median(values[:0], nothing_masked(values[:0]))
    with pytest.raises(InputError, match=r"\(time, band, y, x\)"):
        median_composite(np.zeros((2, 3, 3), np.float32), nothing_masked(values))


def test_coverage() -> None:
    n_clear = np.array([[0, 1, 1, 2], [3, 5, 2, 255]], dtype=np.uint8)
    assert count_coverage(n_clear) == (1, 2, 5)
    assert coverage(n_clear) == {
        "percent_0": 12.5,
        "percent_1": 25.0,
        "percent_2_or_more": 62.5,
    }
    nothing = coverage(np.zeros((0, 4), dtype=np.uint8))
    assert all(np.isnan(value) for value in nothing.values())
