"""Percentiles and spread of a pixel's clear observations along time.

Method: docs/methods/composites.md#statistics-along-time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.raster.reflectance import NODATA
from landcover.raster.statistics_kernel import statistics_of_numbers, statistics_of_series


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
    shares = _shares_of(percentiles, min_clear)
    times, height, width = values.shape
    found = np.full((len(shares) + spread, height * width), NODATA, dtype=np.int16)
    statistics_of_numbers(
        np.ascontiguousarray(values).reshape(times, -1),
        np.ascontiguousarray(is_excluded).reshape(times, -1),
        shares,
        spread,
        min_clear,
        found,
    )
    return found.reshape(-1, height, width)


def series_statistics(
    values: NDArray[np.float32],
    percentiles: Sequence[int],
    *,
    spread: bool = True,
    min_clear: int = 3,
) -> NDArray[np.float32]:
    """Take percentiles and the standard deviation along time of what is not whole numbers.

    As :func:`masked_statistics`, of an index for instance, and without rounding. The numbers are
    sorted first: their order along time does not matter.

    Args:
        values: float32, (time, y, x), NaN where not usable.
        percentiles: 0-100.
        spread: Add the standard deviation after the percentiles.
        min_clear: Fewest usable observations that give a pixel a value.

    Returns:
        float32, (statistic, y, x), unit of the values, NaN where too few remain.

    Raises:
        InputError: Another type or shape, or a percentile is not 0-100.
    """
    if values.dtype != np.float32 or values.ndim != 3:
        raise InputError(
            f"Statistics: expected float32 values (time, y, x), found {values.dtype} "
            f"{values.shape}."
        )
    shares = _shares_of(percentiles, min_clear)
    times, height, width = values.shape
    found = np.full((len(shares) + spread, height * width), np.nan, dtype=np.float32)
    flat = np.ascontiguousarray(values).reshape(times, -1)
    statistics_of_series(flat, shares, spread, min_clear, found)
    return found.reshape(-1, height, width)


def _shares_of(percentiles: Sequence[int], min_clear: int) -> NDArray[np.float64]:
    shares = np.asarray(percentiles, dtype=np.float64) / 100
    if ((shares < 0) | (shares > 1)).any() or min_clear < 1:
        raise InputError(
            f"Statistics: expected percentiles 0-100 and at least 1 observation, found "
            f"{list(percentiles)} and {min_clear}."
        )
    return shares
