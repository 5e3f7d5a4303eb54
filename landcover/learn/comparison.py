"""Whether one model is better than another on the same samples."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import binomtest

from landcover.errors import InputError
from landcover.learn.accuracy import MIN_GROUPS, RESAMPLES

SIGNIFICANT = 0.05
"""p-value below which a difference is called one: the usual convention, nothing more."""


class Comparison(NamedTuple):
    """Two models on the same samples."""

    n: int
    """Samples."""
    first: float
    """Share that the first has right."""
    second: float
    """Share that the second has right."""
    only_first: int
    """Samples (groups, in a test over groups) that only the first has right."""
    only_second: int
    """Samples (groups) that only the second has right."""
    p_value: float
    """Exact McNemar test, two-sided: how often chance alone would differ so much."""
    difference: tuple[float, float] | None
    """95 % range of second - first over resampled groups; None for fewer than ten groups."""
    n_groups: int
    """Groups that the samples come from."""


def mcnemar(first_right: ArrayLike, second_right: ArrayLike) -> tuple[int, int, float]:
    """Test whether two classifiers err equally often on the same samples.

    The exact form (binomial, p = ½ over the samples on which they differ); McNemar (1947).

    Args:
        first_right: Whether the first is right, bool, (n,).
        second_right: Whether the second is right, bool, (n,).

    Returns:
        Samples that only the first has right, those that only the second has, and the two-sided
        p-value (1 where they never differ).
    """
    one, other = np.asarray(first_right, np.bool_), np.asarray(second_right, np.bool_)
    if one.shape != other.shape or one.ndim != 1 or one.size == 0:
        raise InputError(
            f"Comparison: expected the same samples for both, found {one.shape} and {other.shape}."
        )
    only_one, only_other = int((one & ~other).sum()), int((other & ~one).sum())
    differing = only_one + only_other
    p = float(binomtest(only_one, differing, 0.5).pvalue) if differing else 1.0
    return only_one, only_other, p


def compare(
    first_right: ArrayLike, second_right: ArrayLike, groups: ArrayLike, *, seed: int = 0
) -> Comparison:
    """Compare two models on the same samples, a group (point, polygon) counted once.

    Pixels of one polygon are right or wrong together, so a test over pixels finds differences
    everywhere. Each group votes for the model that has more of its pixels right.

    Args:
        first_right: Whether the first is right, bool, (n,).
        second_right: Whether the second is right, bool, (n,).
        groups: Group of each sample, (n,).
        seed: Seed of the resampling.

    Returns:
        The comparison.

    Raises:
        InputError: Lengths differ or there are no samples.
    """
    one, other = np.asarray(first_right, np.bool_), np.asarray(second_right, np.bool_)
    mcnemar(one, other)  # checks the shapes
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    if group.shape != one.shape:
        raise InputError(f"Comparison: expected {one.size} groups, found {group.size}.")
    size = np.bincount(group)
    balance = np.bincount(group, weights=other.astype(float) - one)
    only_one, only_other, p = mcnemar(balance < 0, balance > 0)
    spread = None
    if size.size >= MIN_GROUPS:
        rng = np.random.default_rng(seed)
        draws = rng.integers(0, size.size, (RESAMPLES, size.size))
        shares = balance[draws].sum(axis=1) / size[draws].sum(axis=1)
        low, high = np.quantile(shares, (0.025, 0.975))
        spread = (float(low), float(high))
    return Comparison(
        n=one.size,
        first=float(one.mean()),
        second=float(other.mean()),
        only_first=only_one,
        only_second=only_other,
        p_value=p,
        difference=spread,
        n_groups=int(size.size),
    )


def verdict(found: Comparison, first: str, second: str) -> str:
    """Say in one sentence what a comparison shows.

    Args:
        found: The comparison.
        first: Name of the first model.
        second: Name of the second.

    Returns:
        The sentence; a difference counts where chance alone would make it in less than one case
        in twenty.
    """
    if found.only_first == found.only_second == 0:
        return f"{first} and {second} are right on the same {found.n_groups} groups."
    chance = "less than 0.1 %" if found.p_value < 0.001 else f"{100 * found.p_value:.1f} %"
    counts = (
        f"Of {found.n_groups} held-out groups {first} has more right on {found.only_first} and "
        f"{second} on {found.only_second}"
    )
    better = first if found.only_first > found.only_second else second
    if found.p_value < SIGNIFICANT:
        return f"{counts}: {better} is better (chance alone would do so in {chance} of cases)."
    return (
        f"{counts}: that is no evidence that either is better (chance alone would do so in "
        f"{chance} of cases)."
    )
