"""The trees of a packed forest as nodes of eight bytes, and the compiled walk through them.

What costs time in a walk is waiting for memory and the number of instructions a step. So a node is
one word (feature, left child, threshold), the right child stands beside the left one, a tree is
read once from end to end before it is walked, and several pixels walk in lockstep without a branch.
Thresholds and features are compared as integers in the order of their floats: that takes fewer
instructions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit  # type: ignore[import-untyped, unused-ignore]
from numpy.typing import NDArray

LANES = 8
"""Pixels walked in lockstep: more hide more waiting, but all wait for the deepest."""
MOST_FEATURES = 255
"""Features that fit into a node's eight bits, beside one number for impure leaves."""
MOST_NODES = 1 << 24
"""Nodes of one tree that fit into a node's 24 bits."""
_WORDS_OF_A_LINE = 8
_FEATURE_SHIFT = np.uint64(56)
_LEFT_SHIFT = np.uint64(32)
_LEFT_MASK = np.uint64(0xFFFFFF)
_NEVER = np.uint32(0xFFFFFFFF)
"""Threshold of leaves: no key of a finite number is above."""


class Nodes(NamedTuple):
    """The nodes of a forest in the order they are walked in: tree by tree, level by level."""

    words: NDArray[np.uint64]
    """One word a node, (N,): feature << 56 | left child << 32 | key of the threshold. A leaf is
    its own left child under a threshold that nothing exceeds, and its feature is the column of its
    class, or K where it is impure."""
    leaf: NDArray[np.int32]
    """Row of the table of probabilities at leaves, -1 elsewhere, (N,)."""


def fits(n_features: int, n_classes: int, offsets: NDArray[np.int64]) -> bool:
    """Tell whether a forest's numbers fit into nodes of eight bytes."""
    return max(n_features, n_classes + 1) <= MOST_FEATURES and int(np.diff(offsets).max()) <= (
        MOST_NODES
    )


