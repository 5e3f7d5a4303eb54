"""The average filter: worked tables, its oracle, brute force, and halos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landcover.errors import InputError
from landcover.raster.growth import FilterVariant, expand_cloud_mask, kernel_px


def cluster(rows: int, columns: int, size: int = 160) -> np.ndarray:
    is_masked = np.zeros((size, size), dtype=bool)
    top, left = size // 2, size // 2
    is_masked[top : top + rows, left : left + columns] = True
    return is_masked


def brute_force(
    is_masked: np.ndarray, kernel: int, numerator: int, denominator: int, variant: str
) -> np.ndarray:
    """Sum every window on its own; the share is the fraction numerator / denominator."""
    before, after = (kernel - 1) // 2, kernel // 2
    padded = np.pad(is_masked, ((before, after), (before, after)), mode="symmetric")
    grown = np.zeros_like(is_masked)
    for row, column in np.ndindex(*is_masked.shape):
        count = int(padded[row : row + kernel, column : column + kernel].sum())
        left, right = count * denominator, numerator * kernel**2
        is_over = left > right if variant == "paper" else left >= right
        grown[row, column] = is_over or (variant == "paper_code" and is_masked[row, column])
    return grown


@pytest.mark.parametrize(
    ("rows", "columns", "paper", "paper_code"),
    [
        (1, 1, 0, 1),
        (8, 8, 0, 64),
        (17, 4, 378, 390),
        (8, 9, 506, 506),
        (10, 10, 705, 705),
        (30, 30, 2633, 2633),
        (60, 60, 6833, 6833),
    ],
)
def test_clusters_at_20_m(rows: int, columns: int, paper: int, paper_code: int) -> None:
    is_masked = cluster(rows, columns)
    assert expand_cloud_mask(is_masked, 20).sum() == paper
    assert expand_cloud_mask(is_masked, 20.0, "paper_code").sum() == paper_code


def test_growth_reaches_one_pixel_further_north_and_west() -> None:
    grown = expand_cloud_mask(cluster(10, 10), 20)
    rows, columns = np.nonzero(grown)
    # rows -9 … +8 beyond the cluster at 80 … 89
    assert (rows.min(), rows.max()) == (71, 97)
    assert (columns.min(), columns.max()) == (71, 97)


@pytest.mark.parametrize(("n_pixels", "paper"), [(9, 64), (8, 64), (7, 0)])
def test_clusters_at_60_m(n_pixels: int, paper: int) -> None:
    is_masked = cluster(3, 3)
    is_masked[82, 82 - np.arange(9 - n_pixels)] = False
    assert is_masked.sum() == n_pixels
    assert expand_cloud_mask(is_masked, 60).sum() == paper


def test_a_cluster_in_the_corner_is_reflected() -> None:
    is_masked = np.zeros((100, 100), dtype=bool)
    is_masked[:5, :5] = True
    assert expand_cloud_mask(is_masked, 20).sum() == 163
    assert expand_cloud_mask(is_masked, 20, "paper_code").sum() == 163


@pytest.mark.parametrize("pixel_m", [20, 60])
def test_oracle(spec_dir: Path, pixel_m: int) -> None:
    with np.load(spec_dir / "oracles" / "mask_filter_a.npz") as oracle:
        is_masked = oracle[f"mask_{pixel_m}m"]
        paper, union = oracle[f"paper_{pixel_m}m"], oracle[f"union_{pixel_m}m"]
    np.testing.assert_array_equal(expand_cloud_mask(is_masked, pixel_m), paper)
    np.testing.assert_array_equal(expand_cloud_mask(is_masked, pixel_m, "paper_code"), union)


@pytest.mark.parametrize("variant", ["paper", "paper_code"])
@pytest.mark.parametrize(
    ("shape", "pixel_m", "kernel"),
    [
        ((50, 60), 20, 30),
        ((50, 60), 60, 10),
        ((50, 60), 120, 5),
        ((50, 60), 40, 15),
        ((64, 64), 10, 60),
        ((5, 5), 20, 30),  # the window is six times the image
        ((1, 1), 20, 30),
        ((3, 41), 20, 30),
        ((5, 7), 1000, 1),
    ],
)
def test_brute_force(
    shape: tuple[int, int], pixel_m: float, kernel: int, variant: FilterVariant
) -> None:
    is_masked = np.random.default_rng(7).random(shape) < 0.076
    np.testing.assert_array_equal(
        expand_cloud_mask(is_masked, pixel_m, variant),
        brute_force(is_masked, kernel, 3, 40, variant),
    )


def test_strips_join_without_a_seam() -> None:
    # Taller than the strips that the sums are made in.
    is_masked = np.random.default_rng(1).random((600, 12)) < 0.08
    np.testing.assert_array_equal(
        expand_cloud_mask(is_masked, 60), brute_force(is_masked, 10, 3, 40, "paper")
    )


@pytest.mark.parametrize(
    ("fewest", "pixel_m", "is_grown"),
    # More than 7.5 %: 68 of 900, 8 of 100, 271 of 3600 (270 is exactly 7.5 %).
    [(67, 20, False), (68, 20, True), (7, 60, False), (8, 60, True), (270, 10, False)],
)
def test_the_comparison_is_exact(fewest: int, pixel_m: float, is_grown: bool) -> None:
    is_masked = np.zeros((200, 200), dtype=bool)
    columns = 3 if pixel_m == 60 else 18
    for pixel in range(fewest):
        is_masked[90 + pixel // columns, 90 + pixel % columns] = True
    assert expand_cloud_mask(is_masked, pixel_m).any() == is_grown


def test_exactly_the_share_counts_only_for_the_published_code() -> None:
    is_masked = np.zeros((200, 200), dtype=bool)
    is_masked[90:105, 90:108] = True  # 270 of 3600 = 7.5 %
    assert not expand_cloud_mask(is_masked, 10).any()
    assert expand_cloud_mask(is_masked, 10, "paper_code").sum() > 270
    is_masked[105, 90] = True
    assert expand_cloud_mask(is_masked, 10).any()


@pytest.mark.parametrize(
    ("pixel_m", "growth_m", "symmetric", "expected"),
    [
        (20, 600, False, 30),
        (60, 600, False, 10),
        (10, 600, False, 60),
        (120, 600, False, 5),
        (20, 600, True, 31),
        (120, 600, True, 5),
        (20, 0, False, 1),
        (900, 600, False, 1),
        (0.2, 0.6, False, 3),  # 0.6 / 0.2 is below 3 in floats
    ],
)
def test_kernel_px(pixel_m: float, growth_m: float, symmetric: bool, expected: int) -> None:
    assert kernel_px(pixel_m, growth_m, symmetric=symmetric) == expected


def test_symmetric_growth_is_the_same_on_all_sides() -> None:
    is_masked = np.zeros((101, 101), dtype=bool)
    is_masked[45:56, 45:56] = True
    grown = expand_cloud_mask(is_masked, 20, symmetric=True)
    np.testing.assert_array_equal(grown, grown[::-1, ::-1])
    assert grown.sum() > is_masked.sum()
    plain = expand_cloud_mask(is_masked, 20)
    assert not np.array_equal(plain, plain[::-1, ::-1])


def test_no_growth_leaves_the_mask() -> None:
    is_masked = np.random.default_rng(3).random((40, 30)) < 0.3
    np.testing.assert_array_equal(expand_cloud_mask(is_masked, 20, growth_m=0), is_masked)


@pytest.mark.parametrize(("pixel_m", "halo"), [(20, 16), (60, 6)])
def test_whole_equals_windows_with_a_halo(pixel_m: float, halo: int) -> None:
    is_masked = np.random.default_rng(5).random((120, 90)) < 0.07
    whole = expand_cloud_mask(is_masked, pixel_m)
    height, width = is_masked.shape
    for row in range(0, height, 37):
        for column in range(0, width, 41):
            top, left = max(row - halo, 0), max(column - halo, 0)
            bottom, right = min(row + 37, height), min(column + 41, width)
            part = is_masked[top : bottom + halo, left : right + halo]
            grown = expand_cloud_mask(part, pixel_m)
            inner = grown[row - top : bottom - top, column - left : right - left]
            np.testing.assert_array_equal(inner, whole[row:bottom, column:right])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 0.4), st.sampled_from([20, 60, 120]))
def test_more_cloud_never_uncovers_a_pixel(seed: int, share: float, pixel_m: int) -> None:
    generator = np.random.default_rng(seed)
    less = generator.random((30, 40)) < share
    more = less | (generator.random((30, 40)) < 0.1)
    assert not (expand_cloud_mask(less, pixel_m) & ~expand_cloud_mask(more, pixel_m)).any()
    assert not (less & ~expand_cloud_mask(less, pixel_m, "paper_code")).any()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"pixel_size_m": 0}, "pixel size above 0 m"),
        ({"pixel_size_m": float("nan")}, "pixel size above 0 m"),
        ({"pixel_size_m": 20, "growth_m": -1}, "growth of 0 m or more"),
        ({"pixel_size_m": 20, "threshold": 1.0}, "share from 0 to below 1"),
        ({"pixel_size_m": 20, "variant": "best"}, "Unknown mask variant 'best'"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        expand_cloud_mask(np.zeros((4, 4), dtype=bool), **arguments)


@pytest.mark.parametrize("bad", [np.zeros((4, 4)), np.zeros(4, bool), np.zeros((0, 4), bool)])
def test_only_a_boolean_image_is_a_mask(bad: np.ndarray) -> None:
    with pytest.raises(InputError, match="must be a boolean image"):
        expand_cloud_mask(bad, 20)
