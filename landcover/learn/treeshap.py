"""Shapley values of a forest's class probabilities: what each feature adds to each class.

The path-dependent values of TreeSHAP (Lundberg et al. 2020): a feature that is not known sends a
row down both branches, by the shares of training rows that went there. Where TreeSHAP unwinds sums
over subsets, Owen's multilinear extension (1972) is integrated here: a leaf whose path asks for m
features contributes to feature i

    v · (o_i - z_i) · ∫₀¹ Π_{j≠i} (o_j t + z_j (1 - t)) dt,

o_j = 1 where the row passes all questions about j on that path, else 0, and z_j the share of
training rows that pass them. The integrand is a polynomial of degree m - 1, so Gauss-Legendre
with ⌈m/2⌉ points is exact, and no two large numbers are subtracted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from landcover.compiled import compiled
from landcover.errors import InputError
from landcover.learn.forest import PackedForest

Floats = NDArray[np.float64]
LEAST_SHARE = 1e-9
"""Share of a branch that no training row took: a share of 0 could not be divided out."""
BLOCK = 8
"""Rows between two looks at the clock."""


class Contributions(NamedTuple):
    """Shapley values of some rows."""

    values: Floats
    """What each feature adds to the probability of each class, (n, d, K)."""
    expected: Floats
    """Probability of each class when no feature is known, (K,); it and the values of a row sum to
    the row's probabilities."""


def count_covers(forest: PackedForest, rows: NDArray[np.float32]) -> NDArray[np.int64]:
    """Count the rows that pass each node of a forest.

    A packed forest does not keep what its fit counted. The rows of the fit give the same shares as
    the fit where every tree saw every row once (no bootstrap, no weights); with bootstrap they are
    the shares of all rows instead of each tree's own draw.

    Args:
        forest: The forest.
        rows: Finite features in its order, float32, (n, d): the rows it was fitted on.

    Returns:
        Rows at each node, int64, (N,).
    """
    _require_rows(forest, rows)
    found = np.zeros(forest.feature.size, dtype=np.int64)
    _count(
        np.ascontiguousarray(rows),
        forest.tree_offsets,
        forest.feature,
        forest.threshold,
        forest.children,
        forest.leaf,
        found,
    )
    return found


def tree_shap(
    forest: PackedForest,
    covers: NDArray[np.int64],
    rows: NDArray[np.float32],
    *,
    threads: int = 1,
    progress: Callable[[float, float], None] | None = None,
) -> Contributions:
    """Compute the Shapley values of a forest's class probabilities.

    Args:
        forest: The forest.
        covers: Rows at each node, of :func:`count_covers`.
        rows: Finite features in the forest's order, float32, (n, d).
        threads: Threads that share the rows; their number changes no value.
        progress: Is told the share that is done, 0-1, and the seconds that are left.

    Returns:
        The values; their memory is 8 · n · d · K bytes.

    Raises:
        InputError: Rows or covers do not fit the forest.
    """
    _require_rows(forest, rows)
    if covers.shape != forest.feature.shape or covers.min() < 0:
        raise InputError(
            f"Explanation: expected a count for each of {forest.feature.size} nodes, found "
            f"{covers.shape}."
        )
    shares = _shares(forest, covers)
    n, d, k = len(rows), len(forest.feature_names), forest.classes.size
    depth, most = _extent(forest.tree_offsets, forest.feature, forest.children, forest.leaf, d)
    points, weights = _quadrature(most)
    trees = forest.tree_offsets, forest.feature, forest.threshold, forest.children, forest.leaf
    values = np.zeros((n, d, k))

    def explain(first: int) -> int:
        part = slice(first, first + BLOCK)
        table, here = forest.leaf_probabilities, np.ascontiguousarray(rows[part])
        _explain(here, *trees, table, shares, points, weights, depth, values[part])
        return len(here)

    started, done = time.monotonic(), 0
    with ThreadPoolExecutor(threads) as pool:
        for count in pool.map(explain, range(0, n, BLOCK)):
            done += count
            if progress is not None:
                progress(done / n, (time.monotonic() - started) * (n - done) / done)
    expected = np.zeros(k)
    _expect(*trees[:1], *trees[3:], forest.leaf_probabilities, shares, expected)
    return Contributions(values / forest.n_trees, expected / forest.n_trees)


def _require_rows(forest: PackedForest, rows: NDArray[np.float32]) -> None:
    d = len(forest.feature_names)
    if rows.ndim != 2 or rows.shape[1] != d or rows.dtype != np.float32:
        raise InputError(
            f"Explanation: expected float32 rows (n, {d}), found {rows.dtype} {rows.shape}."
        )
    if not np.isfinite(rows).all():
        raise InputError("Explanation: a row has a feature that is not finite; leave it out.")


def _shares(forest: PackedForest, covers: NDArray[np.int64]) -> Floats:
    """Give the share of its parent's rows that each node gets, (N,); 1 at the roots."""
    shares = np.ones(forest.feature.size)
    size = np.diff(forest.tree_offsets)
    below = np.repeat(forest.tree_offsets[:-1], size)[:, None] + forest.children
    inner = np.flatnonzero(forest.leaf < 0)
    parents = covers[inner]
    for side in (0, 1):
        children = below[inner, side]
        # Where nobody came by, both branches are as likely.
        share = np.where(parents > 0, covers[children] / np.maximum(parents, 1), 0.5)
        shares[children] = np.maximum(share, LEAST_SHARE)
    return shares


