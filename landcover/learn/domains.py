"""Area of each class in a part of a map, from a probability sample of the whole.

A part, such as a district, is a domain (Cochran 1977, §5A.14; Stehman 2014, IJRS 35, 4923-4939):
what is measured at a point counts as 0 where the point lies outside. No sample has to be drawn for
the part. Where the strata are the classes of the map, the sample estimates the map's error in the
part, and the map's own area is corrected by it (difference estimator; Särndal, Swensson & Wretman
1992, §6.3); else it estimates the area itself. Estimates of parts that share the map add up to
those of the whole.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from landcover.errors import InputError
from landcover.learn.area import Z
from landcover.nouns.area import Estimate

LEAST_POINTS = 30
"""Fewest points inside a part that estimates are made from: with fewer, most classes have no point
that tells of them, or a single one."""


@dataclass(frozen=True, eq=False)
class Sample:
    """A labelled probability sample of n points."""

    stratum: NDArray[np.int64]
    """Stratum of each point, (n,)."""
    reference: NDArray[np.int64]
    """Class of each point, (n,)."""
    stratum_area: Mapping[int, float]
    """Stratum → area."""
    is_of_map: bool
    """True where the strata are the classes of the map."""


def domain_areas(
    sample: Sample,
    is_inside: ArrayLike,
    mapped_area: Mapping[int, float],
    codes: Sequence[int],
) -> dict[int, Estimate]:
    """Estimate the area of each class in a part of the map.

    Args:
        sample: The sample of the whole map.
        is_inside: True on points in the part, bool, (n,).
        mapped_area: Class → area in the part as the map has it, in the unit of the strata.
        codes: Classes to estimate.

    Returns:
        Class → estimate, within 0 … mapped area of the part; without an interval where no point
        tells of the class: none inside is of it or, where the map is corrected, none contradicts
        the map. The formula would give ± 0 there.

    Raises:
        InputError: Fewer than :data:`LEAST_POINTS` points lie inside, a stratum has fewer than two
            points, or lengths differ.
    """
    inside = np.asarray(is_inside, dtype=np.bool_)
    if not inside.shape == sample.stratum.shape == sample.reference.shape:
        raise InputError(
            f"Area of a part: expected one stratum, class and place per point, found "
            f"{sample.stratum.shape}, {sample.reference.shape} and {inside.shape}."
        )
    n = int(inside.sum())
    if n < LEAST_POINTS:
        raise InputError(f"{n} points inside, at least {LEAST_POINTS} are needed")
    whole = sum(area for code, area in mapped_area.items() if code)
    found = {}
    for code in codes:
        told = (sample.reference == code).astype(np.int64)
        if sample.is_of_map:
            told -= sample.stratum == code
        total, half = stratified_total(sample, told * inside)
        if sample.is_of_map:
            total += mapped_area.get(code, 0.0)
        value = min(max(total, 0.0), whole)
        found[code] = Estimate(value=value, half_width=half or None)
    return found


def stratified_total(sample: Sample, values: NDArray[np.int64]) -> tuple[float, float]:
    """Expand values at the points to the whole (Cochran 1977, eq. 5.1 and 5.7).

    Args:
        sample: Strata of the points and their areas.
        values: What was measured at each point, (n,).

    Returns:
        Total, and half of its 95 % interval.

    Raises:
        InputError: A stratum with area has fewer than two points.
    """
    total = variance = 0.0
    for stratum, area in sample.stratum_area.items():
        mine = values[sample.stratum == stratum]
        if area <= 0:
            continue
        if mine.size < 2:
            raise InputError(
                f"stratum {stratum} has {mine.size} labelled points in all, at least 2 are needed"
            )
        total += area * float(mine.mean())
        variance += area**2 * float(mine.var(ddof=1)) / mine.size
    return total, Z * math.sqrt(variance)
