"""How far numbers of a sample move when its groups are drawn again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from landcover.learn.accuracy import MIN_GROUPS, RESAMPLES
from landcover.nouns.validation import ClassGap, Gap, SplitName

_AT_ONCE = 50
# Resamples that are counted together: memory stays small for thousands of groups.

Pair = tuple[float, float]


@dataclass(frozen=True)
class Predictions:
    """Answers of a model or map on a test sample."""

    mapped: NDArray[np.int64]
    """Code that was answered, (n,)."""
    reference: NDArray[np.int64]
    """True code, (n,)."""
    groups: NDArray[np.str_]
    """Group of each sample, (n,)."""


@dataclass(frozen=True)
class Shares:
    """Hits and samples of each group: overall in the first column, then class by class."""

    names: NDArray[np.str_]
    """Groups, sorted."""
    hits: NDArray[np.float64]
    """(group, 1 + class)."""
    counts: NDArray[np.float64]
    """(group, 1 + class)."""

    @property
    def n_groups(self) -> NDArray[np.int64]:
        """Groups behind each column."""
        return np.asarray((self.counts > 0).sum(axis=0), dtype=np.int64)


def shares_of(predictions: Predictions, codes: ArrayLike) -> Shares:
    """Count hits and samples of each group.

    Args:
        predictions: Answers.
        codes: Classes of the columns after the first, by their reference code.
    """
    known = np.asarray(codes)
    names, group = np.unique(predictions.groups, return_inverse=True)
    counts = np.zeros((names.size, 1 + known.size))
    hits = np.zeros_like(counts)
    is_right = predictions.mapped == predictions.reference
    for column, inside in enumerate(
        [np.ones(group.size, bool), *(predictions.reference == known[:, None])]
    ):
        counts[:, column] = np.bincount(group, weights=inside, minlength=names.size)
        hits[:, column] = np.bincount(group, weights=inside & is_right, minlength=names.size)
    return Shares(names, hits, counts)


def ranges(shares: Shares, *, seed: int = 0) -> list[Pair | None]:
    """Resample whole groups and take the middle 95 % of every share.

    Args:
        shares: Hits and samples by group.
        seed: Seed of the resampling.

    Returns:
        (low, high) of each column; None where fewer than ten groups stand behind it.
    """
    drawn = [
        _ratio(weights @ shares.hits, weights @ shares.counts)
        for weights in _weights(np.zeros(shares.names.size, np.int64), seed)
    ]
    return _middle(np.concatenate(drawn), shares.n_groups)


def range_of_difference(
    is_right: NDArray[np.bool_], is_second: NDArray[np.bool_], groups: ArrayLike, *, seed: int = 0
) -> Pair | None:
    """Resample groups and take the middle 95 % of accuracy in a first part minus in a second.

    Args:
        is_right: Whether a sample was answered right, (n,).
        is_second: True in the second part, (n,).
        groups: Group of each sample, (n,); one may lie in both parts.
        seed: Seed of the resampling.

    Returns:
        (low, high); None where either part comes from fewer than ten groups.
    """
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    n = int(group.max(initial=-1)) + 1
    parts = [np.bincount(group, weights=w, minlength=n) for w in (
        ~is_second, is_second, is_right & ~is_second, is_right & is_second
    )]  # fmt: skip
    counts, hits = np.stack(parts[:2], axis=1), np.stack(parts[2:], axis=1)
    if (counts > 0).sum(axis=0).min(initial=n) < MIN_GROUPS:
        return None
    drawn = np.concatenate(
        [_ratio(w @ hits, w @ counts) for w in _weights(np.zeros(n, np.int64), seed)]
    )
    return _middle((drawn[:, :1] - drawn[:, 1:]), np.array([n]))[0]


def gap_between(
    first: Shares,
    second: Shares,
    names: tuple[SplitName, SplitName],
    classes: list[tuple[int, str]],
    *,
    seed: int = 0,
) -> Gap:
    """Compare two splits, class by class, with a range over resampled groups.

    A group that both have is drawn for both together; the groups of either alone are drawn among
    themselves. So the same samples under two splits are paired and two samples are independent.

    Args:
        first: Hits and samples by group under the first split.
        second: The same under the second, with the same columns.
        names: Names of the splits.
        classes: Code and name of each column but the first.
        seed: Seed of the resampling.
    """
    every = np.union1d(first.names, second.names)
    one, other = _spread(first, every), _spread(second, every)
    sides = np.isin(every, first.names) + 2 * np.isin(every, second.names).astype(np.int64)
    drawn = np.concatenate(
        [
            _ratio(w @ other.hits, w @ other.counts) - _ratio(w @ one.hits, w @ one.counts)
            for w in _weights(sides, seed)
        ]
    )
    value = [_ratio(s.hits.sum(axis=0), s.counts.sum(axis=0)) for s in (first, second)]
    n = np.stack([first.n_groups, second.n_groups])
    spans = _middle(drawn, n.min(axis=0))
    return Gap(
        first=names[0],
        second=names[1],
        classes=tuple(
            ClassGap(
                code=code,
                name=name,
                first=_known(value[0][k]),
                second=_known(value[1][k]),
                difference=_known(value[1][k] - value[0][k]),
                interval=spans[k],
                n_groups=(int(n[0, k]), int(n[1, k])),
            )
            for k, (code, name) in enumerate([(0, "overall"), *classes])
        ),
    )


def paired_difference(first: Shares, second: Shares, *, seed: int = 0) -> Pair | None:
    """Resample groups and take the middle 95 % of the second's overall share minus the first's.

    Args:
        first: Hits and samples by group.
        second: The same of another model, of the same groups: both are drawn together.
        seed: Seed of the resampling.

    Returns:
        (low, high); None where fewer than ten groups stand behind it.
    """
    every = np.union1d(first.names, second.names)
    one, other = _spread(first, every), _spread(second, every)
    drawn = np.concatenate(
        [
            _ratio(w @ other.hits, w @ other.counts) - _ratio(w @ one.hits, w @ one.counts)
            for w in _weights(np.zeros(every.size, np.int64), seed)
        ]
    )
    return _middle(drawn, np.minimum(first.n_groups, second.n_groups))[0]


def _spread(shares: Shares, every: NDArray[np.str_]) -> Shares:
    place = np.searchsorted(every, shares.names)
    hits = np.zeros((every.size, shares.hits.shape[1]))
    counts = np.zeros_like(hits)
    hits[place], counts[place] = shares.hits, shares.counts
    return Shares(every, hits, counts)


def _weights(sides: NDArray[np.int64], seed: int) -> Iterator[NDArray[np.float64]]:
    """Draw how often each group occurs, within each side, in parts of some resamples."""
    rng = np.random.default_rng(seed)
    for _ in range(RESAMPLES // _AT_ONCE):
        weights = np.zeros((_AT_ONCE, sides.size))
        for side in np.unique(sides):
            mine = np.flatnonzero(sides == side)
            even = np.full(mine.size, 1 / mine.size)
            weights[:, mine] = rng.multinomial(mine.size, even, _AT_ONCE)
        yield weights


def _ratio(hits: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.divide(hits, counts, out=np.full(hits.shape, np.nan), where=counts > 0))


def _middle(drawn: NDArray[np.float64], n_groups: NDArray[np.int64]) -> list[Pair | None]:
    spans: list[Pair | None] = []
    for column, n in zip(drawn.T, n_groups, strict=True):
        known = column[np.isfinite(column)]
        if n < MIN_GROUPS or not known.size:
            spans.append(None)
            continue
        low, high = np.quantile(known, (0.025, 0.975))
        spans.append((float(low), float(high)))
    return spans


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
