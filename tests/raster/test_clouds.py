"""Scene classes to mask bits, and masks on nested grids."""

from __future__ import annotations

import numpy as np
import pytest

from landcover.errors import InputError
from landcover.raster.clouds import (
    CLOUD_BIT,
    DEFECTIVE_BIT,
    EXCLUDED_UNGROWN,
    GROWN_BIT,
    NODATA_BIT,
    SNOW_BIT,
    coarsen_bits,
    downsample_any,
    expand_cloud_mask,
    is_excluded,
    mask_bits,
    refined_bits,
    scl_masked,
    upsample_nearest,
)


def test_default_classes() -> None:
    scl = np.arange(13, dtype=np.uint8)
    masked = np.flatnonzero(scl_masked(scl))
    # defective, shadow, cloud, cirrus, snow; 12 is no code at all; nodata is kept apart
    assert masked.tolist() == [1, 3, 8, 9, 10, 11, 12]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int64])
def test_codes_of_any_integer_type(dtype: type) -> None:
    scl = np.array([[4, 0, 9], [11, 100, 6]], dtype=dtype)
    assert scl_masked(scl, {0, 9}).tolist() == [[False, True, True], [False, True, False]]


def test_codes_that_no_byte_holds_are_masked() -> None:
    scl = np.array([[-1, 260, 4]], dtype=np.int16)  # 260 must not wrap to 4
    assert scl_masked(scl).tolist() == [[True, True, False]]
    assert mask_bits(scl, 20)[1] == 2


def test_fractional_codes_are_refused() -> None:
    with pytest.raises(InputError, match="SCL codes must be integers"):
        scl_masked(np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("code", "bit"),
    [(0, 1), (1, 16), (2, 0), (3, 4), (4, 0), (5, 0), (6, 0), (7, 0), (8, 2), (9, 2), (10, 2),
     (11, 8), (12, 16), (255, 16)],
)  # fmt: skip
def test_a_code_alone_sets_its_bit(code: int, bit: int) -> None:
    scl = np.full((40, 40), 4, dtype=np.uint8)
    scl[20, 20] = code
    bits, n_unknown = mask_bits(scl, 20)  # one pixel is too few to grow
    assert bits.dtype == np.uint8
    assert bits[20, 20] == bit
    assert bits.sum() == bit
    assert n_unknown == (code > 11)


def scene(code: int) -> np.ndarray:
    scl = np.full((100, 100), 4, dtype=np.uint8)
    scl[45:55, 45:55] = code
    return scl


@pytest.mark.parametrize(
    ("code", "variant", "n_grown"),
    [
        (9, "paper", 705),
        (3, "paper", 705),
        (11, "paper", 0),
        (1, "paper", 0),
        (9, "paper_code", 705),
        (11, "paper_code", 705),  # the published code grows snow as well
        (1, "paper_code", 0),
    ],
)
def test_which_classes_grow(code: int, variant: str, n_grown: int) -> None:
    bits, _ = mask_bits(scene(code), 20, variant=variant)
    assert np.count_nonzero(bits & GROWN_BIT) == n_grown
    assert np.count_nonzero(is_excluded(bits)) == max(n_grown, 100)


def test_the_grown_bit_is_the_filter() -> None:
    scl = np.random.default_rng(2).choice([3, 4, 5, 6, 8, 11], (80, 70)).astype(np.uint8)
    bits, _ = mask_bits(scl, 60)
    filtered = expand_cloud_mask((scl == 8) | (scl == 3), 60)
    np.testing.assert_array_equal((bits & GROWN_BIT) != 0, filtered)
    np.testing.assert_array_equal(is_excluded(bits), filtered | (scl == 11))


def test_isolated_detections_are_used_again() -> None:
    scl = np.full((40, 40), 4, dtype=np.uint8)
    scl[20, 20] = 8
    bits, _ = mask_bits(scl, 20)
    assert not is_excluded(bits).any()
    assert is_excluded(bits, EXCLUDED_UNGROWN).sum() == 1
    assert is_excluded(bits, CLOUD_BIT).sum() == 1
    kept, _ = mask_bits(scl, 20, variant="paper_code")
    assert is_excluded(kept).sum() == 1


def test_nodata_counts_as_clear_and_stays_nodata() -> None:
    scl = scene(9)
    scl[:, 50:] = 0
    bits, _ = mask_bits(scl, 20)
    assert (bits[:, 50:] == NODATA_BIT).all()
    without = np.where(scl == 0, 4, scl)
    np.testing.assert_array_equal(bits[:, :50], mask_bits(without, 20)[0][:, :50])


