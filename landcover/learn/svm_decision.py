"""Decision values, votes and scores of support vector machines, with labels that equal libsvm's.

Method: docs/methods/svm.md#engine.

All pixels are computed in single precision, with a bound on what that may be wrong by. Where a
decision within the bound could change the class, the pixel is computed again in double precision;
and where even that is too near to zero, in the very order of libsvm.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from landcover.learn.svm import CHUNK, Machine, PackedMachines, pairs_of
from landcover.learn.svm_kernel import MULTIPLE, decide_as_libsvm, multiply, padded, radial, weigh

ROWS = 256
"""Rows whose kernels with a chunk are kept at a time."""
SINGLE = 2.0**-24
"""Largest relative error of one rounded operation in single precision."""
DOUBLE = 2.0**-53
"""The same in double precision."""
_AGAIN = 64
_SUMMED = 600
"""Roundings of a weighted kernel on its way into a sum: a chunk of 512, its exponential, its
weight."""
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Decided(NamedTuple):
    """Answers of machines to n rows, of K classes."""

    winner: NDArray[np.intp]
    """Column of the class, (n,); ties go to the lowest, as libsvm's."""
    scores: Floats
    """One-vs-one: votes and, within a third, the sum of decision values, as scikit-learn's
    ``decision_function``; one-vs-all: the decision value of each class; (n, K)."""
    n_doubled: int
    """Decisions on rows that were made again in double precision."""


def decide(packed: PackedMachines, features: NDArray[np.float32]) -> Decided:
    """Answer rows.

    Args:
        packed: The machines.
        features: Finite features in their order, float32, (n, d).

    Returns:
        Class, scores, and how many rows were computed again.
    """
    if not packed.is_one_vs_all:
        values, n_doubled = decision_values(packed.machines[0], features)
        votes, sums = count_votes(values, packed.classes.size)
        return Decided(votes.argmax(axis=1), votes + sums / (3 * (np.abs(sums) + 1)), n_doubled)
    scores, n_doubled = np.empty((len(features), len(packed.machines))), 0
    for k, machine in enumerate(packed.machines):
        values, again = decision_values(machine, features)
        scores[:, k] = values[:, 0]
        n_doubled += again
    return Decided(scores.argmax(axis=1), scores, n_doubled)


def decision_values(machine: Machine, features: NDArray[np.float32]) -> tuple[Floats, int]:
    """Compute what a machine decides each pair of classes by.

    Args:
        machine: The machine.
        features: Finite features, float32, (n, d).

    Returns:
        float64, (n, K·(K - 1)/2), above 0 for the first class of a pair, with the class that
        libsvm's votes give; and the number of rows that were computed again.
    """
    if machine.kernel == "linear":
        normal, most = machine.normals
        given = features.astype(np.float64)
        values = given @ normal + machine.intercepts
        length = np.sqrt((given**2).sum(axis=1))[:, None]
        bound = (
            DOUBLE
            * (len(machine.vectors) + _SUMMED + 4 * features.shape[1])
            * (length * most + np.abs(machine.intercepts))
        )
        again = np.flatnonzero(_is_open(values, bound, machine.n_classes))
        if again.size:
            values[again] = _as_libsvm(machine, given[again])
        return values, again.size
    values, bound = _single(machine, features)
    again = np.flatnonzero(_is_open(values, bound, machine.n_classes))
    for start in range(0, again.size, _AGAIN):
        rows = again[start : start + _AGAIN]
        given = features[rows].astype(np.float64)
        found, narrow = _double(machine, given)
        is_open = _is_open(found, narrow, machine.n_classes)
        if is_open.any():
            found[is_open] = _as_libsvm(machine, given[is_open])
        values[rows] = found
    return values, again.size


def count_votes(values: Floats, n_classes: int) -> tuple[Floats, Floats]:
    """Count the pairs that each class wins, and sum its decision values.

    Args:
        values: Decision values, (n, K·(K - 1)/2).
        n_classes: K.

    Returns:
        Votes and sums, float64, (n, K). A value of 0 is a vote for the second class of its pair.
    """
    votes, sums = np.zeros((len(values), n_classes)), np.zeros((len(values), n_classes))
    for column, (i, j) in enumerate(pairs_of(n_classes)):
        value = values[:, column]
        votes[:, i] += value > 0
        votes[:, j] += value <= 0
        sums[:, i] += value
        sums[:, j] -= value
    return votes, sums


