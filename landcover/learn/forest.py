"""A random forest as plain arrays: packed once after the fit, walked for every pixel of a map.

Maps are made from these arrays and never from an executable file. A :class:`PackedForest` that
exists is safe to walk: its indices are checked when it is made, so also when it is read.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.learn import nodes
from landcover.learn.arrays import names_in, open_arrays, write_arrays
from landcover.learn.traversal import LANES, add_trees

FORMAT = 1
"""Version of the file's layout."""


@dataclass(frozen=True, eq=False)
class PackedForest:
    """The trees of a forest, one after the other.

    With T trees, N nodes in all, K classes and d features. A leaf is its own child, twice, which
    lets pixels that have arrived wait for the others without a test.
    """

    feature_names: tuple[str, ...]
    """Names of the d features, in the order of the columns."""
    classes: NDArray[np.uint8]
    """Class codes, (K,), ascending, 1 … 255."""
    tree_offsets: NDArray[np.int64]
    """First node of each tree, then N; (T + 1,)."""
    feature: NDArray[np.int16]
    """Feature that a node asks for, (N,), 0 … d - 1; 0 at leaves."""
    threshold: NDArray[np.float32]
    """Values up to and including this go left, (N,); 0 at leaves."""
    children: NDArray[np.int32]
    """Left and right child, counted from the first node of the tree, (N, 2)."""
    leaf: NDArray[np.int32]
    """Row of ``leaf_probabilities`` at leaves, -1 elsewhere, (N,)."""
    leaf_probabilities: NDArray[np.float64]
    """Class probabilities of leaves, (M, K): first one row per class for the pure leaves, then
    what occurs in impure ones."""

    def __post_init__(self) -> None:
        """Refuse arrays that could not be walked safely."""
        _check_tables(self)
        _check_nodes(self)

    @property
    def n_trees(self) -> int:
        """Number of trees."""
        return self.tree_offsets.size - 1

    @cached_property
    def nodes(self) -> nodes.Nodes | None:
        """The trees as nodes of eight bytes; None where their numbers do not fit into these."""
        if not nodes.fits(len(self.feature_names), self.classes.size, self.tree_offsets):
            return None
        return nodes.lay_out(
            self.tree_offsets,
            self.feature,
            self.threshold,
            self.children,
            self.leaf,
            self.classes.size,
        )


_ARRAYS: dict[str, tuple[str, int]] = {
    "classes": ("uint8", 1),
    "tree_offsets": ("int64", 1),
    "feature": ("int16", 1),
    "threshold": ("float32", 1),
    "children": ("int32", 2),
    "leaf": ("int32", 1),
    "leaf_probabilities": ("float64", 2),
}


def pack(estimator: Any, feature_names: Sequence[str] | None = None) -> PackedForest:
    """Turn a fitted scikit-learn forest of classification trees into arrays.

    Args:
        estimator: Fitted ``RandomForestClassifier`` (or extra trees) with one output, whose
            classes are codes 1 … 255.
        feature_names: Names of its features; those it was fitted with where None.

    Returns:
        The forest. Thresholds are rounded down to float32, which changes no decision: for every
        float32 x, x ≤ t in float64 exactly if x ≤ the largest float32 not above t.

    Raises:
        InputError: Feature names or codes are missing or do not fit.
    """
    names = feature_names
    if names is None:
        names = getattr(estimator, "feature_names_in_", None)
    if names is None or len(names) != estimator.n_features_in_:
        raise InputError(
            f"Forest: expected {estimator.n_features_in_} feature names, found "
            f"{'none' if names is None else len(names)}; pass those of the fit."
        )
    codes = np.asarray(estimator.classes_)
    if codes.dtype.kind not in "iu" or codes.min() < 1 or codes.max() > 255:
        raise InputError(f"Forest: expected classes with codes 1 to 255, found {codes.tolist()}.")
    trees = [member.tree_ for member in estimator.estimators_]
    sizes = [tree.node_count for tree in trees]
    is_leaf = np.concatenate([tree.children_left < 0 for tree in trees])
    itself = np.concatenate([np.arange(size) for size in sizes])[:, None]
    children = np.concatenate(
        [np.stack([tree.children_left, tree.children_right], axis=1) for tree in trees]
    )
    threshold = np.concatenate([tree.threshold for tree in trees])
    values = np.concatenate([tree.value[tree.children_left < 0, 0] for tree in trees])
    rows, table = _pack_leaves(values)
    leaf = np.full(is_leaf.size, -1, dtype=np.int32)
    leaf[is_leaf] = rows
    return PackedForest(
        feature_names=tuple(str(name) for name in names),
        classes=codes.astype(np.uint8),
        tree_offsets=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        feature=np.where(is_leaf, 0, np.concatenate([t.feature for t in trees])).astype(np.int16),
        threshold=_floor_to_float32(np.where(is_leaf, 0.0, threshold)),
        children=np.where(is_leaf[:, None], itself, children).astype(np.int32),
        leaf=leaf,
        leaf_probabilities=table,
    )


