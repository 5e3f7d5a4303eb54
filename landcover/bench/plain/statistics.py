"""Percentiles and spread of each pixel along time, one pixel after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from landcover.compiled import compiled
from landcover.raster.reflectance import NODATA


def masked_statistics(
    values: NDArray[np.int16],
    is_excluded: NDArray[np.bool_],
    percentiles: Sequence[int],
    *,
    spread: bool = True,
    min_clear: int = 3,
) -> NDArray[np.int16]:
    """Take percentiles and spread as ``raster.statistics`` says."""
    times, height, width = values.shape
    shares = np.asarray(percentiles, dtype=np.float64) / 100
    found = np.full((len(shares) + spread, height * width), NODATA, dtype=np.int16)
    flat = values.reshape(times, -1), is_excluded.reshape(times, -1)
    _statistics(*flat, shares, spread, min_clear, found)
    return found.reshape(-1, height, width)


def series_statistics(
    values: NDArray[np.float32],
    percentiles: Sequence[int],
    *,
    spread: bool = True,
    min_clear: int = 3,
) -> NDArray[np.float32]:
    """Take percentiles and spread of what is not whole numbers."""
    times, height, width = values.shape
    shares = np.asarray(percentiles, dtype=np.float64) / 100
    found = np.full((len(shares) + spread, height * width), np.nan, dtype=np.float32)
    _series_statistics(values.reshape(times, -1), shares, spread, min_clear, found)
    return found.reshape(-1, height, width)


@compiled()
def _insert(seen, n, value):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Put a value among n sorted ones."""
    place = n
    while place > 0 and seen[place - 1] > value:
        seen[place] = seen[place - 1]
        place -= 1
    seen[place] = value


@compiled()
def _quantile(seen, n, share):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Interpolate between n sorted values."""
    rank = share * (n - 1)
    low = int(rank)
    high = min(low + 1, n - 1)
    return seen[low] + (rank - low) * (seen[high] - seen[low])


@compiled()
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
            _insert(seen, n, value)
            n += 1
        if n < min_clear:
            continue
        for k in range(shares.size):
            found[k, pixel] = np.int16(np.rint(_quantile(seen, n, shares[k])))
        if spread:
            total = np.int64(0)
            squares = np.int64(0)
            for time in range(n):
                total += seen[time]
                squares += seen[time] * seen[time]
            # Whole numbers until the last step: no digits are lost between large squares.
            variance = (n * squares - total * total) / (n * n)
            found[shares.size, pixel] = np.int16(np.rint(np.sqrt(variance)))


@compiled()
def _series_statistics(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    values, shares, spread, min_clear, found
):
    times, pixels = values.shape
    seen = np.empty(times, dtype=np.float64)
    for pixel in range(pixels):
        n = 0
        for time in range(times):
            value = np.float64(values[time, pixel])
            if not np.isfinite(value):
                continue
            _insert(seen, n, value)
            n += 1
        if n < min_clear:
            continue
        for k in range(shares.size):
            found[k, pixel] = _quantile(seen, n, shares[k])
        if spread:
            # Distances from the mean: differences of squares would lose the digits of a small one.
            total = 0.0
            for time in range(n):
                total += seen[time]
            mean = total / n
            squares = 0.0
            for time in range(n):
                squares += (seen[time] - mean) ** 2
            found[shares.size, pixel] = np.sqrt(squares / n)
