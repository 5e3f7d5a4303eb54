"""The trees of a packed forest as nodes of eight bytes, and the compiled walk through them.

What costs time in a walk is waiting for memory and the number of instructions a step. So a node is
one word (feature, left child, threshold), the right child stands beside the left one, a tree is
read once from end to end before it is walked, and several pixels walk in lockstep without a branch.
The values of a feature stand side by side for those pixels, so that a pixel's place among them is a
constant of the compiled code and takes no register. Thresholds and features are compared as
integers in the order of their floats: that takes fewer instructions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from landcover.compiled import compiled

LANES = 16
"""Pixels walked in lockstep: more hide more waiting, but all wait for the deepest."""
MOST_FEATURES = 255
"""Features that fit into a node's eight bits, beside one number for impure leaves."""
MOST_NODES = (1 << 20) - 1
"""Nodes of one tree that fit, with a word left free, into the 20 bits of a left child."""
_WORDS_OF_A_LINE = 8
_FEATURE_SHIFT = np.uint64(56)
_VALUES_SHIFT = np.uint64(52)
"""What is left of a node is its feature times ``LANES``: bits 52 to 55 are 0."""
_LEFT_SHIFT = np.uint64(32)
_LEFT_MASK = np.uint64(0xFFFFF)
_NEVER = np.uint32(0xFFFFFFFF)
"""Threshold of leaves: no key of a finite number is above."""


class Nodes(NamedTuple):
    """The nodes of a forest in the order they are walked in.

    After a pair of children comes the pair of the child with more leaves below it, where most
    pixels go on: half the steps then end in the line of memory that they began in. A word that is
    never read follows each root, so that no pair lies in two lines.
    """

    words: NDArray[np.uint64]
    """One word a node, (N + T,): feature << 56 | left child << 32 | key of the threshold. A leaf
    is its own left child under a threshold that nothing exceeds, and its feature is the column of
    its class, or K where it is impure."""
    leaf: NDArray[np.int32]
    """Row of the table of probabilities at leaves, -1 elsewhere, (N + T,)."""
    offsets: NDArray[np.int64]
    """First word of each tree, then their number, (T + 1,)."""


def fits(n_features: int, n_classes: int, offsets: NDArray[np.int64]) -> bool:
    """Tell whether a forest's numbers fit into nodes of eight bytes."""
    return max(n_features, n_classes + 1) <= MOST_FEATURES and int(np.diff(offsets).max()) <= (
        MOST_NODES
    )


def keys_in_lanes(features: NDArray[np.float32], width: int) -> NDArray[np.uint32]:
    """Turn features into integers of the same order, ``LANES`` pixels side by side.

    Args:
        features: Finite features, (n, d), in rows or in columns.
        width: Features that are wanted, at least d.

    Returns:
        uint32, (⌈n / LANES⌉, width · LANES): feature j of pixel i of a group at j · LANES + i, 0
        where there is none. x ≤ y exactly if the key of x is not above that of y, also for -0 and
        0.
    """
    n, d = features.shape
    shape = -(-n // LANES), width * LANES
    keys = (np.empty if n == shape[0] * LANES and d == width else np.zeros)(shape, dtype=np.uint32)
    _write_keys(features.view(np.int32), keys)
    return keys


@compiled()
def _write_keys(features, keys):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    n, d = features.shape
    n_whole = n // LANES
    for group in range(n_whole):
        for column in range(d):
            for lane in range(LANES):
                value = features[group * LANES + lane, column]
                keys[group, column * LANES + lane] = _key(value)
    for pixel in range(n_whole * LANES, n):
        for column in range(d):
            keys[n_whole, column * LANES + pixel % LANES] = _key(features[pixel, column])


@compiled()
def _key(bits):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    minus_zero = np.int32(-(2**31))
    if bits == minus_zero:
        bits = np.int32(0)
    # Positive floats are ordered as their bits are, negative ones the other way round.
    return np.uint32(bits ^ ((bits >> np.int32(31)) | minus_zero))


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
    own = offsets + np.arange(offsets.size)
    words = np.zeros(own[-1], dtype=np.uint64)
    rows = np.full(own[-1], -1, dtype=np.int32)
    keys = threshold.view(np.int32)
    _lay_out(offsets, feature, keys, children, leaf, n_classes, own, words, rows)
    return Nodes(words, rows, own)


@compiled()
def _lay_out(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    offsets, feature, threshold, children, leaf, n_classes, own, words, rows
):
    for tree in range(offsets.size - 1):
        first, begin = offsets[tree], own[tree]
        size = offsets[tree + 1] - first
        n_leaves = np.ones(size, dtype=np.int64)
        for node in range(size - 1, -1, -1):
            if leaf[first + node] < 0:
                left, right = children[first + node]
                n_leaves[node] = n_leaves[left] + n_leaves[right]
        # Nodes to be placed and where: a node goes on the pile when its pair gets its place.
        pile, place = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64)
        pile[0], place[0], n_piled, n_placed = 0, 0, 1, 2
        while n_piled:
            n_piled -= 1
            node = pile[n_piled]
            old, new = first + node, begin + place[node]
            row = leaf[old]
            rows[new] = row
            if row >= 0:
                words[new] = _word(min(row, n_classes), place[node], _NEVER)
                continue
            words[new] = _word(feature[old], n_placed, _key(threshold[old]))
            left, right = children[old]
            place[left], place[right] = n_placed, n_placed + 1
            is_left_last = n_leaves[left] > n_leaves[right]
            pile[n_piled], pile[n_piled + 1] = (right, left) if is_left_last else (left, right)
            n_piled += 2
            n_placed += 2


