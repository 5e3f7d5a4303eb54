"""Percentiles and spread along time of many pixels at once, compiled.

As for the median, a block of planes is sorted by a fixed list of exchanges; what is not seen is
put above everything, so the n numbers of a pixel are its first n. Where a percentile lies among n
numbers is looked up: there are no more cases than time steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.compiled import compiled
from landcover.raster.median_kernel import exchange, exchanges_of
from landcover.raster.reflectance import NODATA

_BLOCK = 1024
_LAST = np.int16(32767)


def statistics_of_numbers(
    values: NDArray[np.int16],
    is_excluded: NDArray[np.bool_],
    shares: NDArray[np.float64],
    spread: bool,
    min_clear: int,
    found: NDArray[np.int16],
) -> None:
    """Write quantiles and the standard deviation of whole numbers, rounded half to even.

    Args:
        values: int16, (time, pixel), contiguous, −32768 where nodata.
        is_excluded: True where a number must not be used, (time, pixel), contiguous.
        shares: Quantiles, 0-1.
        spread: Write the standard deviation after them.
        min_clear: Fewest numbers that give a value.
        found: (statistic, pixel), nodata already; pixels with fewer numbers keep it.
    """
    low, part = _ranks(shares, len(values))
    _of_numbers(values, is_excluded, exchanges_of(len(values)), low, part, spread, min_clear, found)


def statistics_of_series(
    values: NDArray[np.float32],
    shares: NDArray[np.float64],
    spread: bool,
    min_clear: int,
    found: NDArray[np.float32],
) -> None:
    """Write quantiles and the standard deviation of a series; what is not finite is not seen.

    Args:
        values: float32, (time, pixel), contiguous.
        shares: As of :func:`statistics_of_numbers`.
        spread: As there.
        min_clear: As there.
        found: As there.
    """
    low, part = _ranks(shares, len(values))
    _of_series(values, exchanges_of(len(values)), low, part, spread, min_clear, found)


def _ranks(
    shares: NDArray[np.float64], n_times: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Tell for each quantile and n of n numbers after which it lies, and how far, (K, n + 1)."""
    rank = shares[:, np.newaxis] * np.maximum(np.arange(n_times + 1) - 1, 0)
    low = rank.astype(np.int64)
    return low, rank - low


@compiled(error_model="numpy")
def _of_numbers(  # pragma: no cover - compiled
    values: Any,
    is_excluded: Any,
    exchanges: Any,
    low: Any,
    part: Any,
    spread: bool,
    min_clear: int,
    found: Any,
) -> None:
    n_times, n_pixels = values.shape
    planes = np.empty((n_times, _BLOCK), dtype=np.int16)
    counts = np.empty(_BLOCK, dtype=np.int16)
    total, squares = np.empty(_BLOCK, dtype=np.int32), np.empty(_BLOCK, dtype=np.int64)
    for start in range(0, n_pixels, _BLOCK):
        size = min(_BLOCK, n_pixels - start)
        counts[:] = 0
        total[:] = 0
        squares[:] = 0
        for time in range(n_times):
            _see(values[time, start:], is_excluded[time, start:], size, planes[time], counts)
        if spread:
            for time in range(n_times):
                _add(planes[time], values[time, start:], is_excluded[time, start:], size, total)
                _add_squares(
                    planes[time], values[time, start:], is_excluded[time, start:], size, squares
                )
        _take(planes, counts, size, exchanges, low, part, min_clear, True, found[:, start:])
        if spread:
            for i in range(size):
                n = np.int64(counts[i])
                if n >= min_clear:
                    # Whole numbers until the last step: no digits are lost between large squares.
                    sum_ = np.int64(total[i])
                    variance = (n * squares[i] - sum_ * sum_) / (n * n)
                    found[low.shape[0], start + i] = np.int16(np.rint(np.sqrt(variance)))


@compiled()
def _see(values, is_excluded, size, plane, counts):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Copy a plane, what is not seen above everything; count what is."""
    for i in range(size):
        is_seen = (not is_excluded[i]) & (values[i] != NODATA)
        plane[i] = values[i] if is_seen else _LAST
    for i in range(size):
        counts[i] += np.int16((not is_excluded[i]) & (values[i] != NODATA))


@compiled()
def _add(plane, values, is_excluded, size, total):  # type: ignore[no-untyped-def]  # pragma: no cover
    for i in range(size):
        is_seen = (not is_excluded[i]) & (values[i] != NODATA)
        total[i] += np.int32(plane[i]) if is_seen else np.int32(0)


@compiled()
def _add_squares(plane, values, is_excluded, size, squares):  # type: ignore[no-untyped-def]  # pragma: no cover
    for i in range(size):
        is_seen = (not is_excluded[i]) & (values[i] != NODATA)
        value = np.int32(plane[i]) if is_seen else np.int32(0)
        squares[i] += np.int64(value * value)


@compiled(error_model="numpy")
def _take(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    planes, counts, size, exchanges, low, part, min_clear, is_whole, found
):
    """Sort the planes, and interpolate quantiles between the n sorted numbers of each pixel."""
    for pair in range(exchanges.shape[0]):
        exchange(planes[exchanges[pair, 0], :size], planes[exchanges[pair, 1]])
    for k in range(low.shape[0]):
        for i in range(size):
            n = np.int64(counts[i])
            if n >= min_clear:
                one = np.float64(planes[low[k, n], i])
                other = np.float64(planes[min(low[k, n] + 1, n - 1), i])
                value = one + part[k, n] * (other - one)
                found[k, i] = np.rint(value) if is_whole else value


@compiled(error_model="numpy")
def _of_series(  # pragma: no cover - compiled
    values: Any,
    exchanges: Any,
    low: Any,
    part: Any,
    spread: bool,
    min_clear: int,
    found: Any,
) -> None:
    n_times, n_pixels = values.shape
    planes = np.empty((n_times, _BLOCK), dtype=np.float32)
    counts = np.empty(_BLOCK, dtype=np.int64)
    mean, squares = np.empty(_BLOCK, dtype=np.float64), np.empty(_BLOCK, dtype=np.float64)
    for start in range(0, n_pixels, _BLOCK):
        size = min(_BLOCK, n_pixels - start)
        counts[:] = 0
        for time in range(n_times):
            for i in range(size):
                value = values[time, start + i]
                planes[time, i] = value if np.isfinite(value) else np.float32(np.inf)
            for i in range(size):
                counts[i] += np.isfinite(values[time, start + i])
        _take(planes, counts, size, exchanges, low, part, min_clear, False, found[:, start:])
        if spread:
            _spread(planes, counts, size, mean, squares)
            for i in range(size):
                if counts[i] >= min_clear:
                    found[low.shape[0], start + i] = np.sqrt(squares[i] / counts[i])


@compiled(error_model="numpy")
def _spread(planes, counts, size, mean, squares):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Sum squared distances from the mean, smallest number first.

    Differences of squares would lose the digits of a small one.
    """
    mean[:] = 0.0
    squares[:] = 0.0
    for time in range(planes.shape[0]):
        for i in range(size):
            mean[i] += np.float64(planes[time, i]) if time < counts[i] else 0.0
    for i in range(size):
        mean[i] = mean[i] / counts[i]
    for time in range(planes.shape[0]):
        for i in range(size):
            distance = np.float64(planes[time, i]) - mean[i]
            squares[i] += distance * distance if time < counts[i] else 0.0
