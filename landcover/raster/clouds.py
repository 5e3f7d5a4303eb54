"""Masks from the scene classification: which pixels of a product must not be used.

Masks are True on what is masked. Nodata and cloud are kept apart, as bits of one uint8 raster;
which bits exclude an observation is the caller's choice, not a property of the file.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from landcover.errors import InputError
from landcover.raster.growth import (
    GROWTH_M,
    THRESHOLD,
    FilterVariant,
    Mask,
    expand_cloud_mask,
    kernel_px,
)
from landcover.raster.lookup import look_up

__all__ = [
    "CLOUD_BIT",
    "CLOUD_CLASSES",
    "DEFECTIVE_BIT",
    "DEFECTIVE_CLASSES",
    "EXCLUDED",
    "EXCLUDED_UNGROWN",
    "GROWN_BIT",
    "MASKED_CLASSES",
    "NODATA_BIT",
    "NODATA_CLASSES",
    "SHADOW_BIT",
    "SHADOW_CLASSES",
    "SNOW_BIT",
    "SNOW_CLASSES",
    "coarsen_bits",
    "downsample_any",
    "expand_cloud_mask",
    "grown_bits",
    "is_excluded",
    "kernel_px",
    "mask_bits",
    "refined_bits",
    "scl_masked",
    "upsample_nearest",
]

NODATA_CLASSES = frozenset({0})
DEFECTIVE_CLASSES = frozenset({1})
SHADOW_CLASSES = frozenset({3})
CLOUD_CLASSES = frozenset({8, 9, 10})
SNOW_CLASSES = frozenset({11})
MASKED_CLASSES = CLOUD_CLASSES | SHADOW_CLASSES | SNOW_CLASSES | DEFECTIVE_CLASSES
"""SCL classes that are not used by default; nodata is kept apart."""
LAST_CLASS = 11

NODATA_BIT, CLOUD_BIT, SHADOW_BIT, SNOW_BIT, DEFECTIVE_BIT, GROWN_BIT = 1, 2, 4, 8, 16, 32
EXCLUDED = NODATA_BIT | SNOW_BIT | DEFECTIVE_BIT | GROWN_BIT
"""Bits that exclude an observation by default. Cloud and shadow enter through the grown mask,
because the average filter of the paper also drops isolated detections."""
EXCLUDED_UNGROWN = NODATA_BIT | CLOUD_BIT | SHADOW_BIT | SNOW_BIT | DEFECTIVE_BIT
"""Bits that exclude an observation when the classification is used as it is."""
_Scalar = TypeVar("_Scalar", bound=np.generic)


def scl_masked(
    scl: npt.NDArray[np.integer[Any]], classes: Collection[int] = MASKED_CLASSES
) -> Mask:
    """Mark the pixels of a scene classification that must not be used.

    Args:
        scl: Scene classification, integer codes 0-11, (y, x).
        classes: Codes to mask. Nodata (0) is masked only when it is named.

    Returns:
        True where the code is one of the classes or no SCL code at all, bool, same shape.

    Raises:
        InputError: The codes are not integers.
    """
    table = np.zeros(256, dtype=np.bool_)
    table[list(classes)] = True
    table[LAST_CLASS + 1 :] = True
    return look_up(table, _codes(scl))


def mask_bits(
    scl: npt.NDArray[np.integer[Any]],
    pixel_size_m: float,
    *,
    variant: FilterVariant = "paper",
    growth_m: float = GROWTH_M,
    threshold: float = THRESHOLD,
    symmetric: bool = False,
    cloud_classes: Collection[int] = CLOUD_CLASSES,
    shadow_classes: Collection[int] = SHADOW_CLASSES,
    snow_classes: Collection[int] = SNOW_CLASSES,
    defective_classes: Collection[int] = DEFECTIVE_CLASSES,
) -> tuple[npt.NDArray[np.uint8], int]:
    """Write what is known about the usability of each pixel as bits.

    1 nodata, 2 cloud, 4 shadow, 8 snow, 16 defective, 32 grown. The first five say what the
    classification says; 32 is the result of `expand_cloud_mask`, on detected pixels as on those
    around them, and never on nodata. The filter runs on cloud and shadow (variant ``paper``) or
    on cloud, shadow and snow, as the published code (``paper_code``); snow and defective
    pixels are otherwise not grown.

    Args:
        scl: Scene classification, integer codes 0-11, (y, x). Other codes count as defective.
        pixel_size_m: Side of a pixel, m.
        variant: See `expand_cloud_mask`.
        growth_m: Side of the filter, m; 0 leaves the mask as it is.
        threshold: Share of masked pixels above which a pixel is masked.
        symmetric: Use an odd window.
        cloud_classes: Codes of cloud.
        shadow_classes: Codes of cloud shadow.
        snow_classes: Codes of snow and ice.
        defective_classes: Codes of saturated or defective pixels.

    Returns:
        The bits, uint8, (y, x); and the number of pixels whose code is not an SCL code, which
        deserves a warning where it is not 0.

    Raises:
        InputError: The codes are not integers, or an argument is out of range.
    """
    table = np.zeros(256, dtype=np.uint8)
    for bit, classes in (
        (NODATA_BIT, NODATA_CLASSES),
        (CLOUD_BIT, cloud_classes),
        (SHADOW_BIT, shadow_classes),
        (SNOW_BIT, snow_classes),
        (DEFECTIVE_BIT, defective_classes),
    ):
        table[list(classes)] |= np.uint8(bit)
    table[LAST_CLASS + 1 :] = DEFECTIVE_BIT
    codes = _codes(scl)
    bits = look_up(table, codes)
    bits = grown_bits(bits, pixel_size_m, variant, growth_m, threshold, symmetric=symmetric)
    return bits, int(np.count_nonzero(codes > LAST_CLASS))


def refined_bits(
    bits: npt.NDArray[np.uint8],
    is_cloud: Mask,
    is_shadow: Mask,
    pixel_size_m: float,
    *,
    variant: FilterVariant = "paper",
    growth_m: float = GROWTH_M,
    threshold: float = THRESHOLD,
) -> npt.NDArray[np.uint8]:
    """Put refined clouds and shadows in the place of those of the classification, and grow them.

    Args:
        bits: Mask bits on the same grid, see `mask_bits`, uint8, (y, x).
        is_cloud: True on cloud, bool, (y, x); nodata is never cloud.
        is_shadow: True on cloud shadow, bool, (y, x); nodata is never shadow.
        pixel_size_m: Side of a pixel, m.
        variant: See `expand_cloud_mask`.
        growth_m: Side of the filter, m; 0 leaves the mask as it is.
        threshold: Share of masked pixels above which a pixel is masked.

    Returns:
        The bits, uint8, (y, x).

    Raises:
        InputError: An argument is out of range.
    """
    is_seen = (bits & np.uint8(NODATA_BIT)) == 0
    refined = bits & np.uint8(NODATA_BIT | SNOW_BIT | DEFECTIVE_BIT)
    refined |= (is_cloud & is_seen).view(np.uint8) << np.uint8(1)
    refined |= (is_shadow & is_seen).view(np.uint8) << np.uint8(2)
    return grown_bits(refined, pixel_size_m, variant, growth_m, threshold, symmetric=False)


def coarsen_bits(
    bits: npt.NDArray[np.uint8],
    ratio: int,
    pixel_size_m: float,
    *,
    variant: FilterVariant = "paper",
    growth_m: float = GROWTH_M,
    threshold: float = THRESHOLD,
) -> npt.NDArray[np.uint8]:
    """Make the mask of a coarser grid: any fine pixel decides, then the cloud filter runs anew.

    Args:
        bits: Mask bits of the finer grid, see `mask_bits`, uint8, (y, x).
        ratio: Fine pixels along one side of a coarse one.
        pixel_size_m: Side of a coarse pixel, m.
        variant: See `expand_cloud_mask`.
        growth_m: Side of the filter, m; 0 leaves the mask as it is.
        threshold: Share of masked pixels above which a pixel is masked.

    Returns:
        The bits on the coarser grid, uint8, ⌈size / ratio⌉ pixels a side.

    Raises:
        InputError: An argument is out of range.
    """
    coarse = downsample_any(bits & np.uint8(~GROWN_BIT & 0xFF), ratio)
    return grown_bits(coarse, pixel_size_m, variant, growth_m, threshold, symmetric=False)


def grown_bits(
    bits: npt.NDArray[np.uint8],
    pixel_size_m: float,
    variant: FilterVariant,
    growth_m: float,
    threshold: float,
    *,
    symmetric: bool = False,
) -> npt.NDArray[np.uint8]:
    """Grow clouds and shadows among mask bits: bit 32 where the filter masks, never on nodata.

    Args:
        bits: Mask bits without 32, uint8, (y, x).
        pixel_size_m: Side of a pixel, m.
        variant: See `expand_cloud_mask`; ``paper_code`` grows snow too.
        growth_m: Side of the filter, m; 0 marks what is cloud or shadow itself.
        threshold: Share of masked pixels above which a pixel is masked.
        symmetric: Use an odd window.

    Returns:
        The bits, uint8, (y, x).

    Raises:
        InputError: An argument is out of range.
    """
    filtered = CLOUD_BIT | SHADOW_BIT | (SNOW_BIT if variant == "paper_code" else 0)
    if 0 < threshold < 1 and kernel_px(pixel_size_m, growth_m, symmetric=symmetric) == 1:
        # The filter sees one pixel and repeats it.
        table = np.arange(256, dtype=np.uint8)
        is_grown = is_excluded(table, filtered) & ~is_excluded(table, NODATA_BIT)
        return look_up(table | (is_grown.view(np.uint8) << np.uint8(5)), bits)
    is_grown = expand_cloud_mask(
        is_excluded(bits, filtered),
        pixel_size_m,
        variant,
        growth_m=growth_m,
        threshold=threshold,
        symmetric=symmetric,
    )
    is_grown &= (bits & np.uint8(NODATA_BIT)) == 0
    return bits | (is_grown.view(np.uint8) << np.uint8(5))


def is_excluded(bits: npt.NDArray[np.uint8], excluded: int = EXCLUDED) -> Mask:
    """Mark the observations that must not be used.

    Args:
        bits: Mask bits as `mask_bits` writes them, uint8, any shape.
        excluded: The bits that exclude, added up.

    Returns:
        True where at least one of these bits is set, bool, same shape.
    """
    return np.asarray(bits & np.uint8(excluded), dtype=np.bool_)


def upsample_nearest(
    array: npt.NDArray[_Scalar], ratio: int, shape: tuple[int, int] | None = None
) -> npt.NDArray[_Scalar]:
    """Repeat each pixel ratio × ratio times (nearest neighbour on nested grids).

    Args:
        array: Any dtype, (…, y, x).
        ratio: Fine pixels along one side of a coarse one, at least 1.
        shape: (rows, columns) of the finer grid where it is not a whole multiple; the surplus
            of the last coarse row and column is cut off.

    Returns:
        The array on the finer grid, same dtype.

    Raises:
        InputError: The ratio is below 1, or the shape is not covered by the coarse pixels.
    """
    _check_ratio(ratio)
    height, width = array.shape[-2:]
    rows, columns = shape or (height * ratio, width * ratio)
    if -(-rows // ratio) != height or -(-columns // ratio) != width:
        raise InputError(
            f"{height}x{width} px enlarged {ratio} times do not cover {rows}x{columns} px; "
            "all rasters of one tile must share corner and extent."
        )
    return array.repeat(ratio, axis=-1).repeat(ratio, axis=-2)[..., :rows, :columns]


def downsample_any(is_masked: npt.NDArray[_Scalar], ratio: int) -> npt.NDArray[_Scalar]:
    """Mask a coarse pixel where any of its ratio × ratio fine pixels is masked.

    For 60 m bands of a product without a 60 m classification (docs/methods/masks.md#other-grids).

    Args:
        is_masked: A mask, bool, or mask bits, uint8, (y, x); bits are joined with "or".
        ratio: Fine pixels along one side of a coarse one, at least 1.

    Returns:
        The mask on the coarser grid, same dtype, ⌈size / ratio⌉ pixels a side; where the last
        coarse pixel is not filled, the fine pixels that exist decide.

    Raises:
        InputError: The ratio is below 1.
    """
    _check_ratio(ratio)
    # Whole rows first: they lie in one piece, and what is left for the columns is small.
    by_row = is_masked[::ratio].copy()
    for step in range(1, ratio):
        part = is_masked[step::ratio]
        np.bitwise_or(by_row[: len(part)], part, out=by_row[: len(part)])
    coarse = by_row[:, ::ratio].copy()
    for step in range(1, ratio):
        part = by_row[:, step::ratio]
        inner = coarse[:, : part.shape[1]]
        np.bitwise_or(inner, part, out=inner)
    return coarse


def _codes(scl: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.uint8]:
    """Give the codes as uint8; whatever does not fit becomes 255, which is no SCL code."""
    if scl.dtype == np.uint8:
        return scl.astype(np.uint8, copy=False)
    if not np.issubdtype(scl.dtype, np.integer):
        raise InputError(f"SCL codes must be integers 0-{LAST_CLASS}, found {scl.dtype}.")
    return np.where((scl >= 0) & (scl <= 255), scl, 255).astype(np.uint8)


def _check_ratio(ratio: int) -> None:
    if ratio < 1:
        raise InputError(f"The ratio between two grids must be at least 1, found {ratio}.")
