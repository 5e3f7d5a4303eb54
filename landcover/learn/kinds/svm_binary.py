"""Support vector machines of one class against all others: the largest decision value wins."""

from __future__ import annotations

from typing import Any

import numpy as np

from landcover.learn.kinds.contract import TrainingRows
from landcover.learn.kinds.support_vectors import SupportVectors, fit_machine
from landcover.nouns.classifiers import SvmBinaryParameters


class OneVsAll(SupportVectors):
    """A machine for each class."""

    one_vs_all = True

    def fit(
        self, rows: TrainingRows, parameters: SvmBinaryParameters, *, seed: int, threads: int
    ) -> Any:
        """Fit libsvm's machine for each class; see :meth:`Classifier.fit`."""
        # The first side of a pair is what libsvm gives positive values.
        return tuple(
            fit_machine(rows, np.where(rows.codes == code, 0, 1), parameters.of(int(code)))
            for code in np.unique(rows.codes)
        )


CLASSIFIER = OneVsAll()