def keys_of(features: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.uint32]:
    """Turn features into integers of the same order.

    Args:
        features: Finite features, (n, d).
        shape: Rows and columns that are wanted; what is added is 0.

    Returns:
        uint32: x ≤ y exactly if the key of x is not above that of y, also for -0 and 0.
    """
    keys = (np.empty if shape == features.shape else np.zeros)(shape, dtype=np.uint32)
    _write_keys(features.view(np.int32), keys)
    return keys


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _write_keys(features, keys):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    minus_zero = np.int32(-(2**31))
    for row in range(features.shape[0]):
        for column in range(features.shape[1]):
            bits = features[row, column]
            if bits == minus_zero:
                bits = np.int32(0)
            # Positive floats are ordered as their bits are, negative ones the other way round.
            keys[row, column] = np.uint32(bits ^ ((bits >> np.int32(31)) | minus_zero))


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
        threshold: Values up to and including this go left, finite.
        children: Left and right child, counted from the first node of the tree.
        leaf: Row of the table of probabilities at leaves, -1 elsewhere.
        n_classes: Number of classes; the first rows of the table are theirs.
    """
    words = np.empty(feature.size, dtype=np.uint64)
    rows = np.empty(feature.size, dtype=np.int32)
    keys = keys_of(threshold[:, np.newaxis], (threshold.size, 1))[:, 0]
    _lay_out(offsets, feature, keys, children, leaf, n_classes, words, rows)
    return Nodes(words, rows)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _lay_out(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    offsets, feature, keys, children, leaf, n_classes, words, rows
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
                words[new] = _word(min(row, n_classes), place, _NEVER)
                continue
            words[new] = _word(feature[old], n_placed, keys[old])
            source[n_placed] = children[old, 0]
            source[n_placed + 1] = children[old, 1]
            n_placed += 2


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _word(feature, left, key):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    upper = (np.uint64(feature) << _FEATURE_SHIFT) | (np.uint64(left) << _LEFT_SHIFT)
    return upper | np.uint64(key)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def walk(  # pragma: no cover - compiled
    keys: NDArray[np.uint32],
    offsets: NDArray[np.int64],
    words: NDArray[np.uint64],
    rows: NDArray[np.int32],
    table: NDArray[np.float64],
    total: NDArray[np.float64],
) -> np.uint64:
    """Add the class probabilities of every tree, in the order of the trees.

    That order makes the float64 sums round as scikit-learn's do. Nothing is checked here: the
    arrays come out of a ``PackedForest``, whose indices are.

    Args:
        keys: Keys of the features, (n, w), n a multiple of ``LANES``; w at least the number of
            classes + 1, since a leaf compares the column of its own class.
        offsets: First node of each tree, then the number of nodes.
        words: Nodes.
        rows: Row of ``table`` at leaves.
        table: Class probabilities of leaves, (M, K), the first K rows the identity.
        total: Sums, (n, K), added to in place.

    Returns:
        A number without meaning, which keeps the reading ahead from being optimised away.
    """
    n_classes = total.shape[1]
    width = np.uint64(keys.shape[1])
    flat = keys.reshape(keys.size)
    ends = np.empty(LANES, dtype=np.uint64)
    seen = np.uint64(0)
    for tree in range(offsets.size - 1):
        own = words[offsets[tree] : offsets[tree + 1]]
        own_rows = rows[offsets[tree] : offsets[tree + 1]]
        # In order, the tree comes into the cache at the speed of memory; by the walk's own
        # jumps it would come a line at a time, each waited for.
        for word in range(0, own.size, _WORDS_OF_A_LINE):
            seen ^= own[np.uint64(word)]
        for start in range(0, keys.shape[0], LANES):
            _arrive(own, flat, np.uint64(start) * width, width, ends)
            for lane in range(LANES):
                at = ends[np.uint64(lane)]
                row = np.int64(own[at] >> _FEATURE_SHIFT)
                if row < n_classes:
                    total[start + lane, row] += 1.0
                else:
                    row = np.int64(own_rows[at])
                    for column in range(n_classes):
                        total[start + lane, column] += table[row, column]
    return seen


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _arrive(own, flat, r0, width, ends):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Walk ``LANES`` pixels from the root to their leaves.

    Their places are variables, not an array, since only these stay in registers.
    """
    r1 = r0 + width
    r2 = r1 + width
    r3 = r2 + width
    r4 = r3 + width
    r5 = r4 + width
    r6 = r5 + width
    r7 = r6 + width
    a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = np.uint64(0)
    moved = np.uint64(1)
    while moved != np.uint64(0):
        # Whether all have arrived is asked after every second step only; those that have step
        # onto themselves meanwhile.
        b0, b1 = _step(own, flat, r0, a0), _step(own, flat, r1, a1)
        b2, b3 = _step(own, flat, r2, a2), _step(own, flat, r3, a3)
        b4, b5 = _step(own, flat, r4, a4), _step(own, flat, r5, a5)
        b6, b7 = _step(own, flat, r6, a6), _step(own, flat, r7, a7)
        a0, a1 = _step(own, flat, r0, b0), _step(own, flat, r1, b1)
        a2, a3 = _step(own, flat, r2, b2), _step(own, flat, r3, b3)
        a4, a5 = _step(own, flat, r4, b4), _step(own, flat, r5, b5)
        a6, a7 = _step(own, flat, r6, b6), _step(own, flat, r7, b7)
        moved = (a0 ^ b0) | (a1 ^ b1) | (a2 ^ b2) | (a3 ^ b3)
        moved |= (a4 ^ b4) | (a5 ^ b5) | (a6 ^ b6) | (a7 ^ b7)
    ends[np.uint64(0)], ends[np.uint64(1)], ends[np.uint64(2)], ends[np.uint64(3)] = a0, a1, a2, a3
    ends[np.uint64(4)], ends[np.uint64(5)], ends[np.uint64(6)], ends[np.uint64(7)] = a4, a5, a6, a7


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator, unused-ignore]
def _step(own, flat, row, at):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    # Unsigned numbers throughout: a signed index costs a test for negative ones.
    word = own[at]
    key = flat[row + (word >> _FEATURE_SHIFT)]
    return ((word >> _LEFT_SHIFT) & _LEFT_MASK) + np.uint64(key > np.uint32(word))
