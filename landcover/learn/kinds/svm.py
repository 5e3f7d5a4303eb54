"""Support vector machine of all classes (Cortes & Vapnik 1995): each pair votes, as in libsvm."""

from __future__ import annotations

from typing import Any

from landcover.learn.kinds.contract import TrainingRows
from landcover.learn.kinds.support_vectors import SupportVectors, fit_machine
from landcover.nouns.classifiers import SvmParameters


class OneVsOne(SupportVectors):
    """One machine; the class is the one that wins most pairs."""

    one_vs_all = False

    def fit(self, rows: TrainingRows, parameters: SvmParameters, *, seed: int, threads: int) -> Any:
        """Fit libsvm's machine, which draws nothing; see :meth:`Classifier.fit`."""
        return fit_machine(rows, rows.codes, parameters)


CLASSIFIER = OneVsOne()
