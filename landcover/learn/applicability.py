"""Where a model may be used: pixels that resemble what it was trained on.

Area of applicability of Meyer & Pebesma 2021 (Methods in Ecology and Evolution 12, 1620-1633):
features are standardised and weighed by their importance; a pixel is outside where its nearest
training sample is farther than those of other folds are from each other, outliers set aside. In
place of all samples stands a bounded number of them, drawn from all groups in turn.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from landcover.compiled import compiled
from landcover.errors import InputError
from landcover.learn.resemblance import References, are_far, make_references

FOLDS = 5
"""Folds of groups between which the training samples' own distances are measured."""
REFERENCES = 1000
"""Most samples that a pixel is compared with."""
MEASURED = 5000
"""Most samples whose distance to the references of other folds sets the threshold."""
PAIRS = 200_000
"""Pairs of samples whose mean distance is the unit of the dissimilarity index."""
_STEP = 8
"""Columns between two looks whether a sample is too far already."""


@dataclass(frozen=True, eq=False)
class Applicability:
    """What pixels are compared with; d features of the model, R references, c columns."""

    centre: NDArray[np.float32]
    """Mean of each feature among the training rows, (d,)."""
    factor: NDArray[np.float32]
    """Importance of a feature over its standard deviation, (d,), 0 where it plays no part."""
    order: NDArray[np.int32]
    """Features that play a part, those of greatest importance first, (c,)."""
    references: NDArray[np.float32]
    """Samples in that space and order, (R, c)."""
    threshold: np.float32
    """Squared distance from the nearest reference beyond which a pixel is outside."""
    unit: float
    """Mean distance of two training samples: the dissimilarity index is distance / unit."""
    outside: float
    """Share of the training samples measured that are outside of the other folds."""

    @cached_property
    def made_ready(self) -> References:
        """What every pixel is compared with, laid out for that; the same samples."""
        order = self.order
        return make_references(
            order, self.centre[order], self.factor[order], self.references, self.threshold
        )

    @property
    def index_threshold(self) -> float:
        """Dissimilarity index beyond which a pixel is outside."""
        return float(np.sqrt(self.threshold)) / self.unit


def fit_applicability(
    features: NDArray[np.float32],
    groups: ArrayLike,
    importance: ArrayLike | None = None,
    *,
    seed: int = 0,
) -> Applicability:
    """Learn what training samples look like.

    Args:
        features: Features of the training rows, finite, float32, (n, d).
        groups: Group of each row, (n,), at least two different ones.
        importance: Importance of each feature, (d,), not negative; all the same where None.
        seed: Seed of the folds and of the samples that are compared.

    Returns:
        References and threshold: the 75th percentile of the samples' distances to other folds
        plus 1.5 times their interquartile range, or the largest of them if that is less.

    Raises:
        InputError: There are fewer than two groups, or all rows are the same.
    """
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    n_groups = int(group.max(initial=-1)) + 1
    if n_groups < 2:
        raise InputError(
            f"Applicability: expected at least two groups of samples, found {n_groups}; give more "
            "labels."
        )
    rng = np.random.default_rng(seed)
    fold, turns = _folds_and_turns(group, rng)
    centre = features.mean(axis=0, dtype=np.float64)
    spread = features.std(axis=0, dtype=np.float64)
    weight = np.ones(len(centre)) if importance is None else np.asarray(importance, np.float64)
    if not np.any(weight * spread):
        weight = np.ones(len(centre))
    factor = np.divide(weight, spread, out=np.zeros(len(centre)), where=spread > 0)
    order = np.argsort(-weight * (factor > 0), kind="stable")[: np.count_nonzero(factor)]
    if not order.size:
        raise InputError("Applicability: all training samples are the same; give more labels.")
    arrays = centre.astype(np.float32), factor.astype(np.float32), order.astype(np.int32)
    placed = _place(features[turns[:MEASURED]], *arrays)
    own = fold[turns[:MEASURED]]
    references, theirs = placed[:REFERENCES], own[:REFERENCES]
    distances = np.sqrt(_nearest(placed, own, references, theirs).astype(np.float64))
    low, high = np.quantile(distances, (0.25, 0.75))
    limit = min(high + 1.5 * (high - low), float(distances.max()))
    one, other = rng.integers(0, len(placed), (2, PAIRS))
    unit = float(np.sqrt(((placed[one] - placed[other]) ** 2).sum(axis=1, dtype=np.float64)).mean())
    return Applicability(
        *arrays,
        references=references,
        threshold=np.float32(limit**2),
        unit=unit,
        outside=float((distances > limit).mean()),
    )


