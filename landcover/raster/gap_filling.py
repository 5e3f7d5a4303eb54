"""Months that were not seen, filled from those before and after them.

Method: docs/methods/composites.md#gap-filling.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError

Values = NDArray[np.floating[Any]]
Flags = NDArray[np.uint8]
OBSERVED, FROM_BOTH, FROM_ONE, MISSING = 0, 1, 2, 255
"""What a pixel of a month is: seen, filled from both sides, from one side, or still unknown."""


def fill_gaps(
    months: Values, *, max_reach: int = 12, cyclic: bool = False
) -> tuple[NDArray[np.float32], Flags]:
    """Fill each gap from the nearest month with a value on either side.

    With one on both sides, linear in time between them; with one, that value. Values that were
    filled themselves fill nothing. ``max_reach=1`` is the HRLC deck's filling: the mean of the
    adjacent months.

    Args:
        months: Values of one layer or several, (time, …, y, x), NaN where missing.
        max_reach: Months on each side that are looked at.
        cyclic: Whether the last month comes before the first.

    Returns:
        The values, float32, NaN where still missing; and of each 0 observed, 1 filled from both
        sides, 2 from one, 255 missing, uint8.

    Raises:
        InputError: The reach is below 1.

    Examples:
        >>> import numpy as np
        >>> from landcover import api
        >>> months = np.array([0.25, np.nan, np.nan, 1.0]).reshape(4, 1, 1)
        >>> filled, flags = api.fill_gaps(months)
        >>> filled.ravel().tolist(), flags.ravel().tolist()
        ([0.25, 0.5, 0.75, 1.0], [0, 1, 1, 0])
    """
    if max_reach < 1:
        raise InputError(f"Gaps need a reach of at least one month, found {max_reach}.")
    filled = np.empty(months.shape, np.float32)
    flags = np.empty(months.shape, np.uint8)
    for place in range(len(months)):
        filled[place], flags[place] = fill_month(
            lambda month: months[month], place, len(months), max_reach, cyclic=cyclic
        )
    return filled, flags


def fill_month(
    read: Callable[[int], Values], place: int, n_months: int, max_reach: int, *, cyclic: bool
) -> tuple[Values, Flags]:
    """Fill one month, as :func:`fill_gaps` does; other months are read only as far as needed.

    Args:
        read: Gives the values of a month by its place, (…, y, x), NaN where missing.
        place: The month.
        n_months: Number of months.
        max_reach: Months on each side that are looked at.
        cyclic: Whether the last month comes before the first.

    Returns:
        Values, float64, and flags, uint8.
    """
    values = np.asarray(read(place), np.float64)
    is_missing = np.isnan(values)
    sides = [_Side(int(is_missing.sum())) for _ in range(2)]
    where = np.nonzero(is_missing)
    for step in range(1, max_reach + 1):
        for side, month in zip(sides, (place - step, place + step), strict=True):
            # Around the year a month is reached from either side, but never the month itself.
            is_there = 0 < step < n_months if cyclic else 0 <= month < n_months
            if is_there and side.lacks_any:
                side.take(np.asarray(read(month % n_months), np.float64)[where], step)
    found, flags = _between(*sides)
    values = np.where(is_missing, np.nan, values)
    values[where] = found
    all_flags = np.zeros(values.shape, np.uint8)
    all_flags[where] = flags
    return values, all_flags


class _Side:
    """The nearest value on one side of each missing pixel, and how far it is away."""

    def __init__(self, n_pixels: int) -> None:
        self.values = np.full(n_pixels, np.nan)
        self.steps = np.zeros(n_pixels)

    @property
    def lacks_any(self) -> bool:
        return bool(np.isnan(self.values).any())

    def take(self, values: NDArray[np.float64], step: int) -> None:
        is_new = np.isnan(self.values) & ~np.isnan(values)
        self.values[is_new] = values[is_new]
        self.steps[is_new] = step


def _between(before: _Side, after: _Side) -> tuple[NDArray[np.float64], Flags]:
    """Interpolate linearly between two sides; where one is missing, take the other."""
    has_before, has_after = ~np.isnan(before.values), ~np.isnan(after.values)
    has_both = has_before & has_after
    span = np.where(has_both, before.steps + after.steps, 1.0)
    rise = np.where(has_both, after.values - before.values, 0.0)
    one = np.where(has_before, before.values, after.values)
    flags = np.select([has_both, has_before | has_after], [FROM_BOTH, FROM_ONE], MISSING)
    return one + rise * before.steps / span, flags.astype(np.uint8)
