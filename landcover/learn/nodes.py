"""The trees of a packed forest as nodes of eight bytes, and the compiled walk through them.

What costs time in a walk is waiting for memory. So a node is one word pair in one cache line
(threshold; feature and left child), the right child stands beside the left one, a tree is read
once from end to end before it is walked, and several pixels walk in lockstep without a branch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit  # type: ignore[import-untyped, unused-ignore]
from numpy.typing import NDArray

LANES = 12
"""Pixels walked in lockstep: more hide more waiting, until their places leave the registers."""
MOST_FEATURES = 255
"""Features that fit into a node's eight bits, beside one number for impure leaves."""
MOST_NODES = 1 << 24
"""Nodes of one tree that fit into a node's 24 bits."""
_WORDS_OF_A_LINE = 16
_FEATURE_SHIFT = np.uint32(24)
_LEFT_MASK = np.uint32(0xFFFFFF)
_ONE = np.uint64(1)


class Nodes(NamedTuple):
    """The nodes of a forest in the order they are walked in: tree by tree, level by level."""

    words: NDArray[np.uint32]
    """Two words a node, (2N,): the bits of the float32 threshold; feature << 24 | left child. A
    leaf is its own left child under a threshold of infinity, and its feature is the column of its
    class, or K where it is impure."""
    leaf: NDArray[np.int32]
    """Row of the table of probabilities at leaves, -1 elsewhere, (N,)."""


def fits(n_features: int, n_classes: int, offsets: NDArray[np.int64]) -> bool:
    """Tell whether a forest's numbers fit into nodes of eight bytes."""
    return max(n_features, n_classes + 1) <= MOST_FEATURES and int(np.diff(offsets).max()) <= (
        MOST_NODES
    )


def lay_out(
    offsets: NDArray[np.int64],
    feature: NDArray[np.int16],
    threshold: NDArray[np.float32],
    children: NDArray[np.int32],
    leaf: NDArray[np.int32],
    n_classes: int,
) -> Nodes:
    """Arrange checked trees for the walk.

    Args:
        offsets: First node of each tree, then the number of nodes.
        feature: Feature that a node asks for.
        threshold: Values up to and including this go left.
        children: Left and right child, counted from the first node of the tree.
        leaf: Row of the table of probabilities at leaves, -1 elsewhere.
        n_classes: Number of classes; the first rows of the table are theirs.
    """
    words = np.zeros(2 * feature.size, dtype=np.uint32)
    rows = np.empty(feature.size, dtype=np.int32)
    _lay_out(
        offsets, feature, threshold, children, leaf, n_classes, words, words.view(np.float32), rows
    )
    return Nodes(words, rows)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _lay_out(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    offsets, feature, threshold, children, leaf, n_classes, words, thresholds, rows
):
    for tree in range(offsets.size - 1):
        first = offsets[tree]
        size = offsets[tree + 1] - first
        source = np.empty(size, dtype=np.int32)
        source[0] = 0
        n_placed = 1
        for place in range(size):
            old, new = first + source[place], first + place
            row = leaf[old]
            rows[new] = row
            if row >= 0:
                thresholds[2 * new] = np.inf
                words[2 * new + 1] = (min(row, n_classes) << 24) | place
                continue
            thresholds[2 * new] = threshold[old]
            words[2 * new + 1] = (np.int64(feature[old]) << 24) | n_placed
            source[n_placed] = children[old, 0]
            source[n_placed + 1] = children[old, 1]
            n_placed += 2


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def walk(  # pragma: no cover - compiled
    features: NDArray[np.float32],
    offsets: NDArray[np.int64],
    words: NDArray[np.uint32],
    thresholds: NDArray[np.float32],
    rows: NDArray[np.int32],
    table: NDArray[np.float64],
    total: NDArray[np.float64],
) -> np.uint32:
    """Add the class probabilities of every tree, in the order of the trees.

    That order makes the float64 sums round as scikit-learn's do. Nothing is checked here: the
    arrays come out of a ``PackedForest``, whose indices are.

    Args:
        features: Finite features, (n, w), n a multiple of ``LANES``; w at least the number of
            classes + 1, since a leaf compares the column of its own class with infinity.
        offsets: First node of each tree, then the number of nodes.
        words: Nodes.
        thresholds: The same memory as float32.
        rows: Row of ``table`` at leaves.
        table: Class probabilities of leaves, (M, K), the first K rows the identity.
        total: Sums, (n, K), added to in place.

    Returns:
        A number without meaning, which keeps the reading ahead from being optimised away.
    """
    n_classes = total.shape[1]
    width = np.uint64(features.shape[1])
    flat = features.reshape(features.size)
    # Unsigned numbers throughout: a signed index costs a test for negative ones.
    node = np.empty(LANES, dtype=np.uint64)
    seen = np.uint32(0)
    for tree in range(offsets.size - 1):
        first, end = offsets[tree], offsets[tree + 1]
        own_words = words[2 * first : 2 * end]
        own_thresholds = thresholds[2 * first : 2 * end]
        own_rows = rows[first:end]
        # In order, the tree comes into the cache at the speed of memory; by the walk's own
        # jumps it would come a line at a time, each waited for.
        for word in range(0, own_words.size, _WORDS_OF_A_LINE):
            seen ^= own_words[np.uint64(word)]
        for start in range(0, features.shape[0], LANES):
            for lane in range(LANES):
                node[np.uint64(lane)] = np.uint64(0)
            origin = np.uint64(start) * width
            is_walking = True
            while is_walking:
                # Whether all have arrived is asked after every second step only; those that
                # have step onto themselves meanwhile.
                for lane in range(LANES):
                    at = node[np.uint64(lane)] << _ONE
                    word = own_words[at | _ONE]
                    value = flat[
                        origin + np.uint64(lane) * width + np.uint64(word >> _FEATURE_SHIFT)
                    ]
                    node[np.uint64(lane)] = np.uint64(word & _LEFT_MASK) + np.uint64(
                        value > own_thresholds[at]
                    )
                moved = np.uint64(0)
                for lane in range(LANES):
                    here = node[np.uint64(lane)]
                    at = here << _ONE
                    word = own_words[at | _ONE]
                    value = flat[
                        origin + np.uint64(lane) * width + np.uint64(word >> _FEATURE_SHIFT)
                    ]
                    there = np.uint64(word & _LEFT_MASK) + np.uint64(value > own_thresholds[at])
                    moved |= there ^ here
                    node[np.uint64(lane)] = there
                is_walking = moved != np.uint64(0)
            for lane in range(LANES):
                at = node[np.uint64(lane)]
                row = np.int64(own_words[(at << _ONE) | _ONE] >> _FEATURE_SHIFT)
                if row < n_classes:
                    total[start + lane, row] += 1.0
                else:
                    row = np.int64(own_rows[at])
                    for column in range(n_classes):
                        total[start + lane, column] += table[row, column]
    return seen
