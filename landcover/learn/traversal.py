"""The walk of pixels through the trees of a packed forest, compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from landcover.compiled import compiled

LANES = 8
"""Pixels walked in lockstep, so that their waits for memory overlap."""


@compiled()
def add_trees(  # pragma: no cover - compiled
    features: NDArray[np.float32],
    offsets: NDArray[np.int64],
    feature: NDArray[np.int16],
    threshold: NDArray[np.float32],
    children: NDArray[np.int32],
    leaf: NDArray[np.int32],
    table: NDArray[np.float64],
    total: NDArray[np.float64],
) -> None:
    """Add the class probabilities of every tree, in the order of the trees.

    That order makes the float64 sums round as scikit-learn's do. Nothing is checked here: the
    arrays come out of a ``PackedForest``, whose indices are.

    Args:
        features: Finite features, (n, d), n a multiple of ``LANES``.
        offsets: First node of each tree, then the number of nodes.
        feature: Feature that a node asks for.
        threshold: Values up to and including this go left.
        children: Left and right child, counted from the first node of the tree; a leaf is its own.
        leaf: Row of ``table`` at leaves.
        table: Class probabilities of leaves, (M, K), the first K rows the identity.
        total: Sums, (n, K), added to in place.
    """
    k = total.shape[1]
    node = np.empty(LANES, dtype=np.int64)
    for tree in range(offsets.size - 1):
        first = offsets[tree]
        for start in range(0, features.shape[0], LANES):
            for lane in range(LANES):
                node[lane] = first
            is_walking = True
            while is_walking:
                is_walking = False
                for lane in range(LANES):
                    here = node[lane]
                    goes_right = features[start + lane, feature[here]] > threshold[here]
                    there = first + children[here, np.int64(goes_right)]
                    is_walking |= there != here
                    node[lane] = there
            for lane in range(LANES):
                row = leaf[node[lane]]
                if row < k:
                    total[start + lane, row] += 1.0
                else:
                    for column in range(k):
                        total[start + lane, column] += table[row, column]
