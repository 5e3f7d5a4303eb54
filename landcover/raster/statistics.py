"""Percentiles and spread of a pixel's clear observations along time (spec: features §7)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit  # type: ignore[import-untyped, unused-ignore]
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.raster.reflectance import NODATA


def masked_statistics(
    values: NDArray[np.int16],
    is_excluded: NDArray[np.bool_],
    percentiles: Sequence[int],
    *,
    spread: bool = True,
    min_clear: int = 3,
) -> NDArray[np.int16]:
    """Take percentiles and the standard deviation of the usable numbers of each pixel.

    Percentiles are interpolated linearly between the sorted numbers, as numpy's default; the
    standard deviation is that of the numbers themselves (divided by their count). Both are rounded
    half to even.

    Args:
        values: Harmonised numbers, int16, (time, y, x), −32768 where nodata.
        is_excluded: True where an observation must not be used, bool, same shape.
        percentiles: 0-100.
        spread: Add the standard deviation after the percentiles.
        min_clear: Fewest usable observations that give a pixel a value.

    Returns:
        int16, (statistic, y, x), stored units of the values, −32768 where too few remain.

    Raises:
        InputError: Types or shapes disagree, or a percentile is not 0-100.
    """
    if values.dtype != np.int16 or values.ndim != 3 or values.shape != is_excluded.shape:
        raise InputError(
            "Statistics: expected int16 numbers (time, y, x) and a mask of the same shape, found "
            f"{values.dtype} {values.shape} and {is_excluded.shape}."
        )
    shares = np.asarray(percentiles, dtype=np.float64) / 100
    if ((shares < 0) | (shares > 1)).any() or min_clear < 1:
        raise InputError(
            f"Statistics: expected percentiles 0-100 and at least 1 observation, found "
            f"{list(percentiles)} and {min_clear}."
        )
    times, height, width = values.shape
    found = np.full((len(shares) + spread, height * width), NODATA, dtype=np.int16)
    _statistics(
        np.ascontiguousarray(values).reshape(times, -1),
        np.ascontiguousarray(is_excluded).reshape(times, -1),
        shares,
        spread,
        min_clear,
        found,
    )
    return found.reshape(-1, height, width)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _statistics(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    values, is_excluded, shares, spread, min_clear, found
):
    times, pixels = values.shape
    seen = np.empty(times, dtype=np.int64)
    for pixel in range(pixels):
        n = 0
        for time in range(times):
            value = np.int64(values[time, pixel])
            if is_excluded[time, pixel] or value == NODATA:
                continue
            place = n
            while place > 0 and seen[place - 1] > value:
                seen[place] = seen[place - 1]
                place -= 1
            seen[place] = value
            n += 1
        if n < min_clear:
            continue
        for k in range(shares.size):
            rank = shares[k] * (n - 1)
            low = int(rank)
            high = min(low + 1, n - 1)
            part = rank - low
            found[k, pixel] = np.int16(np.rint(seen[low] + part * (seen[high] - seen[low])))
        if spread:
            total = np.int64(0)
            squares = np.int64(0)
            for time in range(n):
                total += seen[time]
                squares += seen[time] * seen[time]
            # Whole numbers until the last step: no digits are lost between large squares.
            variance = (n * squares - total * total) / (n * n)
            found[shares.size, pixel] = np.int16(np.rint(np.sqrt(variance)))