def forest_probabilities(
    forest: PackedForest, features: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Compute the mean of the trees' class probabilities, as scikit-learn does.

    Memory is about 8 · K bytes per pixel: hand in blocks.

    Args:
        forest: The forest.
        features: Finite features in the forest's order, float32, (n, d).

    Returns:
        float64, (n, K), rows sum to 1.

    Raises:
        InputError: The features have another dtype or another number of columns.
    """
    d = len(forest.feature_names)
    if features.ndim != 2 or features.shape[1] != d or features.dtype != np.float32:
        raise InputError(
            f"Forest: expected float32 features (n, {d}), found {features.dtype} "
            f"{features.shape}; make them with the model's feature set."
        )
    probability = _sum_trees(forest, features)
    probability /= forest.n_trees
    return probability


def _sum_trees(forest: PackedForest, features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Sum the class probabilities of all trees, float64, (n, K); features are finite."""
    (n, d), k, laid = features.shape, forest.classes.size, forest.nodes
    lanes = LANES if laid is None else nodes.LANES
    # Whole lanes only: what is added is walked and forgotten.
    total = np.zeros((-(-n // lanes) * lanes, k))
    table = forest.leaf_probabilities
    if laid is not None:
        # A column for each class, since a leaf compares that of its own.
        keys = nodes.keys_in_lanes(features, max(d, k + 1))
        nodes.walk(keys, laid.offsets, laid.words, laid.leaf, table, total)
        return total[:n]
    if len(total) != n or not features.flags.c_contiguous:
        padded = np.zeros((len(total), d), dtype=np.float32)
        padded[:n] = features
        features = padded
    trees = (forest.feature, forest.threshold, forest.children, forest.leaf)
    add_trees(features, forest.tree_offsets, *trees, table, total)
    return total[:n]


def save_forest(forest: PackedForest, file: str | os.PathLike[str] | BinaryIO) -> None:
    """Write a forest as npz without pickle; equal forests give equal bytes.

    Args:
        forest: The forest.
        file: Path, or file open for writing bytes.
    """
    if isinstance(file, (str, os.PathLike)):
        with open(file, "wb") as opened:
            return save_forest(forest, opened)
    arrays = {name: getattr(forest, name) for name in _ARRAYS}
    write_arrays(file, FORMAT, forest.feature_names, arrays)
    return None


def load_forest(file: str | os.PathLike[str] | BinaryIO) -> PackedForest:
    """Read a forest and check it before anything walks it.

    Args:
        file: Path, or file open for reading bytes, seekable.

    Returns:
        The forest.

    Raises:
        InputError: The file is no packed forest of this format, or its indices are out of range.
    """
    if isinstance(file, (str, os.PathLike)):
        with open(file, "rb") as opened:
            return load_forest(opened)
    with open_arrays(file, FORMAT, "forest") as arrays:
        return PackedForest(
            feature_names=names_in(arrays), **{name: arrays[name] for name in _ARRAYS}
        )


def _pack_leaves(values: NDArray[np.float64]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Give each leaf its row in a table that holds equal leaves once."""
    k = values.shape[1]
    rows = values.argmax(axis=1)
    is_impure = (np.count_nonzero(values, axis=1) > 1) | (values.max(axis=1) != 1)
    impure, index = np.unique(values[is_impure], axis=0, return_inverse=True)
    rows[is_impure] = k + index.ravel()
    return rows.astype(np.int32), np.concatenate([np.eye(k), impure])


def _floor_to_float32(values: NDArray[np.float64]) -> NDArray[np.float32]:
    nearest = values.astype(np.float32)
    below = np.nextafter(nearest, np.float32(-np.inf))
    return np.where(nearest > values, below, nearest)


def _refuse(what: str) -> InputError:
    return InputError(f"Packed forest: {what}; the file is damaged or was changed, fetch it again.")


def _check_tables(forest: PackedForest) -> None:
    for name, (dtype, ndim) in _ARRAYS.items():
        array = getattr(forest, name)
        if array.dtype != dtype or array.ndim != ndim:
            raise _refuse(f"expected {name} of {ndim} axes of {dtype}, found {array.dtype}")
    names, classes, table = forest.feature_names, forest.classes, forest.leaf_probabilities
    if not names or len(set(names)) != len(names) or len(names) > np.iinfo(np.int16).max:
        raise _refuse(f"expected 1 to 32,767 different feature names, found {len(names)}")
    if classes.size == 0 or classes[0] == 0 or np.any(np.diff(classes.astype(int)) <= 0):
        raise _refuse(f"expected ascending class codes from 1, found {classes.tolist()}")
    k = classes.size
    if table.shape[1] != k or len(table) < k or not np.array_equal(table[:k], np.eye(k)):
        raise _refuse(f"expected one leaf row per class first, found a table {table.shape}")
    if not (np.all(table >= 0) and np.all(np.abs(table.sum(axis=1) - 1) < 1e-6)):
        raise _refuse("expected leaf probabilities that sum to 1")


def _check_nodes(forest: PackedForest) -> None:
    n, offsets = forest.feature.size, forest.tree_offsets
    if {len(forest.threshold), len(forest.children), len(forest.leaf)} != {n}:
        raise _refuse("expected node arrays of one length")
    if offsets.size < 2 or offsets[0] != 0 or offsets[-1] != n or np.any(np.diff(offsets) < 1):
        raise _refuse("expected tree offsets that rise from 0 to the number of nodes")
    if forest.children.shape[1] != 2:
        raise _refuse("expected two children per node")
    if forest.feature.min() < 0 or forest.feature.max() >= len(forest.feature_names):
        raise _refuse(f"expected feature indices below {len(forest.feature_names)}")
    if not np.isfinite(forest.threshold).all():
        raise _refuse("expected finite thresholds")
    size = np.diff(offsets)
    own = (np.arange(n) - np.repeat(offsets[:-1], size))[:, None]
    is_leaf = forest.leaf >= 0
    is_inside = (forest.children > own) & (forest.children < np.repeat(size, size)[:, None])
    # Children above their parent: no walk can return, so each one ends at a leaf.
    if not np.where(is_leaf[:, None], forest.children == own, is_inside).all():
        raise _refuse("expected children above their parent and inside their tree")
    below = (np.repeat(offsets[:-1], size)[:, None] + forest.children)[~is_leaf].ravel()
    if np.any(np.bincount(below, minlength=n)[own[:, 0] > 0] != 1):
        raise _refuse("expected each node but the first below one parent")
    if forest.leaf.min() < -1 or forest.leaf.max() >= len(forest.leaf_probabilities):
        raise _refuse("expected leaves inside the table of probabilities")
