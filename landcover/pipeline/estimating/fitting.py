"""Costs by measure of work, fitted on runs: relative, never negative, drawn to a prior's shape.

Method: docs/methods/estimate.md#fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean

FIXED = 3
"""Measures at the beginning that do not go by size: the run, its units, and their tiles."""
PULL = 0.1
"""How much the shape of the prior weighs beside one run."""
LOOSE = 0.01
"""The same of its level, which runs tell well."""
SWEEPS = 2000
"""Most rounds over the factors."""
STEPS = 6
"""Times that runs far off get less weight."""
LEAST_SHARE = 0.01
"""Of what was spent: what is told of a run counts as no less where scales are made of it."""
FAR = 0.3
"""Relative miss from which a run gets less weight."""
LEAST_MISS, FEW_MISS = 0.1, {1: 0.5, 2: 0.3}
"""Relative error that is at least told, and what is told of one or two runs."""

Numbers = Sequence[float]


@dataclass(frozen=True)
class Fit:
    """A cost of a stage."""

    costs: Numbers
    """For each measure of work."""
    miss: float
    """Relative error that is to be expected."""

    def at(self, work: Numbers) -> float:
        """Give the cost of some work."""
        return _dot(self.costs, work)


def fit(work: Sequence[Numbers], spent: Numbers, prior: Numbers) -> Fit:
    """Fit the cost of each measure of work.

    Args:
        work: Measures of each run, one row each: 1 for the run, its units, their tiles, then what
            goes by size.
        spent: What each run spent, above 0.
        prior: Cost of each measure to begin with; one of 0 stays 0.

    Returns:
        The costs, none negative, and how far runs are missed when they are left out.

    Examples:
        >>> from landcover.pipeline.estimating.fitting import fit
        >>> runs, spent = [[1, 2, 0, 1.0], [1, 2, 0, 4.0], [1, 4, 0, 2.0]], [4.0, 10.0, 7.0]
        >>> round(fit(runs, spent, [1.0, 0.5, 0.0, 1.0]).at([1, 2, 0, 3.0]), 1)
        7.9
    """
    costs = _costs(work, spent, prior)
    n = len(spent)
    if n in FEW_MISS:
        return Fit(costs, FEW_MISS[n])
    missed = []
    for i in range(n):
        others = _costs([*work[:i], *work[i + 1 :]], [*spent[:i], *spent[i + 1 :]], prior)
        missed.append(_dot(others, work[i]) / spent[i] - 1)
    return Fit(costs, max(LEAST_MISS, sqrt(fmean(miss**2 for miss in missed))))


def _costs(work: Sequence[Numbers], spent: Numbers, prior: Numbers) -> list[float]:
    weights = [1.0] * len(spent)
    scales = list(spent)
    costs = list(prior)
    for _ in range(STEPS):
        # First the level: what does not depend on size, and what does, each by one factor.
        parts = [
            [_dot(prior[:FIXED], row[:FIXED]), _dot(prior[FIXED:], row[FIXED:])] for row in work
        ]
        fixed, sized = _solve(parts, spent, scales, weights, LOOSE)
        level = [cost * (fixed if i < FIXED else sized) for i, cost in enumerate(prior)]
        # Then the shape around it.
        shares = [[cost * x for cost, x in zip(level, row, strict=True)] for row in work]
        factors = _solve(shares, spent, scales, weights, PULL)
        costs = [cost * factor for cost, factor in zip(level, factors, strict=True)]
        told = [_dot(costs, row) for row in work]
        # Relative to what lies between told and spent: twice as much and half as much miss alike.
        scales = [sqrt(max(t, LEAST_SHARE * s) * s) for t, s in zip(told, spent, strict=True)]
        missed = [abs(t - s) / scale for t, s, scale in zip(told, spent, scales, strict=True)]
        weights = [min(1.0, FAR / max(miss, 1e-9)) for miss in missed]
    return costs


def _solve(
    parts: Sequence[Numbers], known: Numbers, scales: Numbers, weights: Numbers, pull: float
) -> list[float]:
    """Find factors ≥ 0, near 1, by which parts add up to what is known, relative to scales.

    Least squares by coordinate descent: the pull makes the problem strictly convex.
    """
    rows = [[x / scale for x in row] for row, scale in zip(parts, scales, strict=True)]
    factors = [1.0] * len(rows[0])
    left = [k / scale - sum(row) for k, scale, row in zip(known, scales, rows, strict=True)]
    for _ in range(SWEEPS):
        moved = 0.0
        for j, factor in enumerate(factors):
            column = [row[j] for row in rows]
            square = sum(w * x * x for w, x in zip(weights, column, strict=True)) + pull
            slope = sum(w * x * r for w, x, r in zip(weights, column, left, strict=True))
            step = (slope + pull * (1.0 - factor)) / square
            new = max(0.0, factor + step)
            left = [r - (new - factor) * x for r, x in zip(left, column, strict=True)]
            moved = max(moved, abs(new - factor))
            factors[j] = new
        if moved < 1e-9:
            break
    return factors


def _dot(costs: Numbers, work: Numbers) -> float:
    return sum(cost * measure for cost, measure in zip(costs, work, strict=True))
