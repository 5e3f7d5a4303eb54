"""The mask ladder against its worked case, the plain median and its own laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from landcover.errors import InputError
from landcover.raster.clouds import EXCLUDED, is_excluded, mask_bits
from landcover.raster.composite import masked_median
from landcover.raster.growth import kernel_px
from landcover.raster.ladder import (
    NO_RUNG,
    first_rungs,
    hidden_on_rungs,
    ladder_median,
    ladder_rungs,
)

NODATA = -32768


def column(*flags: str) -> list[np.ndarray]:
    """Masks of one pixel, one text per mask: ``x`` hidden, ``.`` clear, per observation."""
    return [np.array([c == "x" for c in text]).reshape(-1, 1, 1) for text in flags]


@pytest.mark.parametrize(
    ("values", "masks", "min_clear", "expected"),
    [
        ((100, 200, 900), ("..x", "...", "..."), 1, (150, 2, 0)),
        ((100, 200, 900), ("xxx", ".xx", "..."), 1, (100, 1, 1)),
        ((100, 200, 900), ("xxx", ".xx", "..."), 2, (200, 3, 2)),
        ((100, 200, 900), ("xxx", "xxx", "..x"), 3, (NODATA, 2, NO_RUNG)),
        ((100, 200, 900), ("xxx", "xxx", "xxx"), 1, (NODATA, 0, NO_RUNG)),
        ((NODATA, 200, 900), (".xx", "..x", "..."), 1, (200, 1, 1)),
        ((NODATA, NODATA, 900), ("..x", "..x", "..x"), 1, (NODATA, 0, NO_RUNG)),
        ((100, 200, 900), ("..x", "x.."), 1, (200, 1, 0)),  # not nested: the first is hidden twice
    ],
)
def test_worked_cases(
    values: tuple[int, ...],
    masks: tuple[str, ...],
    min_clear: int,
    expected: tuple[int, int, int],
) -> None:
    stack = np.array(values, dtype=np.int16).reshape(-1, 1, 1)
    median, n_clear, rung = ladder_median(stack, column(*masks), min_clear)
    assert (median.dtype, n_clear.dtype, rung.dtype) == (np.int16, np.uint8, np.uint8)
    assert (median.item(), n_clear.item(), rung.item()) == expected


def square(radius: int) -> np.ndarray:
    """Growth on each date by itself."""
    return np.ones((1, 2 * radius + 1, 2 * radius + 1), dtype=bool)


def scene(seed: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Five dates with clouds of three widths of growth, the widest first."""
    generator = np.random.default_rng(seed)
    values = generator.integers(-300, 4000, (5, 40, 50)).astype(np.int16)
    values[generator.random(values.shape) < 0.05] = NODATA
    is_cloud = np.zeros(values.shape, dtype=bool)
    for date in is_cloud:
        for row, column in generator.integers(0, 40, (6, 2)):
            date[row : row + 8, column : column + 9] = True
    grown = [ndimage.binary_dilation(is_cloud, square(radius)) for radius in (6, 3)]
    masks = [*grown, is_cloud]
    return values, masks


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 3))
def test_laws(seed: int, min_clear: int) -> None:
    values, masks = scene(seed)
    median, n_clear, rung = ladder_median(values, masks, min_clear)
    strict, n_strict = masked_median(values, masks[0], min_clear=min_clear)
    loose, _ = masked_median(values, masks[-1], min_clear=min_clear)
    np.testing.assert_array_equal(median == NODATA, loose == NODATA)
    is_strict = strict != NODATA
    np.testing.assert_array_equal(median[is_strict], strict[is_strict])
    np.testing.assert_array_equal(n_clear[is_strict], n_strict[is_strict])
    np.testing.assert_array_equal(rung == 0, is_strict)
    np.testing.assert_array_equal(rung == NO_RUNG, loose == NODATA)
    assert (n_clear[rung != NO_RUNG] >= min_clear).all()


def test_one_mask_is_the_plain_median() -> None:
    values, masks = scene(1)
    median, n_clear, rung = ladder_median(values, masks[1:2], 2)
    expected, n_expected = masked_median(values, masks[1], min_clear=2)
    np.testing.assert_array_equal(median, expected)
    np.testing.assert_array_equal(n_clear, n_expected)
    assert set(np.unique(rung)) <= {0, NO_RUNG}