def _single(machine: Machine, features: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """Compute decision values in single precision, and what they may be wrong by."""
    n, k = len(features), machine.n_classes
    pixels = padded(padded(np.ascontiguousarray(features), MULTIPLE, 1), MULTIPLE, 0)
    squares = np.einsum("ij,ij->i", pixels, pixels, dtype=np.float64)
    sums = np.zeros((k, len(pixels), k))
    for start in range(0, len(pixels), ROWS):
        rows = slice(start, start + ROWS)
        _add_kernels(machine, pixels[rows], squares[rows].astype(np.float32), sums[:, rows])
    length = np.sqrt(squares[:n])[:, None]
    relative = _relative_error(machine, length, features.shape[1], SINGLE)
    return _joined(machine, sums[:, :n], relative)


def _add_kernels(
    machine: Machine, pixels: NDArray[np.float32], squares: NDArray[np.float32], sums: Floats
) -> None:
    """Add the weighted kernels of a few rows with all vectors to their sums, (K, n, K)."""
    scale = np.float32(machine.gamma / np.log(2))
    kept = np.empty(len(pixels) * CHUNK, np.float32)
    for one, chunks in enumerate(machine.chunks):
        for chunk in chunks:
            m = chunk.squares.size
            kernels, work = kept[: len(pixels) * m].reshape(-1, m), np.empty(m, np.float32)
            multiply(pixels, chunk.vectors, kernels)
            radial(
                kernels, kernels.view(np.int32), squares, chunk.squares, scale, work,
                work.view(np.int32),
            )  # fmt: skip
            weigh(kernels, chunk.coefficients, sums[one])


def _double(machine: Machine, given: Floats) -> tuple[Floats, Floats]:
    """Compute decision values of a few rows in double precision, and what they may be wrong by.

    By the same loops and not by BLAS, whose last bits are not the same everywhere.
    """
    n, d = given.shape
    k, n_vectors = machine.n_classes, len(machine.vectors)
    pixels = padded(padded(given, MULTIPLE, 1), MULTIPLE, 0)
    squares = (pixels**2).sum(axis=1)[:, None]
    sums = np.zeros((k, len(pixels), k))
    ends = np.cumsum(machine.counts)
    for one, (first, last) in enumerate(zip(ends - machine.counts, ends, strict=True)):
        for start in range(first, last, CHUNK):
            own = slice(start, min(start + CHUNK, last))
            vectors, weights = machine.vectors[own], machine.coefficients[:, own]
            columns = padded(np.ascontiguousarray(vectors.T), MULTIPLE, 0)
            kernels = np.empty((len(pixels), len(vectors)))
            multiply(pixels, columns, kernels)
            apart = squares + (vectors**2).sum(axis=1) - 2 * kernels
            np.exp(-machine.gamma * np.maximum(apart, 0), out=kernels)
            largest = np.abs(weights).max(axis=0, keepdims=True)
            weigh(kernels, np.concatenate([weights, largest]), sums[one])
    relative = _relative_error(machine, np.sqrt(squares[:n]), d, DOUBLE)
    return _joined(machine, sums[:, :n], relative + DOUBLE * n_vectors)


def _joined(machine: Machine, sums: Floats, relative: Floats) -> tuple[Floats, Floats]:
    """Join the sums of the classes, (K, n, K), into decision values and their bounds."""
    values, bound = [], []
    largest = sums[:, :, -1] * relative.T
    for pair, (i, j) in enumerate(pairs_of(machine.n_classes)):
        intercept = machine.intercepts[pair]
        values.append(sums[i, :, j - 1] + sums[j, :, i] + intercept)
        bound.append(largest[i] + largest[j] + DOUBLE * 4 * abs(intercept))
    return np.stack(values, axis=1), np.stack(bound, axis=1)


def _relative_error(machine: Machine, length: Floats, d: int, unit: float) -> Floats:
    """Bound the relative error of a weighted kernel of each class, (n, K)."""
    squares = length**2 + machine.lengths**2
    products = length * machine.lengths
    return unit * (machine.gamma * (2 * (d + 4) * products + 8 * squares) + _SUMMED)


def _is_open(values: Floats, bound: Floats, n_classes: int) -> Flags:
    """Tell the rows whose class another sign of some decision within its bound could change."""
    n = len(values)
    least, most = np.zeros((n, n_classes)), np.zeros((n, n_classes))
    for column, (i, j) in enumerate(pairs_of(n_classes)):
        value, limit = values[:, column], bound[:, column]
        first, second = value > limit, value < -limit
        least[:, i] += first
        least[:, j] += second
        most[:, i] += ~second
        most[:, j] += ~first
    rows = np.arange(n)
    winner = least.argmax(axis=1)
    sure = least[rows, winner]
    most[rows, winner] = -1
    # A class before the winner may not even reach it, one behind may not pass it.
    is_before = np.arange(n_classes) < winner[:, None]
    return np.asarray((most + is_before > sure[:, None]).any(axis=1))


def _as_libsvm(machine: Machine, given: Floats) -> Floats:
    found = np.empty((len(given), machine.intercepts.size))
    decide_as_libsvm(
        np.ascontiguousarray(given), machine.vectors, machine.counts, machine.coefficients,
        machine.intercepts, machine.gamma, machine.kernel == "linear", found,
    )  # fmt: skip
    return found
