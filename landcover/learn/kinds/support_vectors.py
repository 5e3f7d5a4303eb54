"""What support vector machines have in common; libsvm fits them, by way of scikit-learn."""

from __future__ import annotations

from typing import Any, BinaryIO, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import SVC  # type: ignore[import-untyped, unused-ignore]

from landcover.errors import InputError
from landcover.learn.kinds.contract import Answers, Classifier, Floats, TrainingRows
from landcover.learn.recalibration import with_winner
from landcover.learn.svm import CHUNK, PackedMachines, load_machines, machine_of, save_machines
from landcover.learn.svm_decision import ROWS, decide
from landcover.nouns.classifiers import SvmParameters

CACHE_MB = 500
"""Memory of a fit for columns of the kernel: 5,000 rows take 200."""
_SHARED = 4 * ROWS * CHUNK // 4096
"""What the kernels of a block of 4,096 rows add to each of them, bytes."""


class SupportVectors(Classifier[PackedMachines]):
    """Machines whose class is libsvm's, and whose probabilities follow their decision values."""

    one_vs_all: ClassVar[bool]
    """Whether each class has a machine of its own."""

    def pack(self, estimator: Any, rows: TrainingRows) -> PackedMachines:
        """Take support vectors, weights and intercepts."""
        machines = estimator if isinstance(estimator, tuple) else (estimator,)
        classes = np.unique(rows.codes)
        return PackedMachines(rows.names, classes, tuple(map(machine_of, machines)))

    def save(self, packed: PackedMachines, file: BinaryIO) -> None:
        """Write the arrays; see :func:`landcover.learn.svm.save_machines`."""
        save_machines(packed, file)

    def load(self, file: BinaryIO) -> PackedMachines:
        """Read and check the arrays; see :func:`landcover.learn.svm.load_machines`."""
        packed = load_machines(file)
        if packed.is_one_vs_all != self.one_vs_all:
            wanted = f"{packed.classes.size} machines" if self.one_vs_all else "one machine"
            raise InputError(
                f"Support vector machine: expected {wanted}, found {len(packed.machines)}; the "
                "file is of the other kind (svm, svm-binary)."
            )
        return packed

    def probabilities(self, packed: PackedMachines, features: NDArray[np.float32]) -> Floats:
        """Turn the scores of :func:`landcover.learn.svm_decision.decide` into shares by softmax.

        They order the classes but are not calibrated: that is the calibrator's work.
        """
        return self.answers(packed, features).probabilities

    def answers(self, packed: PackedMachines, features: NDArray[np.float32]) -> Answers:
        """Give those shares and the scores that they are made of."""
        winner, scores, _ = decide(packed, features)
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return Answers(with_winner(shares, winner), scores)

    def bytes_per_row(self, packed: PackedMachines) -> int:
        """Count decision values with their bounds, and the share of the kernels."""
        k, d = packed.classes.size, len(packed.feature_names)
        pairs = packed.machines[0].intercepts.size
        linear = 8 * d if packed.machines[0].kernel == "linear" else 0
        return 8 * (2 * pairs + 4 * k) + 8 * 4 + linear + _SHARED


def fit_machine(rows: TrainingRows, codes: NDArray[np.generic], parameters: SvmParameters) -> Any:
    """Fit a machine on rows.

    Args:
        rows: Training rows.
        codes: What is told apart, (n,).
        parameters: Kernel and prices.
    """
    machine = SVC(
        C=parameters.c, gamma=parameters.gamma, kernel=parameters.kernel,
        class_weight=parameters.class_weight, cache_size=CACHE_MB,
    )  # fmt: skip
    return machine.fit(rows.features.astype(np.float64), codes, sample_weight=rows.weights)