def is_outside(applicability: Applicability, features: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell which pixels resemble no training sample.

    A pixel's answer depends on nothing but its own features.

    Args:
        applicability: What they are compared with.
        features: Finite features in the model's order, float32, (n, d).

    Returns:
        True where the nearest reference is farther than the threshold, bool, (n,).
    """
    return are_far(applicability.made_ready, features)


def outside_of_others(
    applicability: Applicability,
    features: NDArray[np.float32],
    groups: ArrayLike,
    *,
    seed: int = 0,
) -> NDArray[np.bool_]:
    """Tell which training rows resemble no training sample of another fold of groups.

    What trained is like itself, so it is compared with others only.

    Args:
        applicability: Of :func:`fit_applicability` on the same rows, groups and seed.
        features: Features of the training rows, finite, float32, (n, d).
        groups: Group of each row, (n,).
        seed: Seed of that fit.

    Returns:
        True where the nearest reference of another fold is farther than the threshold, (n,).
    """
    known = applicability
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    fold, turns = _folds_and_turns(group, np.random.default_rng(seed))
    placed = _place(features, known.centre, known.factor, known.order)
    theirs = fold[turns[:REFERENCES]]
    return np.asarray(_nearest(placed, fold, known.references, theirs) > known.threshold)


def dissimilarity(
    applicability: Applicability, features: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Measure how unlike all training samples pixels are.

    Args:
        applicability: What they are compared with.
        features: Finite features in the model's order, float32, (n, d).

    Returns:
        Dissimilarity index (Meyer & Pebesma 2021, eq. 4): distance from the nearest reference over
        the mean distance of two training samples, float64, (n,), not negative. A pixel beyond
        ``index_threshold`` is outside.
    """
    known = applicability
    placed = _place(features, known.centre, known.factor, known.order)
    strangers = np.full(len(placed), -1, np.int64)
    theirs = np.zeros(len(known.references), np.int64)
    nearest = _nearest(placed, strangers, known.references, theirs)
    return np.asarray(np.sqrt(nearest.astype(np.float64)) / known.unit)


def _folds_and_turns(
    group: NDArray[np.intp], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Deal groups to folds, and order rows so that every group gives one before any a second."""
    fold = (rng.permutation(int(group.max()) + 1) % FOLDS)[group]
    return fold, _in_turns(group, rng)


def _in_turns(group: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.intp]:
    """Order rows so that every group gives one row before any gives a second."""
    draw = rng.random(group.size)
    by_group = np.lexsort((draw, group))
    starts = np.flatnonzero(np.diff(group[by_group], prepend=-1))
    sizes = np.diff(np.append(starts, group.size))
    turn = np.empty(group.size, dtype=np.intp)
    turn[by_group] = np.arange(group.size) - np.repeat(starts, sizes)
    return np.lexsort((draw, turn))


def _place(
    features: NDArray[np.float32],
    centre: NDArray[np.float32],
    factor: NDArray[np.float32],
    order: NDArray[np.int32],
) -> NDArray[np.float32]:
    return np.ascontiguousarray((features[:, order] - centre[order]) * factor[order])


@compiled()
def _nearest(  # pragma: no cover - compiled
    rows: NDArray[np.float32],
    own: NDArray[np.int64],
    references: NDArray[np.float32],
    theirs: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Find the squared distance of each row to the nearest reference of another fold."""
    found = np.empty(rows.shape[0], dtype=np.float32)
    width = references.shape[1]
    for row in range(rows.shape[0]):
        best = np.float32(np.inf)
        for reference in range(references.shape[0]):
            if theirs[reference] == own[row]:
                continue
            total = np.float32(0)
            column = 0
            while column < width and total < best:
                for c in range(column, min(column + _STEP, width)):
                    difference = rows[row, c] - references[reference, c]
                    total += difference * difference
                column += _STEP
            best = min(best, total)
        found[row] = best
    return found
