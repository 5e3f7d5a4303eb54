"""What forests of classification trees have in common; scikit-learn grows them."""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.learn.forest import (
    PackedForest,
    forest_probabilities,
    load_forest,
    pack,
    save_forest,
)
from landcover.learn.kinds.contract import Classifier, Floats, Progress, TrainingRows
from landcover.learn.treeshap import Contributions, count_covers, tree_shap
from landcover.nouns.classifiers import ForestParameters


class Trees(Classifier[PackedForest]):
    """A forest whose probabilities are the mean of its trees'."""

    takes_columns = True

    def __init__(self, estimator: type[Any], *, bootstrap: bool) -> None:
        """Take scikit-learn's class, and whether each tree has a draw of the rows of its own."""
        self._estimator = estimator
        self._bootstrap = bootstrap

    def fit(
        self, rows: TrainingRows, parameters: ForestParameters, *, seed: int, threads: int
    ) -> Any:
        """Grow the trees; see :meth:`Classifier.fit`."""
        most = parameters.max_features
        if isinstance(most, int) and most > len(rows.names):
            raise InputError(
                f"Classifier: max_features is {most}, but there are {len(rows.names)} features."
            )
        estimator = self._estimator(
            n_estimators=parameters.n_trees,
            criterion="gini",
            max_features=most,
            min_samples_leaf=parameters.min_samples_leaf,
            max_depth=parameters.max_depth,
            class_weight=parameters.class_weight,
            bootstrap=self._bootstrap,
            random_state=seed,
            n_jobs=threads,
        )
        # A table, not the bare array, so that the estimator remembers the names of its features.
        table = pd.DataFrame(rows.features, columns=list(rows.names), copy=False)
        estimator.fit(table, rows.codes, sample_weight=rows.weights)
        # How many threads fitted a forest is no part of it: equal forests, equal files.
        estimator.set_params(n_jobs=1)
        return estimator

    def pack(self, estimator: Any, rows: TrainingRows) -> PackedForest:
        """Lay the trees out one after the other."""
        return pack(estimator, rows.names)

    def save(self, packed: PackedForest, file: BinaryIO) -> None:
        """Write the arrays; see :func:`landcover.learn.forest.save_forest`."""
        save_forest(packed, file)

    def load(self, file: BinaryIO) -> PackedForest:
        """Read and check the arrays; see :func:`landcover.learn.forest.load_forest`."""
        return load_forest(file)

    def probabilities(self, packed: PackedForest, features: NDArray[np.float32]) -> Floats:
        """Average the trees; see :func:`landcover.learn.forest.forest_probabilities`."""
        return forest_probabilities(packed, features)

    def bytes_per_row(self, packed: PackedForest) -> int:
        """Count the sums of the classes, and the features arranged for the walk."""
        d, k = len(packed.feature_names), packed.classes.size
        return 8 * k + 4 * max(d, k + 1)

    def explain(
        self,
        packed: PackedForest,
        training: NDArray[np.float32],
        rows: NDArray[np.float32],
        *,
        threads: int,
        progress: Progress | None,
    ) -> Contributions:
        """Compute the Shapley values of the trees; see :mod:`landcover.learn.treeshap`."""
        covers = count_covers(packed, training)
        return tree_shap(packed, covers, rows, threads=threads, progress=progress)
