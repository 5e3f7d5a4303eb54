"""The mask ladder: strict cloud masks where they leave enough, looser ones where they do not.

One width of cloud growth is a bad trade: wide masks leave holes, narrow ones leave the rims of
clouds. Each pixel takes the strictest mask that leaves it enough observations (spec:
composites.md §7, variant ``ours``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.raster.composite import masked_median
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
    rungs = _rungs_of(strictness, len(masks), min_clear)
    # Where no rung leaves enough, the loosest one tells how many there are.
    used = np.minimum(rungs, np.uint8(len(masks) - 1))
    median, n_clear = masked_median(values, strictness > used, min_clear=min_clear)
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