def _quadrature(most: int) -> tuple[Floats, Floats]:
    """Give points and weights that integrate polynomials of degree ``most`` - 1 over 0-1."""
    points, weights = np.polynomial.legendre.leggauss(max(1, -(-most // 2)))
    return (points + 1) / 2, weights / 2


@compiled()
def _count(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    rows, offsets, feature, threshold, children, leaf, found
):
    for tree in range(offsets.size - 1):
        first = offsets[tree]
        for row in range(rows.shape[0]):
            node = first
            found[node] += 1
            while leaf[node] < 0:
                side = 1 if rows[row, feature[node]] > threshold[node] else 0
                node = first + children[node, side]
                found[node] += 1


@compiled()
def _extent(offsets, feature, children, leaf, n_features):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Give the deepest level, and the most different features that one path asks for."""
    deepest = 0
    most = 0
    parent = np.zeros(feature.size, dtype=np.int64)
    seen = np.full(n_features, -1, dtype=np.int64)
    for tree in range(offsets.size - 1):
        first = offsets[tree]
        # Children stand behind their parent, so a leaf finds its whole way up.
        for node in range(first, offsets[tree + 1]):
            if leaf[node] < 0:
                parent[first + children[node, 0]] = node
                parent[first + children[node, 1]] = node
                continue
            depth = 0
            different = 0
            above = node
            while above > first:
                above = parent[above]
                depth += 1
                if seen[feature[above]] != node:
                    seen[feature[above]] = node
                    different += 1
            deepest = max(deepest, depth)
            most = max(most, different)
    return deepest, most


@compiled()
def _expect(offsets, children, leaf, table, shares, expected):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Add the answer of every leaf, weighed by the share of rows that reach it."""
    chance = shares.copy()
    for tree in range(offsets.size - 1):
        first = offsets[tree]
        for node in range(first, offsets[tree + 1]):
            if leaf[node] >= 0:
                for k in range(table.shape[1]):
                    expected[k] += chance[node] * table[leaf[node], k]
                continue
            chance[first + children[node, 0]] *= chance[node]
            chance[first + children[node, 1]] *= chance[node]


@compiled()
def _explain(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    rows, offsets, feature, threshold, children, leaf, table, shares, points, weights, deepest,
    values,
):  # fmt: skip
    """Walk every path of every tree for every row, and add what its leaf gives each feature.

    By level of the path below the root: ``asked`` is the feature of the edge into the level,
    ``share`` and ``passes`` what holds for that feature along the whole path so far, ``before``
    the earlier level of the same feature, which this one supersedes, ``inverse`` 1 over its
    factor at each point. ``product`` holds the product of all factors, ``last`` the level that
    counts for a feature.
    """
    n_points, n_classes = points.size, table.shape[1]
    away = 1.0 - points
    product = np.empty((deepest + 1, n_points))
    inverse = np.empty((deepest + 1, n_points))
    share = np.empty(deepest + 1)
    passes = np.empty(deepest + 1, dtype=np.bool_)
    asked = np.empty(deepest + 1, dtype=np.int64)
    before = np.empty(deepest + 1, dtype=np.int64)
    last = np.zeros(rows.shape[1], dtype=np.int64)
    stack = np.empty((2 * deepest + 2, 3), dtype=np.int64)
    unknown = weights / away
    weighted = np.empty(n_points)
    for row in range(rows.shape[0]):
        for tree in range(offsets.size - 1):
            first = offsets[tree]
            last[:] = 0
            product[0, :] = 1.0
            inverse[0, :] = 1.0
            stack[0, 0], stack[0, 1], stack[0, 2] = first, 0, -1
            height = 1
            reached = 0
            while height > 0:
                height -= 1
                node, level, parent = stack[height, 0], stack[height, 1], stack[height, 2]
                while reached >= max(level, 1):
                    last[asked[reached]] = before[reached]
                    reached -= 1
                if level > 0:
                    # Edge into the node.
                    name = feature[parent]
                    is_left = node == first + children[parent, 0]
                    goes_left = rows[row, name] <= threshold[parent]
                    earlier = last[name]
                    z = shares[node]
                    o = is_left == goes_left
                    if earlier > 0:
                        z *= share[earlier]
                        o = o and passes[earlier]
                    asked[level], before[level] = name, earlier
                    share[level], passes[level] = z, o
                    last[name] = level
                    reached = level
                    part = 1.0 if o else 0.0
                    above, here = product[level - 1], product[level]
                    past, own = inverse[earlier], inverse[level]
                    for q in range(n_points):
                        factor = part * points[q] + z * away[q]
                        here[q] = above[q] * past[q] * factor
                        own[q] = 1.0 / factor
                if leaf[node] < 0:
                    for side in range(2):
                        stack[height, 0] = first + children[node, side]
                        stack[height, 1] = level + 1
                        stack[height, 2] = node
                        height += 1
                    continue
                answer = leaf[node]
                out = 0.0
                whole = product[level]
                for q in range(n_points):
                    out -= unknown[q] * whole[q]
                    weighted[q] = weights[q] * whole[q]
                for step in range(1, level + 1):
                    name = asked[step]
                    if last[name] != step:
                        continue
                    amount = out
                    if passes[step]:
                        amount = 0.0
                        own = inverse[step]
                        for q in range(n_points):
                            amount += weighted[q] * own[q]
                        amount *= 1.0 - share[step]
                    if answer < n_classes:
                        values[row, name, answer] += amount
                    else:
                        for k in range(n_classes):
                            values[row, name, k] += amount * table[answer, k]
