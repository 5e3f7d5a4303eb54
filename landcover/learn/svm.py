"""Support vector machines as plain arrays: what a map is made from after scikit-learn fitted them.

A model is one machine that votes between all pairs of classes (one-vs-one, as libsvm), or one
machine of two sides for each class (one-vs-all).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.learn.arrays import names_in, open_arrays, write_arrays
from landcover.learn.svm_kernel import MULTIPLE, padded

FORMAT = 1
"""Version of the file's layout."""
CHUNK = 512
"""Most vectors of a chunk: with the kernels of 256 rows half a megabyte, which a core keeps."""
KERNELS = ("rbf", "linear")
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some vectors of one class in single precision, as the inner loops read them."""

    vectors: NDArray[np.float32]
    """Column by column, (d', m), d' a multiple of 4."""
    squares: NDArray[np.float32]
    """Squared lengths, (m,)."""
    coefficients: NDArray[np.float32]
    """What each weighs against each other class, and the largest of their sizes, (K, m)."""


@dataclass(frozen=True, eq=False)
class Machine:
    """A fitted ``SVC`` of K classes with m support vectors of d features."""

    kernel: str
    """``rbf``: exp(-γ|x - s|²), or ``linear``: x·s."""
    gamma: float
    """γ of the radial kernel, positive."""
    vectors: Floats
    """Support vectors, by class, (m, d)."""
    counts: NDArray[np.int64]
    """Vectors of each class, (K,)."""
    coefficients: Floats
    """What a vector weighs against each other class, (K - 1, m)."""
    intercepts: Floats
    """Of each pair of classes, (0, 1), (0, 2) …, (K·(K - 1)/2,)."""

    @property
    def n_classes(self) -> int:
        """Classes that it decides between."""
        return int(self.counts.size)

    @cached_property
    def chunks(self) -> tuple[tuple[Chunk, ...], ...]:
        """The vectors of each class in chunks, made once."""
        found, end = [], 0
        for count in self.counts.tolist():
            start, end = end, end + count
            cuts = [*range(start, end, CHUNK), end]
            found.append(tuple(self._chunk(*cut) for cut in pairwise(cuts)))
        return tuple(found)

    def _chunk(self, start: int, end: int) -> Chunk:
        own = self.coefficients[:, start:end]
        largest = np.abs(own).max(axis=0, keepdims=True)
        vectors = self.vectors[start:end].astype(np.float32)
        return Chunk(
            padded(np.ascontiguousarray(vectors.T), MULTIPLE, 0),
            (vectors.astype(np.float64) ** 2).sum(axis=1).astype(np.float32),
            np.concatenate([own, largest]).astype(np.float32),
        )

    @cached_property
    def lengths(self) -> Floats:
        """Length of the longest vector of each class, (K,)."""
        found = np.sqrt((self.vectors**2).sum(axis=1))
        parts = np.split(found, np.cumsum(self.counts)[:-1])
        return np.array([part.max(initial=0.0) for part in parts])

    @cached_property
    def normals(self) -> tuple[Floats, Floats]:
        """Of the linear kernel: Σ a·s of each pair, (d, P), and Σ |a|·|s|, (P,)."""
        ends = np.cumsum(self.counts)
        starts = ends - self.counts
        size = np.sqrt((self.vectors**2).sum(axis=1))
        normal, most = [], []
        for i, j in pairs_of(self.n_classes):
            one, two = slice(starts[i], ends[i]), slice(starts[j], ends[j])
            a, b = self.coefficients[j - 1, one], self.coefficients[i, two]
            normal.append(a @ self.vectors[one] + b @ self.vectors[two])
            most.append(np.abs(a) @ size[one] + np.abs(b) @ size[two])
        return np.stack(normal, axis=1), np.array(most)


@dataclass(frozen=True, eq=False)
class PackedMachines:
    """Machines that answer together: one of K classes, or one of two sides for each class."""

    feature_names: tuple[str, ...]
    """Names of the d features, in the order of the columns."""
    classes: NDArray[np.uint8]
    """Class codes, (K,), ascending, 1 … 255."""
    machines: tuple[Machine, ...]
    """One that votes, or K whose first side is the class."""

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together."""
        _check(self)

    @property
    def is_one_vs_all(self) -> bool:
        """True where each class has a machine of its own."""
        return len(self.machines) > 1


def pairs_of(n_classes: int) -> list[tuple[int, int]]:
    """List the pairs of classes in libsvm's order."""
    return [(i, j) for i in range(n_classes) for j in range(i + 1, n_classes)]


def machine_of(estimator: Any) -> Machine:
    """Take the arrays of a fitted ``SVC``.

    Raises:
        InputError: It has no support vectors.
    """
    # Of two classes scikit-learn shows both with the other sign than libsvm computes with.
    sign = -1.0 if len(estimator.classes_) == 2 else 1.0
    gamma = float(estimator._gamma) if estimator.kernel == "rbf" else 1.0
    return Machine(
        kernel=estimator.kernel,
        gamma=gamma,
        vectors=np.ascontiguousarray(estimator.support_vectors_, np.float64),
        counts=np.asarray(estimator.n_support_, np.int64),
        coefficients=np.ascontiguousarray(sign * estimator.dual_coef_, np.float64),
        intercepts=np.asarray(sign * estimator.intercept_, np.float64),
    )


def save_machines(packed: PackedMachines, file: BinaryIO) -> None:
    """Write machines as npz without pickle; equal machines give equal bytes."""
    arrays: dict[str, Any] = {
        "classes": packed.classes,
        "kernel": np.array(KERNELS.index(packed.machines[0].kernel), np.int64),
        "gammas": np.array([one.gamma for one in packed.machines]),
    }
    for number, one in enumerate(packed.machines):
        for name in ("vectors", "counts", "coefficients", "intercepts"):
            arrays[f"{name}_{number}"] = getattr(one, name)
    write_arrays(file, FORMAT, packed.feature_names, arrays)


def load_machines(file: BinaryIO) -> PackedMachines:
    """Read machines and check them.

    Raises:
        InputError: The file is damaged, of another format, or its arrays do not fit together.
    """
    with open_arrays(file, FORMAT, "support vector machine") as arrays:
        gammas, kernel = arrays["gammas"], int(arrays["kernel"])
        if gammas.ndim != 1 or gammas.dtype != np.float64 or kernel not in range(len(KERNELS)):
            raise _refuse("expected a kernel and its numbers")
        machines = tuple(
            Machine(
                KERNELS[kernel],
                float(gamma),
                *(arrays[f"{name}_{number}"] for name in _DTYPES),
            )
            for number, gamma in enumerate(gammas)
        )
        return PackedMachines(names_in(arrays), arrays["classes"], machines)


_DTYPES = {
    "vectors": np.float64, "counts": np.int64, "coefficients": np.float64, "intercepts": np.float64,
}  # fmt: skip


def _check(packed: PackedMachines) -> None:
    k, n = packed.classes.size, len(packed.machines)
    if packed.classes.dtype != np.uint8 or k < 2 or packed.classes[0] == 0:
        raise _refuse("expected class codes from 1")
    if np.any(np.diff(packed.classes.astype(int)) <= 0):
        raise _refuse(f"expected ascending class codes, found {packed.classes.tolist()}")
    if n not in (1, k):
        raise _refuse(f"expected one machine, or one for each of {k} classes, found {n}")
    for machine in packed.machines:
        _check_machine(machine, k if n == 1 else 2, packed.feature_names)


def _check_machine(machine: Machine, k: int, names: Sequence[str]) -> None:
    for name, dtype in _DTYPES.items():
        array = getattr(machine, name)
        if array.dtype != dtype or not np.isfinite(array).all():
            raise _refuse(f"expected finite {name} of {np.dtype(dtype)}")
    if not (np.isfinite(machine.gamma) and machine.gamma > 0):
        raise _refuse(f"expected a positive gamma, found {machine.gamma}")
    vectors = machine.vectors
    if vectors.ndim != 2 or vectors.shape[1] != len(names):
        raise _refuse(f"its support vectors, {vectors.shape}, do not fit its {len(names)} features")
    m = len(vectors)
    shapes = (machine.counts.shape, machine.coefficients.shape, machine.intercepts.shape)
    if shapes != ((k,), (k - 1, m), (k * (k - 1) // 2,)):
        raise _refuse(f"expected counts, weights and intercepts of {k} classes and {m} vectors")
    if machine.counts.min() < 0 or machine.counts.sum() != m:
        raise _refuse(f"expected counts of classes that make {m} vectors")


def _refuse(what: str) -> InputError:
    return InputError(
        f"Support vector machine: {what}; the file is damaged or was changed, fetch it again or "
        "train the model again."
    )
