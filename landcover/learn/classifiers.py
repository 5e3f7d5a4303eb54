"""Fitting of classifiers; what maps are made from is packed afterwards (:mod:`.models`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.ensemble import (  # type: ignore[import-untyped, unused-ignore]
    ExtraTreesClassifier,
    RandomForestClassifier,
)

from landcover.errors import InputError
from landcover.learn.training import fit_network
from landcover.nouns.base import Noun
from landcover.nouns.model import ForestParameters, ModelKind, NetworkParameters

Features = NDArray[np.float32]


def feature_matrix(samples: pd.DataFrame | ArrayLike, feature_names: Sequence[str]) -> Features:
    """Take features out of a table by name.

    Args:
        samples: Table with a column for each feature, in any order and among others; or an
            array (n, d) whose columns are the features in order.
        feature_names: Names in the order wanted.

    Returns:
        Features, float32, (n, d), C order, NaN where the table has none.

    Raises:
        InputError: A column is missing or doubled, or the array has another number of columns.
    """
    names = list(feature_names)
    if isinstance(samples, pd.DataFrame):
        missing = [name for name in names if name not in samples.columns]
        if missing:
            more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
            raise InputError(
                f"Features: the table lacks {', '.join(missing[:3])}{more} of {len(names)} "
                "features; make it with the model's feature set."
            )
        chosen = samples[names]
        if chosen.shape[1] != len(names):
            raise InputError("Features: the table holds a feature's column more than once.")
        return np.ascontiguousarray(chosen.to_numpy(dtype=np.float32))
    array = np.asarray(samples, dtype=np.float32)
    if array.ndim != 2 or array.shape[1] != len(names):
        raise InputError(
            f"Features: expected an array (n, {len(names)}), found shape {array.shape}."
        )
    return np.ascontiguousarray(array)


def fit_estimator(
    samples: pd.DataFrame | ArrayLike,
    labels: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    feature_names: Sequence[str],
    kind: ModelKind = "random-forest",
    parameters: ForestParameters | NetworkParameters | Mapping[str, Any] | None = None,
    weights: ArrayLike | None = None,
    seed: int = 0,
    threads: int = 1,
) -> Any:
    """Fit a scikit-learn estimator on samples that all have every feature.

    Args:
        samples: Table with the features by name, or an array (n, d), without NaN.
        labels: Class code of each row, integer, (n,), 1 … 255.
        groups: Group of each row; the rows that stop a network early are then whole groups.
        feature_names: Features in the order that the model reads them.
        kind: Which classifier.
        parameters: How it is fitted; the paper's values where None.
        weights: Weight of each row, (n,), not negative.
        seed: Seed of the fit; the same seed gives the same estimator for any number of threads.
        threads: Threads of the fit.

    Returns:
        The fitted estimator; ``classes_`` are uint8 codes, ascending.

    Raises:
        InputError: A row lacks a feature, labels do not fit, only one class is there, or kind or
            parameters are unknown.
    """
    if kind not in get_args(ModelKind):
        raise InputError(
            f"Classifier: expected one of {', '.join(get_args(ModelKind))}, found {kind!r}."
        )
    features = feature_matrix(samples, feature_names)
    _check_finite(features, feature_names)
    codes = _check_labels(labels, len(features))
    weight = _check_weights(weights, len(features))
    if kind == "mlp":
        network = _as(NetworkParameters, parameters)
        return fit_network(features, codes, groups, network, weight, seed)
    how = _as(ForestParameters, parameters)
    if isinstance(how.max_features, int) and how.max_features > len(feature_names):
        raise InputError(
            f"Classifier: max_features is {how.max_features}, but there are "
            f"{len(feature_names)} features."
        )
    forest = RandomForestClassifier if kind == "random-forest" else ExtraTreesClassifier
    estimator = forest(
        n_estimators=how.n_trees,
        criterion="gini",
        max_features=how.max_features,
        min_samples_leaf=how.min_samples_leaf,
        max_depth=how.max_depth,
        class_weight=how.class_weight,
        bootstrap=kind == "random-forest",
        random_state=seed,
        n_jobs=threads,
    )
    # A table, not the bare array, so that the estimator remembers the names of its features.
    table = pd.DataFrame(features, columns=list(feature_names), copy=False)
    estimator.fit(table, codes, sample_weight=weight)
    # How many threads fitted a forest is no part of it: equal forests, equal files.
    estimator.set_params(n_jobs=1)
    return estimator


Parameters = TypeVar("Parameters", ForestParameters, NetworkParameters)


def _as(noun: type[Parameters], given: Noun | Mapping[str, Any] | None) -> Parameters:
    if isinstance(given, noun):
        return given
    if isinstance(given, Noun):
        raise InputError(f"Classifier: expected {noun.__name__}, found {type(given).__name__}.")
    return noun.from_document(dict(given or {}))


def _check_weights(weights: ArrayLike | None, n: int) -> NDArray[np.float64] | None:
    if weights is None:
        return None
    weight = np.asarray(weights, dtype=np.float64)
    if weight.shape != (n,) or not np.isfinite(weight).all() or weight.min() < 0:
        raise InputError(
            f"Classifier: expected {n} weights that are not negative, found shape {weight.shape}."
        )
    return weight


def _check_finite(features: Features, feature_names: Sequence[str]) -> None:
    is_bad = ~np.isfinite(features)
    if is_bad.any():
        bad = [feature_names[column] for column in np.flatnonzero(is_bad.any(axis=0))[:3]]
        raise InputError(
            f"Classifier: expected a finite value for every feature, found "
            f"{int(is_bad.any(axis=1).sum())} of {len(features)} rows without "
            f"(first in {', '.join(bad)}); drop these rows and their labels."
        )


def _check_labels(labels: ArrayLike, n: int) -> NDArray[np.uint8]:
    codes = np.asarray(labels)
    if codes.shape != (n,):
        raise InputError(f"Classifier: expected {n} labels, found shape {codes.shape}.")
    if codes.dtype.kind not in "iu":
        raise InputError(f"Classifier: expected integer class codes, found {codes.dtype}.")
    present = np.unique(codes)
    if present.size and (present[0] < 1 or present[-1] > 255):
        raise InputError(
            f"Classifier: expected class codes 1 to 255, found {present[0]} to {present[-1]}; "
            "0 is nodata and no class."
        )
    if present.size < 2:
        raise InputError(
            f"Classifier: expected at least two classes, found {present.tolist()}; "
            "add labels of other classes."
        )
    return codes.astype(np.uint8)
