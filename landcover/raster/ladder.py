"""The mask ladder: strict cloud masks where they leave enough, looser ones where they do not.

One width of cloud growth is a bad trade: wide masks leave holes, narrow ones leave the rims of
clouds. Each pixel takes the strictest mask that leaves it enough observations (
docs/methods/composites.md#mask-ladder, variant ``ours``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.raster.clouds import EXCLUDED, coarsen_bits, is_excluded
from landcover.raster.composite import masked_median
from landcover.raster.growth import THRESHOLD, FilterVariant
from landcover.raster.reflectance import NODATA

NO_RUNG = 255
"""Rung of a pixel that not even the loosest mask leaves enough observations."""

Masks = Sequence[NDArray[np.bool_]]


def ladder_rungs(masks: Masks, min_clear: int = 1) -> NDArray[np.uint8]:
    """Find the strictest mask that leaves each pixel enough observations.

    Masks should lie within each other; where they do not, an observation that a looser mask
    hides counts as hidden by every stricter one.

    Args:
        masks: True where an observation must not be used, nodata included, bool, (time, y, x),
            one mask per rung, the strictest first.
        min_clear: Fewest observations that must be left.

    Returns:
        Number of the mask, uint8, (y, x), 0 = strictest, 255 where none leaves enough.

    Raises:
        InputError: There are no masks or more than 255, they differ in shape, or ``min_clear``
            is below 1.
    """
    return _rungs_of(_strictness(masks, min_clear), len(masks), min_clear)


def first_rungs(
    bits: NDArray[np.uint8],
    pixel_size_m: float,
    growths_m: Sequence[float],
    *,
    excluded: int = EXCLUDED,
    variant: FilterVariant = "paper",
    threshold: float = THRESHOLD,
) -> NDArray[np.uint8]:
    """Grow the clouds of one observation by several widths; tell where each lets it through.

    Args:
        bits: Mask bits, see `clouds.mask_bits`, uint8, (y, x); their own growth is not used. A
            part of an image needs a halo of half the widest filter, see `growth.kernel_px`.
        pixel_size_m: Side of a pixel, m.
        growths_m: Width of the cloud filter on each rung, m, the strictest first.
        excluded: Bits that exclude, added up; the grown one stands for that of each rung.
        variant: See `growth.expand_cloud_mask`.
        threshold: Share of masked pixels above which a pixel is masked.

    Returns:
        First rung from which on no mask hides the observation, uint8, (y, x); the number of
        rungs where the last one still does.

    Raises:
        InputError: There are no growths or more than 255, or an argument is out of range.
    """
    masks = [
        is_excluded(
            coarsen_bits(
                bits, 1, pixel_size_m, variant=variant, growth_m=growth, threshold=threshold
            ),
            excluded,
        )[np.newaxis]
        for growth in growths_m
    ]
    (first_clear,) = _strictness(masks, 1)
    return np.asarray(first_clear)


def hidden_on_rungs(
    first_clear: NDArray[np.uint8], n_rungs: int, min_clear: int = 1
) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
    """Find the rung of each pixel, and which observations its mask hides.

    Args:
        first_clear: First rung on which each observation is clear, uint8, (time, y, x); the number
            of rungs for one that is nowhere clear, nodata included.
        n_rungs: Number of rungs.
        min_clear: Fewest observations that must be left.

    Returns:
        What must not be used, bool, (time, y, x), of the loosest rung where none leaves enough;
        and the rung, uint8, (y, x), 0 = strictest, 255 where none leaves enough.
    """
    rungs = _rungs_of(first_clear, n_rungs, min_clear)
    return first_clear > np.minimum(rungs, np.uint8(n_rungs - 1)), rungs


def ladder_median(
    values: NDArray[np.int16], masks: Masks, min_clear: int = 1
) -> tuple[NDArray[np.int16], NDArray[np.uint8], NDArray[np.uint8]]:
    """Take the median of what the strictest sufficient mask leaves of each pixel.

    Args:
        values: Harmonised numbers of one band, int16, (time, y, x), −32768 where nodata.
        masks: As for `ladder_rungs`; nodata of the band is added to each of them.
        min_clear: Fewest observations that give a pixel a value.

    Returns:
        The median, int16, (y, x), −32768 where the loosest mask leaves too few; the number of
        observations that it was taken of, uint8, (y, x); and the rung, uint8, (y, x), 0 =
        strictest, 255 for none.

    Raises:
        InputError: Types, shapes or counts do not fit.
    """
    strictness = _strictness(masks, min_clear)
    if values.shape != strictness.shape:
        raise InputError(
            f"Values of shape {values.shape} do not fit masks of shape {strictness.shape}; bring "
            "the masks to the grid of the band first."
        )
    strictness[values == NODATA] = len(masks)
    # Where no rung leaves enough, the loosest one tells how many there are.
    hidden, rungs = hidden_on_rungs(strictness, len(masks), min_clear)
    median, n_clear = masked_median(values, hidden, min_clear=min_clear)
    return median, n_clear, rungs


def _strictness(masks: Masks, min_clear: int) -> NDArray[np.uint8]:
    """Give the first rung on which each observation is clear; the number of rungs for none."""
    if not 1 <= len(masks) <= NO_RUNG:
        raise InputError(f"A ladder has 1 to {NO_RUNG} masks, found {len(masks)}.")
    if min_clear < 1:
        raise InputError(f"min_clear must be at least 1, found {min_clear}.")
    shape = masks[0].shape
    for rung, mask in enumerate(masks):
        if mask.dtype != np.bool_ or mask.shape != shape or mask.ndim != 3:
            raise InputError(
                f"Masks of a ladder must be boolean (time, y, x) of one shape; number {rung} is "
                f"{mask.dtype} of shape {mask.shape}, the first of shape {shape}."
            )
    first_clear = np.zeros(shape, dtype=np.uint8)
    for rung, mask in enumerate(masks):
        first_clear[mask] = rung + 1
    return first_clear


def _rungs_of(strictness: NDArray[np.uint8], n_rungs: int, min_clear: int) -> NDArray[np.uint8]:
    """Find the first rung with enough observations, from the rung where each becomes clear."""
    rungs = np.full(strictness.shape[1:], NO_RUNG, dtype=np.uint8)
    for rung in range(n_rungs - 1, -1, -1):
        n_clear = np.count_nonzero(strictness <= rung, axis=0)
        rungs[n_clear >= min_clear] = rung
    return rungs
