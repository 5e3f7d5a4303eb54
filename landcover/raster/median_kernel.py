"""The median along time of many pixels at once, compiled.

A block of pixels is small enough for the first-level cache. Its planes are sorted by a fixed list
of exchanges, each a minimum and a maximum over the whole block, so no pixel takes a branch.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from landcover.compiled import compiled
from landcover.raster.reflectance import NODATA

Number = TypeVar("Number", np.int16, np.float32)

_BLOCK = 1024
_EVEN = np.uint8(1)
# Below and at the ends of what counts as a value, and nodata, by type.
_LIMITS = {
    np.dtype(np.int16): (np.int16(NODATA), np.int16(32767), np.int16(NODATA)),
    np.dtype(np.float32): (np.float32(-np.inf), np.finfo(np.float32).max, np.float32(np.nan)),
}


def median_of_rows(
    values: NDArray[Number], is_hidden: NDArray[np.bool_], min_clear: int
) -> tuple[NDArray[Number], NDArray[np.uint8]]:
    """Take the median along the first axis of what is neither hidden nor nodata.

    Args:
        values: int16 with nodata −32768, or float32 where everything but finite numbers is
            nodata; (time, pixel), 1 to 255 times.
        is_hidden: True where a value must not be used, bool, (time, pixel).
        min_clear: Fewest values that give a pixel a median.

    Returns:
        The median, same type, (pixel), nodata where too few remain: the mean of the two middle
        values of an even count, of integers rounded half to even; and the number of values,
        uint8, (pixel).
    """
    median = np.empty(values.shape[1], dtype=values.dtype)
    n_seen = np.empty(values.shape[1], dtype=np.uint8)
    _median_of_blocks(
        np.ascontiguousarray(values),
        np.ascontiguousarray(is_hidden),
        exchanges_of(len(values)),
        *_LIMITS[values.dtype],
        min_clear,
        values.dtype == np.int16,
        median,
        n_seen,
    )
    return median, n_seen


@lru_cache(maxsize=256)
def exchanges_of(n: int) -> NDArray[np.int64]:
    """List the comparisons that sort n values (merge exchange: Knuth, TAOCP 3, 5.2.2M)."""
    pairs = []
    top = 1 << max((n - 1).bit_length() - 1, 0)
    p = top
    while p > 0:
        q, r, d = top, 0, p
        while True:
            pairs += [(i, i + d) for i in range(n - d) if i & p == r]
            if q == p:
                break
            d, q, r = q - p, q // 2, p
        p //= 2
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


@compiled()
def _median_of_blocks(  # pragma: no cover - compiled
    values: NDArray[Any],
    is_hidden: NDArray[np.bool_],
    exchanges: NDArray[np.int64],
    lowest: Any,
    highest: Any,
    nodata: Any,
    min_clear: int,
    is_whole: bool,
    median: NDArray[Any],
    n_seen: NDArray[np.uint8],
) -> None:
    """Take the medians block by block; see `median_of_rows`."""
    n_times, n_pixels = values.shape
    planes = np.empty((n_times, _BLOCK), dtype=values.dtype)
    stand_in = np.empty(_BLOCK, dtype=values.dtype)
    half = n_times // 2
    for start in range(0, n_pixels, _BLOCK):
        end = min(start + _BLOCK, n_pixels)
        seen = n_seen[start:end]
        seen[:] = 0
        stand_in[:] = highest
        for t in range(n_times):
            _fill(
                values[t, start:end], is_hidden[t, start:end], lowest, highest, stand_in, seen,
                planes[t],
            )  # fmt: skip
        for pair in range(exchanges.shape[0]):
            exchange(planes[exchanges[pair, 0], : end - start], planes[exchanges[pair, 1]])
        # The values lie in the middle: for an odd count at one place, for an even one at two.
        low = planes[max(half - 1, 0), : end - start]
        high = planes[half, : end - start]
        middle = high if n_times % 2 else low
        _average(low, high, middle, seen, nodata, min_clear, is_whole, median[start:])


@compiled()
def _fill(  # pragma: no cover - compiled
    values: NDArray[Any],
    is_hidden: NDArray[np.bool_],
    lowest: Any,
    highest: Any,
    stand_in: NDArray[Any],
    n_seen: NDArray[np.uint8],
    plane: NDArray[Any],
) -> None:
    """Copy a plane; what is hidden becomes the highest and the lowest value in turn.

    So the seen values stay in the middle, and the median lies at the same place for every pixel.
    The ends may be measured as well: equal values may stand in for each other.
    """
    for i in range(values.size):
        value = values[i]
        other = stand_in[i]
        is_seen = (not is_hidden[i]) & (value > lowest) & (value <= highest)
        plane[i] = value if is_seen else other
        turned = lowest if other == highest else highest
        stand_in[i] = other if is_seen else turned
        n_seen[i] += np.uint8(is_seen)


@compiled()
def exchange(  # pragma: no cover - compiled
    low: NDArray[Any], high: NDArray[Any]
) -> None:
    """Put the smaller of each pair into the first plane."""
    for i in range(low.size):
        a, b = low[i], high[i]
        low[i] = a if a < b else b
        high[i] = b if a < b else a


@compiled()
def _average(  # pragma: no cover - compiled
    low: NDArray[Any],
    high: NDArray[Any],
    middle: NDArray[Any],
    n_seen: NDArray[np.uint8],
    nodata: Any,
    min_clear: int,
    is_whole: bool,
    median: NDArray[Any],
) -> None:
    """Average two planes where the count is even, and take the middle one where it is odd."""
    for i in range(low.size):
        mean = 0.5 * (np.float64(low[i]) + np.float64(high[i]))
        mean = np.rint(mean) if is_whole else mean
        mean = mean if n_seen[i] & _EVEN == 0 else np.float64(middle[i])
        median[i] = low.dtype.type(mean) if n_seen[i] >= min_clear else nodata
