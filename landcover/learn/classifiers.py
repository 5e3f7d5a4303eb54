"""Samples checked, and a classifier of any kind fitted on them; see :mod:`.kinds`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from landcover.errors import InputError
from landcover.learn.kinds.contract import TrainingRows, classifier_of
from landcover.nouns.base import Noun
from landcover.nouns.classifiers import CLASSIFIERS, DEFAULT, ClassifierRow, ModelKind

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


def training_rows(
    samples: pd.DataFrame | ArrayLike,
    labels: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    feature_names: Sequence[str],
    weights: ArrayLike | None = None,
    limits: Mapping[str, tuple[float, float]] | None = None,
) -> TrainingRows:
    """Check samples before a classifier is fitted on them.

    Args:
        samples: Table with the features by name, or an array (n, d), without NaN.
        labels: Class code of each row, integer, (n,), 1 … 255.
        groups: Group of each row; what stops a fit early is then whole groups.
        feature_names: Features in the order that the model reads them.
        weights: Weight of each row, (n,), not negative.
        limits: Feature → values that become -1 and 1 in kinds that scale their features.

    Raises:
        InputError: A row lacks a feature, labels or weights do not fit, or only one class is
            there.
    """
    features = feature_matrix(samples, feature_names)
    _check_finite(features, feature_names)
    return TrainingRows(
        features,
        _check_labels(labels, len(features)),
        tuple(feature_names),
        None if groups is None else np.asarray(groups),
        _check_weights(weights, len(features)),
        limits,
    )


def fit_estimator(
    rows: TrainingRows,
    *,
    kind: ModelKind = DEFAULT,
    parameters: Noun | Mapping[str, Any] | None = None,
    seed: int = 0,
    threads: int = 1,
) -> Any:
    """Fit an estimator, most often one of scikit-learn's.

    Args:
        rows: Training rows.
        kind: Which classifier.
        parameters: How it is fitted; the defaults of its row where None.
        seed: Seed of the fit; the same seed gives the same estimator for any number of threads.
        threads: Threads of the fit.

    Returns:
        The fitted estimator.

    Raises:
        InputError: Kind or parameters are unknown, or do not fit the rows.
    """
    how = _as(require_kind(kind).parameters, parameters)
    return classifier_of(kind).fit(rows, how, seed=seed, threads=threads)


def require_kind(kind: str) -> ClassifierRow:
    """Find the row of a kind of classifier.

    Raises:
        InputError: There is none of this name.
    """
    if kind not in CLASSIFIERS:
        raise InputError(f"Classifier: expected one of {', '.join(CLASSIFIERS)}, found {kind!r}.")
    return CLASSIFIERS[kind]


def _as(noun: type[Noun], given: Noun | Mapping[str, Any] | None) -> Noun:
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
