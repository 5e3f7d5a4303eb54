"""What a season's curve tells of a pixel: its top, its rise, its sum, and days past a threshold.

Days are what counts here: observations of one day are averaged first, in the order given, so two
products of one overpass are one date.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from landcover.compiled import compiled
from landcover.errors import InputError

Values = NDArray[np.float32]
Days = NDArray[np.int64]

METRICS = ("max", "maxday", "amplitude", "rise", "integral")
"""What :func:`season_metrics` gives, in order."""
GREEN_BASE = 0.2
"""NDVI above which a season's curve is summed (docs/methods/composites.md#season-metrics)."""


def season_metrics(
    values: Values, days: Days, *, min_clear: int = 3, base: float = GREEN_BASE
) -> Values:
    """Describe the curve of each pixel through its days.

    Args:
        values: NDVI (or another index), float32, (time, y, x), NaN where not usable.
        days: Day of each time step, int64, (time), ascending, counted from any origin; a day may
            stand several times.
        min_clear: Fewest days with a value.
        base: What the integral is taken over.

    Returns:
        float32, (metric, y, x), NaN where fewer days have a value:

        - ``max``: the highest value;
        - ``maxday``: its day, of the origin of ``days``; the first of several equal ones;
        - ``amplitude``: the highest less the lowest value;
        - ``rise``: mean increase per day from the lowest value before ``maxday`` (the last of
          several equal ones, where the rise sets out) to the highest; 0 where nothing was seen
          before ``maxday``;
        - ``integral``: ∫ max(value − base, 0) over the days from the first to the last value, by
          trapezoids between them, value · days. Nothing is added before or after them.

    Raises:
        InputError: Types, shapes or days are not as above.
    """
    _check(values, days, min_clear)
    _, height, width = values.shape
    found = np.full((len(METRICS), height * width), np.nan, dtype=np.float32)
    _metrics(_flat(values), days, min_clear, base, found)
    return found.reshape(-1, height, width)


def share_of_days(
    values: Values,
    days: Days,
    threshold: float,
    side: Literal["below", "above"],
    *,
    min_clear: int = 3,
) -> Values:
    """Tell on which share of its days a pixel was past a threshold.

    Args:
        values: A layer, float32, (time, y, x), NaN where not usable.
        days: As for :func:`season_metrics`.
        threshold: In the units of the values, taken as float32 as they are: a value that equals it
            is past neither side.
        side: ``below`` or ``above``.
        min_clear: Fewest days with a value.

    Returns:
        Share, 0-1, float32, (y, x), NaN where fewer days have a value.

    Raises:
        InputError: Types, shapes or days are not as for :func:`season_metrics`.
    """
    _check(values, days, min_clear)
    _, height, width = values.shape
    found = np.full(height * width, np.nan, dtype=np.float32)
    _shares(_flat(values), days, np.float32(threshold), side == "above", min_clear, found)
    return found.reshape(height, width)


def _flat(values: Values) -> Values:
    return np.ascontiguousarray(values).reshape(len(values), -1)


def _check(values: Values, days: Days, min_clear: int) -> None:
    if values.dtype != np.float32 or values.ndim != 3 or days.shape != values.shape[:1]:
        raise InputError(
            "Season: expected float32 values (time, y, x) and a day of each time, found "
            f"{values.dtype} {values.shape} and days {days.shape}."
        )
    if days.dtype != np.int64 or (np.diff(days) < 0).any() or min_clear < 1:
        raise InputError(
            "Season: expected ascending days, int64, and at least 1 of them, found "
            f"{days.tolist()} ({days.dtype}) and {min_clear}."
        )


@compiled()
def _daily(values, days, pixel, day, level):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Put the days of a pixel and their means into ``day`` and ``level``; count them."""
    n = 0
    total = 0.0
    count = 0
    for time in range(days.size):
        value = values[time, pixel]
        if np.isfinite(value):
            total += value
            count += 1
        if count and (time + 1 == days.size or days[time + 1] != days[time]):
            day[n] = days[time]
            level[n] = total / count
            n += 1
            total = 0.0
            count = 0
    return n


@compiled()
def _metrics(values, days, min_clear, base, found):  # type: ignore[no-untyped-def]  # pragma: no cover
    day = np.empty(days.size, dtype=np.int64)
    level = np.empty(days.size, dtype=np.float64)
    for pixel in range(values.shape[1]):
        n = _daily(values, days, pixel, day, level)
        if n < min_clear:
            continue
        top = 0
        lowest = level[0]
        area = 0.0
        for i in range(1, n):
            if level[i] > level[top]:
                top = i
            lowest = min(lowest, level[i])
            before = max(level[i - 1] - base, 0.0)
            here = max(level[i] - base, 0.0)
            area += 0.5 * (before + here) * (day[i] - day[i - 1])
        rise = 0.0
        if top > 0:
            foot = 0
            for i in range(1, top):
                if level[i] <= level[foot]:
                    foot = i
            rise = (level[top] - level[foot]) / (day[top] - day[foot])
        found[0, pixel] = level[top]
        found[1, pixel] = day[top]
        found[2, pixel] = level[top] - lowest
        found[3, pixel] = rise
        found[4, pixel] = area


@compiled()
def _shares(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    values, days, threshold, is_above, min_clear, found
):
    day = np.empty(days.size, dtype=np.int64)
    level = np.empty(days.size, dtype=np.float64)
    for pixel in range(values.shape[1]):
        n = _daily(values, days, pixel, day, level)
        if n < min_clear:
            continue
        past = 0
        for i in range(n):
            # The mean of one value is that value: it equals the threshold as it would by itself.
            mean = np.float32(level[i])
            if (is_above and mean > threshold) or (not is_above and mean < threshold):
                past += 1
        found[pixel] = past / n