@compiled()
def _word(feature, left, key):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    upper = (np.uint64(feature) << _FEATURE_SHIFT) | (np.uint64(left) << _LEFT_SHIFT)
    return upper | np.uint64(key)


@compiled()
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
        keys: Keys of the features as of :func:`keys_in_lanes`, of a width of at least the number
            of classes + 1, since a leaf compares the column of its own class.
        offsets: First node of each tree, then the number of nodes.
        words: Nodes.
        rows: Row of ``table`` at leaves.
        table: Class probabilities of leaves, (M, K), the first K rows the identity.
        total: Sums, (n, K), n a multiple of ``LANES``, added to in place.

    Returns:
        A number without meaning, which keeps the reading ahead from being optimised away.
    """
    n_classes = total.shape[1]
    ends = np.empty(LANES, dtype=np.uint64)
    seen = np.uint64(0)
    for tree in range(offsets.size - 1):
        own = words[offsets[tree] : offsets[tree + 1]]
        own_rows = rows[offsets[tree] : offsets[tree + 1]]
        # In order, the tree comes into the cache at the speed of memory; by the walk's own
        # jumps it would come a line at a time, each waited for.
        for word in range(0, own.size, _WORDS_OF_A_LINE):
            seen ^= own[np.uint64(word)]
        for group in range(keys.shape[0]):
            _arrive(own, keys[group], ends)
            for lane in range(LANES):
                at = ends[np.uint64(lane)]
                pixel = group * LANES + lane
                row = np.int64(own[at] >> _FEATURE_SHIFT)
                if row < n_classes:
                    total[pixel, row] += 1.0
                else:
                    row = np.int64(own_rows[at])
                    for column in range(n_classes):
                        total[pixel, column] += table[row, column]
    return seen


@compiled()
def _arrive(own, keys, ends):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Walk ``LANES`` pixels from the root to their leaves.

    Their places are variables, not an array, since only these stay in registers.
    """
    a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = np.uint64(0)
    a8 = a9 = a10 = a11 = a12 = a13 = a14 = a15 = np.uint64(0)
    moved = np.uint64(1)
    while moved != np.uint64(0):
        # Whether all have arrived is asked after every second step only; those that have step
        # onto themselves meanwhile.
        b0, b1 = _step(own, keys, 0, a0), _step(own, keys, 1, a1)
        b2, b3 = _step(own, keys, 2, a2), _step(own, keys, 3, a3)
        b4, b5 = _step(own, keys, 4, a4), _step(own, keys, 5, a5)
        b6, b7 = _step(own, keys, 6, a6), _step(own, keys, 7, a7)
        b8, b9 = _step(own, keys, 8, a8), _step(own, keys, 9, a9)
        b10, b11 = _step(own, keys, 10, a10), _step(own, keys, 11, a11)
        b12, b13 = _step(own, keys, 12, a12), _step(own, keys, 13, a13)
        b14, b15 = _step(own, keys, 14, a14), _step(own, keys, 15, a15)
        a0, a1 = _step(own, keys, 0, b0), _step(own, keys, 1, b1)
        a2, a3 = _step(own, keys, 2, b2), _step(own, keys, 3, b3)
        a4, a5 = _step(own, keys, 4, b4), _step(own, keys, 5, b5)
        a6, a7 = _step(own, keys, 6, b6), _step(own, keys, 7, b7)
        a8, a9 = _step(own, keys, 8, b8), _step(own, keys, 9, b9)
        a10, a11 = _step(own, keys, 10, b10), _step(own, keys, 11, b11)
        a12, a13 = _step(own, keys, 12, b12), _step(own, keys, 13, b13)
        a14, a15 = _step(own, keys, 14, b14), _step(own, keys, 15, b15)
        moved = (a0 ^ b0) | (a1 ^ b1) | (a2 ^ b2) | (a3 ^ b3)
        moved |= (a4 ^ b4) | (a5 ^ b5) | (a6 ^ b6) | (a7 ^ b7)
        moved |= (a8 ^ b8) | (a9 ^ b9) | (a10 ^ b10) | (a11 ^ b11)
        moved |= (a12 ^ b12) | (a13 ^ b13) | (a14 ^ b14) | (a15 ^ b15)
    ends[np.uint64(0)], ends[np.uint64(1)], ends[np.uint64(2)], ends[np.uint64(3)] = a0, a1, a2, a3
    ends[np.uint64(4)], ends[np.uint64(5)], ends[np.uint64(6)], ends[np.uint64(7)] = a4, a5, a6, a7
    ends[np.uint64(8)], ends[np.uint64(9)], ends[np.uint64(10)] = a8, a9, a10
    ends[np.uint64(11)], ends[np.uint64(12)], ends[np.uint64(13)] = a11, a12, a13
    ends[np.uint64(14)], ends[np.uint64(15)] = a14, a15


@compiled()
def _step(own, keys, lane, at):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    # Unsigned numbers throughout: a signed index costs a test for negative ones.
    word = own[at]
    key = keys[(word >> _VALUES_SHIFT) + np.uint64(lane)]
    return ((word >> _LEFT_SHIFT) & _LEFT_MASK) + np.uint64(key > np.uint32(word))
