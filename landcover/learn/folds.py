"""Folds of cross-validation that keep apart what belongs together.

Method: docs/methods/sampling.md#folds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import Transformer
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from landcover.errors import InputError

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of the Earth (IUGG)."""

Folds = NDArray[np.int64]


def row_folds(codes: ArrayLike, n_folds: int, *, seed: int = 0) -> Folds:
    """Deal single rows to folds at random, class by class.

    Neighbouring pixels of a point land in several folds, so what such folds measure flatters.

    Args:
        codes: Class of each row, (n,).
        n_folds: Number of folds.
        seed: Seed of the deal.

    Returns:
        Fold of each row, int64, (n,), 0 … n_folds - 1.
    """
    code = np.asarray(codes)
    folds = np.empty(code.size, dtype=np.int64)
    rng = np.random.default_rng(seed)
    for one in np.unique(code):
        rows = np.flatnonzero(code == one)
        folds[rng.permutation(rows)] = (np.arange(rows.size) + rng.integers(n_folds)) % n_folds
    return folds


def unit_folds(codes: ArrayLike, units: ArrayLike, n_folds: int, *, seed: int = 0) -> Folds:
    """Deal whole units (groups, blocks) to folds so that each class is spread evenly.

    Greedy: the units come from the largest to the smallest, equal ones in the order of a seeded
    draw, and each goes where the shares of its classes then lie closest together.

    Args:
        codes: Class of each row, (n,).
        units: Unit of each row, (n,).
        n_folds: Number of folds, at least 2.
        seed: Seed of the order among units of one size.

    Returns:
        Fold of each row, int64, (n,); a unit lies in one fold.

    Raises:
        InputError: Lengths differ, or there are fewer units than folds.
    """
    _, code = np.unique(np.asarray(codes), return_inverse=True)
    names, unit = np.unique(np.asarray(units), return_inverse=True)
    if code.shape != unit.shape or code.ndim != 1:
        raise InputError(f"Folds: expected one unit per row, found {unit.shape} and {code.shape}.")
    if n_folds < 2 or names.size < n_folds:
        raise InputError(
            f"Folds: {names.size} separate units cannot make {n_folds} folds; expected at least "
            "two folds and a unit for each."
        )
    counts = np.zeros((names.size, int(code.max()) + 1))
    np.add.at(counts, (unit, code), 1)
    counts /= counts.sum(axis=0)  # shares: a rare class weighs as much as a common one
    draw = np.random.default_rng(seed).permutation(names.size)
    home = np.empty(names.size, dtype=np.int64)
    load = np.zeros((n_folds, counts.shape[1]))
    for one in np.lexsort((draw, -counts.sum(axis=1).round(12))):
        # What the sum of squares grows by when the unit joins a fold.
        growth = load @ counts[one]
        home[one] = np.lexsort((np.arange(n_folds), load.sum(axis=1), growth.round(12)))[0]
        load[home[one]] += counts[one]
    return np.asarray(home[unit])


def block_ids(
    longitude: ArrayLike, latitude: ArrayLike, groups: ArrayLike, *, block_m: float = 10_000.0
) -> NDArray[np.int64]:
    """Number the square blocks that samples lie in.

    A block is (⌊E/B⌋, ⌊N/B⌋) in the equal-area EPSG:6933. Blocks that share a group (a polygon
    across their edge) count as one, so that neither is ever divided.

    Args:
        longitude: Degrees, (n,).
        latitude: Degrees, (n,).
        groups: Group of each sample, (n,).
        block_m: Side of a block, metres.

    Returns:
        Number of the block of each sample, int64, (n,).
    """
    east, north = Transformer.from_crs("EPSG:4326", "EPSG:6933", always_xy=True).transform(
        np.asarray(longitude, np.float64), np.asarray(latitude, np.float64)
    )
    corner = np.column_stack([np.floor(east / block_m), np.floor(north / block_m)]).astype(np.int64)
    squares, square = np.unique(corner, axis=0, return_inverse=True)
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    size = len(squares) + int(group.max()) + 1
    links = coo_matrix(
        (np.ones(group.size), (square.ravel(), len(squares) + group)), shape=(size, size)
    )
    _, joined = connected_components(links, directed=False)
    return np.asarray(joined[square.ravel()], dtype=np.int64)


def beside(
    longitude: ArrayLike, latitude: ArrayLike, is_test: NDArray[np.bool_], buffer_m: float
) -> NDArray[np.bool_]:
    """Find training samples within a distance of a test sample.

    Args:
        longitude: Degrees, (n,).
        latitude: Degrees, (n,).
        is_test: True on test samples, (n,).
        buffer_m: Distance, metres.

    Returns:
        True on samples to leave out, bool, (n,).
    """
    found = np.zeros(is_test.size, dtype=np.bool_)
    if buffer_m <= 0 or not is_test.any() or is_test.all():
        return found
    place = on_sphere(longitude, latitude)
    distance, _ = cKDTree(place[is_test]).query(place[~is_test], distance_upper_bound=buffer_m)
    found[np.flatnonzero(~is_test)[np.isfinite(distance)]] = True
    return found


def on_sphere(longitude: ArrayLike, latitude: ArrayLike) -> NDArray[Any]:
    """Place points in space, metres: within kilometres a chord is as long as its arc."""
    east, north = np.radians(np.asarray(longitude)), np.radians(np.asarray(latitude))
    flat = np.cos(north)
    return EARTH_RADIUS_M * np.column_stack(
        [flat * np.cos(east), flat * np.sin(east), np.sin(north)]
    )