def test_classes_are_parameters() -> None:
    bits, _ = mask_bits(scene(7), 20, cloud_classes={7, 8}, snow_classes=())
    assert np.count_nonzero(bits & GROWN_BIT) == 705
    snow, _ = mask_bits(scene(11), 20, snow_classes=())
    assert not (snow & SNOW_BIT).any()


def test_all_nodata() -> None:
    bits, n_unknown = mask_bits(np.zeros((10, 12), dtype=np.uint8), 20)
    assert (bits == NODATA_BIT).all()
    assert n_unknown == 0


def test_all_cloud() -> None:
    bits, _ = mask_bits(np.full((10, 12), 9, dtype=np.uint8), 20)
    assert (bits == CLOUD_BIT | GROWN_BIT).all()


def test_upsample_nearest() -> None:
    coarse = np.array([[[1, 2], [3, 4]]], dtype=np.int16)
    fine = upsample_nearest(coarse, 2)
    assert fine.dtype == np.int16
    assert fine.tolist() == [[[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]]


def test_upsample_to_a_size_that_is_no_multiple() -> None:
    coarse = np.arange(6, dtype=np.uint8).reshape(2, 3)
    fine = upsample_nearest(coarse, 3, (4, 8))
    rows, columns = np.indices((4, 8))
    np.testing.assert_array_equal(fine, coarse[rows // 3, columns // 3])


@pytest.mark.parametrize("shape", [(7, 9), (6, 10), (3, 9)])
def test_upsample_refuses_another_extent(shape: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="do not cover"):
        upsample_nearest(np.zeros((2, 3)), 3, shape)


def test_downsample_any() -> None:
    is_masked = np.zeros((7, 6), dtype=bool)
    is_masked[[0, 5, 6], [2, 3, 5]] = True
    coarse = downsample_any(is_masked, 3)
    assert coarse.dtype == bool
    assert coarse.tolist() == [[True, False], [False, True], [False, True]]


def test_downsample_joins_bits() -> None:
    bits = np.array([[1, 2, 0], [0, 8, 32]], dtype=np.uint8)
    assert downsample_any(bits, 2).tolist() == [[11, 32]]


@pytest.mark.parametrize(
    ("shape", "ratio"), [((12, 9), 3), ((13, 10), 3), ((5, 5), 2), ((4, 4), 7)]
)
def test_a_masked_pixel_masks_the_coarse_pixel_over_it(shape: tuple[int, int], ratio: int) -> None:
    is_masked = np.random.default_rng(9).random(shape) < 0.1
    coarse = downsample_any(is_masked, ratio)
    over = upsample_nearest(coarse, ratio, shape)
    assert not (is_masked & ~over).any()
    blocks = np.zeros_like(coarse)
    rows, columns = np.nonzero(is_masked)
    blocks[rows // ratio, columns // ratio] = True
    np.testing.assert_array_equal(coarse, blocks)


@pytest.mark.parametrize("resample", [upsample_nearest, downsample_any])
def test_a_ratio_is_at_least_one(resample) -> None:
    with pytest.raises(InputError, match="at least 1, found 0"):
        resample(np.zeros((2, 2), dtype=bool), 0)


def test_growth_does_not_enter_nodata() -> None:
    """A cloud at the edge of the swath: its filter reaches across, its mask ends at the edge."""
    scl = np.full((60, 60), 4, np.uint8)
    scl[:, 30:] = 0
    scl[20:40, 10:30] = 9
    bits, _ = mask_bits(scl, 20)
    whole, _ = mask_bits(np.where(scl == 0, 4, scl).astype(np.uint8), 20)
    assert (whole[:, 30:] & GROWN_BIT).any(), "without the edge it would reach there"
    assert (bits[:, 30:] == NODATA_BIT).all()
    # On the coarser grid a pixel is nodata where any of its fine ones is: 3 x 3 of them.
    coarse = coarsen_bits(bits, 3, 60)
    assert (coarse[:, 10:] == NODATA_BIT).all()
    assert (coarsen_bits(whole, 3, 60)[:, 10:] & GROWN_BIT).any()


@pytest.mark.parametrize("bit", [NODATA_BIT, SNOW_BIT, DEFECTIVE_BIT])
def test_refinement_replaces_clouds_and_shadows_alone(bit: int) -> None:
    bits = np.full((3, 3), bit | CLOUD_BIT | GROWN_BIT, np.uint8)
    nothing = np.zeros(bits.shape, np.bool_)
    np.testing.assert_array_equal(refined_bits(bits, nothing, nothing, 20), bit)