def test_a_ladder_fills_what_the_strict_mask_leaves_open() -> None:
    values, masks = scene(2)
    n_open = [int((ladder_median(values, masks[:k])[0] == NODATA).sum()) for k in (1, 2, 3)]
    assert n_open[0] > n_open[1] >= n_open[2]


def test_growth_never_uncovers_a_cloud() -> None:
    # An average filter drops small clouds on wide rungs; those of looser rungs stay hidden.
    values, masks = scene(4)
    is_small = np.zeros_like(masks[0])
    is_small[0, 20, 25] = True
    with_small = [mask.copy() for mask in masks]
    with_small[-1] |= is_small
    nested = [mask | is_small for mask in masks]
    for one, other in zip(
        ladder_median(values, with_small), ladder_median(values, nested), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_rungs_need_no_values() -> None:
    values, masks = scene(3)
    is_nodata = values == NODATA
    rungs = ladder_rungs([mask | is_nodata for mask in masks], 2)
    np.testing.assert_array_equal(rungs, ladder_median(values, masks, 2)[2])
    assert {0, 1, 2} <= set(np.unique(rungs))


def test_misfits_are_refused() -> None:
    values = np.zeros((2, 3, 3), dtype=np.int16)
    mask = np.zeros((2, 3, 3), dtype=bool)
    with pytest.raises(InputError, match="1 to 255 masks, found 0"):
        ladder_rungs([])
    with pytest.raises(InputError, match=r"number 1 is bool of shape \(2, 3, 4\)"):
        ladder_rungs([mask, np.zeros((2, 3, 4), dtype=bool)])
    with pytest.raises(InputError, match="number 0 is uint8"):
        ladder_rungs([mask.astype(np.uint8)])
    with pytest.raises(InputError, match="min_clear must be at least 1, found 0"):
        ladder_rungs([mask], 0)
    with pytest.raises(InputError, match=r"Values of shape \(1, 3, 3\)"):
        ladder_median(values[:1], [mask])


# Rungs from mask bits


def test_a_dot_of_cloud_on_three_rungs() -> None:
    # Windows of 5, 3 and 1 pixels of 20 m; one cloud makes 1/25, 1/9 and 1 of them: above 0.075
    # from the second rung on. On the first it is hidden all the same, as the last hides it.
    scl = np.full((9, 9), 4, dtype=np.uint8)
    scl[4, 4] = 9
    scl[0, 0], scl[8, 8] = 0, 11
    bits, _ = mask_bits(scl, 20, growth_m=600)
    expected = np.zeros((9, 9), dtype=np.uint8)
    expected[3:6, 3:6] = 2  # hidden by rung 1, free on rung 2
    expected[4, 4] = expected[0, 0] = expected[8, 8] = 3  # cloud, nodata and snow on every rung
    np.testing.assert_array_equal(first_rungs(bits, 20, (100, 60, 0)), expected)
    # Without snow among what is excluded.
    expected[8, 8] = 0
    np.testing.assert_array_equal(
        first_rungs(bits, 20, (100, 60, 0), excluded=EXCLUDED & ~8), expected
    )


@pytest.mark.parametrize("variant", ["paper", "paper_code"])
def test_first_rungs_are_those_of_whole_masks_and_of_parts(variant: str) -> None:
    growths = (400.0, 200.0, 0.0)
    generator = np.random.default_rng(11)
    scl = np.full((130, 110), 4, dtype=np.uint8)
    for row, column in generator.integers(0, 110, (12, 2)):
        scl[row : row + 9, column : column + 7] = generator.choice((3, 8, 9, 11, 0))
    grown = [mask_bits(scl, 20, variant=variant, growth_m=g)[0] for g in growths]  # type: ignore[arg-type]
    values = generator.integers(1, 4000, (1, *scl.shape)).astype(np.int16)
    masks = [is_excluded(bits)[np.newaxis] for bits in grown]
    found = first_rungs(grown[0], 20, growths, variant=variant)  # type: ignore[arg-type]
    hidden, rungs = hidden_on_rungs(found[np.newaxis], 3)
    np.testing.assert_array_equal(rungs, ladder_median(values, masks)[2])
    np.testing.assert_array_equal(hidden, rungs[np.newaxis] == NO_RUNG)
    halo = kernel_px(20, max(growths)) // 2
    part = first_rungs(grown[0][40 - halo : 90 + halo, : 60 + halo], 20, growths, variant=variant)  # type: ignore[arg-type]
    np.testing.assert_array_equal(part[halo : halo + 50, :60], found[40:90, :60])
