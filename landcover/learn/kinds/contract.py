"""What a kind of classifier does: fit, pack into arrays, save, load, answer, explain.

Each kind is one file of this folder with one instance, ``CLASSIFIER``; its row stands in
:mod:`landcover.nouns.classifiers`. Maps are made of packed arrays and never of an executable file,
so ``load`` checks whatever an index or a shape could do harm with.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, BinaryIO, ClassVar, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from landcover.nouns.classifiers import CLASSIFIERS

Floats = NDArray[np.float64]
Progress = Callable[[float, float], None]
"""Is told the share that is done, 0-1, and the seconds that are left."""


class Packed(Protocol):
    """The arrays of a fitted model."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Features in the order of the columns."""
        ...

    @property
    def classes(self) -> NDArray[np.uint8]:
        """Class codes, (K,), ascending, 1 … 255."""
        ...


P = TypeVar("P", bound=Packed)


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """What a kind is fitted on; checked before it gets here."""

    features: NDArray[np.float32]
    """Finite features, (n, d)."""
    codes: NDArray[np.uint8]
    """Class code of each row, (n,), of at least two classes."""
    names: tuple[str, ...]
    """Names of the d features."""
    groups: NDArray[Any] | None = None
    """Group of each row (point, polygon), (n,): what is held out of a fit to stop it is whole
    groups. None where they are unknown."""
    weights: Floats | None = None
    """Weight of each row, (n,), not negative; None for equal ones."""
    limits: Mapping[str, tuple[float, float]] | None = None
    """Feature → values that become -1 and 1 in kinds that scale their features."""


class Answers(NamedTuple):
    """What a model answers to n rows, of K classes."""

    probabilities: Floats
    """Class probabilities before calibration, (n, K), rows sum to 1; the class is the likeliest."""
    scores: Floats
    """What calibration may read in their place, (n, K): decision values, or ln of probabilities."""


class Contributions(Protocol):
    """Shapley values of n rows."""

    @property
    def values(self) -> Floats:
        """What each feature adds to the probability of each class, (n, d, K)."""
        ...

    @property
    def expected(self) -> Floats:
        """Probability of each class when no feature is known, (K,)."""
        ...


class Classifier(ABC, Generic[P]):
    """A kind of classifier."""

    takes_columns: ClassVar[bool] = False
    """True where ``probabilities`` is as fast, and gives the same bits, with features that lie
    column by column (an array in Fortran order)."""

    @abstractmethod
    def fit(self, rows: TrainingRows, parameters: Any, *, seed: int, threads: int) -> Any:
        """Fit an estimator.

        Args:
            rows: Training rows.
            parameters: The noun of the kind's row.
            seed: Seed of the fit; the same seed gives the same estimator for any number of
                threads.
            threads: Threads of the fit.

        Returns:
            The estimator; it lives as long as the process and is never stored.

        Raises:
            InputError: The parameters do not fit the rows.
        """

    @abstractmethod
    def pack(self, estimator: Any, rows: TrainingRows) -> P:
        """Turn an estimator into arrays.

        Args:
            estimator: What ``fit`` made.
            rows: The rows that it was fitted on.
        """

    @abstractmethod
    def save(self, packed: P, file: BinaryIO) -> None:
        """Write arrays as npz without pickle; equal arrays give equal bytes."""

    @abstractmethod
    def load(self, file: BinaryIO) -> P:
        """Read arrays and check them.

        Raises:
            InputError: The file is damaged, of another kind or format, or was changed.
        """

    @abstractmethod
    def probabilities(self, packed: P, features: NDArray[np.float32]) -> Floats:
        """Compute class probabilities.

        Args:
            packed: The arrays.
            features: Finite features in their order, float32, (n, d).

        Returns:
            float64, (n, K), rows sum to 1. A row depends on nothing but its own features.
        """

    def answers(self, packed: P, features: NDArray[np.float32]) -> Answers:
        """Compute probabilities and scores in one pass; see :meth:`probabilities`."""
        found = self.probabilities(packed, features)
        return Answers(found, np.log(np.clip(found, 1e-15, None)))

    @abstractmethod
    def bytes_per_row(self, packed: P) -> int:
        """Estimate the memory that ``probabilities`` takes for each row, its answer included."""

    def explain(
        self,
        packed: P,
        training: NDArray[np.float32],
        rows: NDArray[np.float32],
        *,
        threads: int,
        progress: Progress | None,
    ) -> Contributions | None:
        """Compute Shapley values of rows.

        Args:
            packed: The arrays.
            training: Finite rows that the model was fitted on, float32, (m, d).
            rows: Finite rows to explain, float32, (n, d).
            threads: Threads; they change no value.
            progress: Is told how far it is; None for nobody.

        Returns:
            The values; None where the kind explains itself by permuted features only.
        """
        return None


def classifier_of(kind: str) -> Classifier[Any]:
    """Import a kind of classifier.

    Args:
        kind: A name of :data:`landcover.nouns.classifiers.CLASSIFIERS`.
    """
    found: Classifier[Any] = import_module(CLASSIFIERS[kind].module).CLASSIFIER
    return found
