"""Sets of classes that hold the true one with a stated share: split conformal prediction.

The score of a sample is 1 - the probability of its class (LAC: Sadinle, Lei & Wasserman 2019,
JASA 114, 223-234). Samples of a group resemble each other, so a group counts as one: its samples
share its weight (Dunn, Wasserman & Ramdas 2023, JASA 118, 2491-2502), and what is promised holds
for a random pixel of a new group of the same kind as those that were held out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from landcover.errors import InputError

Probabilities = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of held-out samples, m of them."""

    score: NDArray[np.float64]
    """1 - probability of the true class, ascending, (m,); infinite where the model does not know
    the class."""
    share: NDArray[np.float64]
    """Weight of all samples up to each one, (m,), below 1 at the end: G groups weigh G / (G+1)."""

    def threshold(self, coverage: float) -> float:
        """Find the largest score of a class that stays in a set.

        Args:
            coverage: Share of pixels whose class shall be in their set, within 0 … 1.

        Returns:
            The threshold; infinite where there are too few groups to promise this much.
        """
        # Sums of weights may miss a share that they reach by the last bit.
        place = int(np.searchsorted(self.share, coverage - 1e-12))
        return float(self.score[place]) if place < self.score.size else float("inf")


def conformal_scores(
    probabilities: Probabilities, classes: ArrayLike, codes: ArrayLike, groups: ArrayLike
) -> Scores:
    """Score held-out samples.

    Args:
        probabilities: Class probabilities of each sample, float64, (n, K).
        classes: Codes of the columns, ascending, (K,).
        codes: True class of each sample, (n,).
        groups: Group of each sample, (n,).

    Returns:
        The scores.

    Raises:
        InputError: There is no sample.
    """
    score = _scores(probabilities, np.asarray(classes), np.asarray(codes))
    if not score.size:
        raise InputError("Class sets need samples that were held out of training; none was.")
    weight = _weights(np.asarray(groups), spare=1)
    order = np.argsort(score, kind="stable")
    return Scores(score[order], np.cumsum(weight[order]))


def is_plausible(probabilities: Probabilities, threshold: float) -> NDArray[np.bool_]:
    """Tell which classes stay in the set of each pixel; the likeliest one always does.

    Args:
        probabilities: Class probabilities, float64, (n, K).
        threshold: Largest score that stays.

    Returns:
        bool, (n, K), at least one per row.
    """
    stays = 1 - probabilities <= threshold
    stays[np.arange(len(stays)), probabilities.argmax(axis=1)] = True
    return stays


@dataclass(frozen=True)
class Coverage:
    """How often sets held the true class in groups that had no part in their threshold."""

    stated: float
    """Share that was asked for."""
    mean: float
    """Share that was found, mean over the repeats; groups count the same."""
    lowest: float
    """The least of the repeats."""
    highest: float
    """The greatest of the repeats."""
    size: float
    """Mean number of classes in a set."""
    by_class: dict[int, float]
    """Class code → share of its samples, over all repeats."""


def check_coverage(
    probabilities: Probabilities,
    classes: ArrayLike,
    codes: ArrayLike,
    groups: ArrayLike,
    *,
    coverage: float,
    repeats: int = 20,
    seed: int = 0,
) -> Coverage:
    """Measure coverage: half of the held-out groups set the threshold, the others are looked at.

    Args:
        probabilities: As of :func:`conformal_scores`.
        classes: Codes of the columns.
        codes: True classes.
        groups: Groups, at least two different ones.
        coverage: Share to ask for.
        repeats: Random halves.
        seed: Seed of the halves.

    Raises:
        InputError: There are fewer than two groups.
    """
    known, code = np.asarray(classes), np.asarray(codes)
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    n_groups = int(group.max(initial=-1)) + 1
    if n_groups < 2:
        raise InputError(f"Coverage: expected at least two held-out groups, found {n_groups}.")
    rng = np.random.default_rng(seed)
    column = np.minimum(np.searchsorted(known, code), known.size - 1)
    found, sizes = [], []
    hits = dict.fromkeys(np.unique(code).tolist(), 0)
    seen = dict.fromkeys(hits, 0)
    for _ in range(repeats):
        is_test = (rng.permutation(n_groups) < (n_groups + 1) // 2)[group]
        scores = conformal_scores(probabilities[~is_test], known, code[~is_test], group[~is_test])
        stays = is_plausible(probabilities[is_test], scores.threshold(coverage))
        mine, own = code[is_test], column[is_test]
        holds = stays[np.arange(len(stays)), own] & (known[own] == mine)
        weight = _weights(group[is_test])
        found.append(float(weight @ holds))
        sizes.append(float(weight @ stays.sum(axis=1)))
        for one in hits:
            hits[one] += int(holds[mine == one].sum())
            seen[one] += int((mine == one).sum())
    return Coverage(
        stated=coverage,
        mean=float(np.mean(found)),
        lowest=min(found),
        highest=max(found),
        size=float(np.mean(sizes)),
        by_class={one: hits[one] / seen[one] for one in hits if seen[one]},
    )


def _scores(
    probabilities: Probabilities, classes: NDArray[np.integer], codes: NDArray[np.integer]
) -> NDArray[np.float64]:
    column = np.minimum(np.searchsorted(classes, codes), classes.size - 1)
    score = 1 - probabilities[np.arange(len(codes)), column]
    return np.where(classes[column] == codes, score, np.inf)


def _weights(groups: NDArray[np.generic], spare: int = 0) -> NDArray[np.float64]:
    """Share a weight of 1 among the groups and ``spare`` more, and that of a group in itself."""
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    return np.asarray(1 / (sizes[group] * (sizes.size + spare)))
