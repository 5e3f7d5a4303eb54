"""What a model goes by: Shapley values of a forest, and what permuted features cost any model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from scipy.stats import rankdata

from landcover.errors import InputError
from landcover.learn.classifiers import feature_matrix
from landcover.learn.kinds.contract import classifier_of
from landcover.learn.models import Model
from landcover.nouns.explanation import EXPLAINED_ROWS
from landcover.nouns.shown import as_html, one_line

Floats = NDArray[np.float64]
PERMUTED_ROWS = 1000
"""Rows whose answers are watched while features are permuted."""
REPEATS = 5
CORRELATED = 0.9
"""Rank correlation above which features stand in for one another.

Method: docs/methods/explanation.md#permutation.
"""


class Cluster(NamedTuple):
    """Features that stand in for one another, and what is lost without them."""

    features: tuple[str, ...]
    """Names, in the model's order."""
    drop: float
    """Mean producer's accuracy of the classes that is lost when these features are permuted
    together, 0-1; negative by chance."""
    spread: float
    """Standard deviation over the permutations (ddof 0)."""


class Explained(NamedTuple):
    """What a model goes by on some rows."""

    feature_names: tuple[str, ...]
    """The d features."""
    classes: NDArray[np.uint8]
    """The K class codes."""
    rows: NDArray[np.int64]
    """Positions of the explained rows among the samples, (n,), ascending."""
    is_averaged: NDArray[np.bool_]
    """True on rows that the means are taken over, (n,)."""
    values: Floats | None
    """What each feature adds to the probability of each class, (n, d, K); None where the kind
    has no Shapley values. Factors of a prior are not in it."""
    expected: Floats | None
    """Probability of each class when no feature is known, (K,)."""
    importance: Floats | None
    """Mean absolute value over the rows, (d, K)."""
    clusters: tuple[Cluster, ...]
    """What permuted features cost, the most first; empty without labels."""

    def __repr__(self) -> str:
        return one_line(self)

    def _repr_html_(self) -> str:
        return as_html(self)


class HoldsModel(Protocol):
    """A model beside its card, as ``api.load_model`` gives it."""

    @property
    def model(self) -> Model:
        """The model."""
        ...


def explain(
    model: Model | HoldsModel,
    samples: pd.DataFrame | ArrayLike,
    labels: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    *,
    training: pd.DataFrame | ArrayLike | None = None,
    max_rows: int = EXPLAINED_ROWS,
    extra: ArrayLike = (),
    clusters: Sequence[Cluster] | None = None,
    seed: int = 0,
    threads: int = 1,
    progress: Callable[[float, float], None] | None = None,
) -> Explained:
    """Explain a model on samples, best on some that it was not trained on.

    Args:
        model: The model.
        samples: Table with the features by name, or an array (n, d) in the model's order; rows
            that lack a feature are left out.
        labels: Class code of each row, integer, (n,): rows are then chosen class by class, and
            the cost of permuted features is measured.
        groups: Group of each row (point, polygon): rows are chosen from as many as possible.
        training: The rows that the model was fitted on, which say how likely each branch of a
            forest is; the samples themselves if None.
        max_rows: Most rows that are explained.
        extra: Positions of rows that are explained beside them and take no part in the means.
        clusters: What permuted features cost, where it is known already.
        seed: Seed of the choice and of the permutations.
        threads: Threads; they change no value.
        progress: Is told the share of the rows that is done, 0-1, and the seconds that are left.

    Returns:
        What was found. Of a kind without Shapley values only what permuted features cost.

    Raises:
        InputError: A feature is missing, no row has all of them, or lengths differ.

    Examples:
        >>> import numpy as np
        >>> import pandas as pd
        >>> from landcover import api
        >>> draw = np.random.default_rng(0).normal
        >>> table = pd.DataFrame({"ndvi": np.r_[draw(0.2, 0.05, 50), draw(0.7, 0.05, 50)],
        ...                       "slope": draw(5, 1, 100)})
        >>> labels = np.repeat([1, 2], 50)
        >>> model = api.fit_classifier(table, labels)
        >>> api.explain(model, table, labels).clusters[0].features
        ('ndvi',)
    """
    model = model if isinstance(model, Model) else model.model
    table = feature_matrix(samples, model.feature_names)
    is_whole = np.isfinite(table).all(axis=1)
    if not is_whole.any():
        raise InputError(f"Explanation: none of {len(table)} rows has every feature of the model.")
    codes = np.zeros(len(table), dtype=np.int64) if labels is None else np.asarray(labels)
    belongs = np.arange(len(table)) if groups is None else np.asarray(groups)
    if codes.shape != (len(table),) or belongs.shape != (len(table),):
        raise InputError(
            f"Explanation: expected {len(table)} labels and groups, found {codes.shape} and "
            f"{belongs.shape}."
        )
    whole = np.flatnonzero(is_whole)

    def chosen(n: int) -> NDArray[np.int64]:
        return whole[choose_rows(codes[whole], belongs[whole], n, seed=seed)]

    if clusters is None:
        clusters = ()
        if labels is not None:
            judged = chosen(PERMUTED_ROWS)
            clusters = permutation_importance(model, table[judged], codes[judged], seed=seed)
    rows = chosen(max_rows)
    names, classes = model.feature_names, model.classes
    fitted = table[is_whole] if training is None else feature_matrix(training, names)
    beside = np.intersect1d(np.asarray(extra, dtype=np.int64), whole)
    every = np.union1d(rows, beside)
    # Of prepared features Shapley values would tell of components, not of features.
    found = None
    if model.preparation is None:
        found = classifier_of(model.kind).explain(
            model.packed,
            fitted[np.isfinite(fitted).all(axis=1)],
            table[every],
            threads=threads,
            progress=progress,
        )
    if found is None:
        averaged = np.ones(rows.size, dtype=np.bool_)
        return Explained(names, classes, rows, averaged, None, None, None, tuple(clusters))
    averaged = np.isin(every, rows)
    importance = np.abs(found.values[averaged]).mean(axis=0)
    return Explained(
        names, classes, every, averaged, found.values, found.expected, importance, tuple(clusters)
    )


def choose_rows(
    codes: ArrayLike, groups: ArrayLike, max_rows: int, *, seed: int = 0
) -> NDArray[np.int64]:
    """Choose as many rows of every class as of any other, from as many groups as possible.

    A group gives a second row only when every group of its class has given one.

    Args:
        codes: Class code of each row, (n,).
        groups: Group of each row, (n,).
        max_rows: Most rows in all; at least one of each class is chosen nevertheless.
        seed: Seed of the choice.

    Returns:
        Positions of the rows, ascending. A class with fewer rows leaves its share to others.
    """
    table = pd.DataFrame({"code": np.asarray(codes), "group": np.asarray(groups).astype(str)})
    if table.empty:
        return np.zeros(0, dtype=np.int64)
    table["draw"] = np.random.default_rng(seed).random(len(table))
    table = table.sort_values("draw")
    table["turn"] = table.groupby("group").cumcount()
    table = table.sort_values(["turn", "draw"])
    table["rank"] = table.groupby("code").cumcount()
    quota = _quota(table["code"].value_counts().to_numpy(dtype=np.int64), max_rows)
    return np.sort(table.index[table["rank"] < quota].to_numpy(dtype=np.int64))


def _quota(sizes: NDArray[np.integer], most: int) -> int:
    """Find the largest number of rows per class with which the sum stays within ``most``."""
    quota = 1
    while quota < sizes.max() and np.minimum(sizes, quota + 1).sum() <= most:
        quota += 1
    return quota


def correlated_features(
    rows: ArrayLike, *, threshold: float = CORRELATED
) -> list[NDArray[np.int64]]:
    """Group features of which any two have a rank correlation above a threshold.

    Args:
        rows: Finite features, (n, d).
        threshold: Absolute Spearman correlation, 0-1.

    Returns:
        Columns of each group (complete linkage), by their first column. A feature without any
        spread stays alone.
    """
    ranks = np.apply_along_axis(rankdata, 0, np.asarray(rows, dtype=np.float64))
    d = ranks.shape[1]
    centred = ranks - ranks.mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=0))
    unit = centred / np.where(length > 0, length, 1)
    if d == 1:
        return [np.zeros(1, dtype=np.int64)]
    apart = 1 - np.clip(np.abs(unit.T @ unit), 0, 1)
    np.fill_diagonal(apart, 0)
    tree = linkage(squareform(apart, checks=False), method="complete")
    label = fcluster(tree, 1 - threshold, criterion="distance")
    found = [np.flatnonzero(label == value) for value in np.unique(label)]
    return sorted(found, key=lambda columns: int(columns[0]))


def permutation_importance(
    model: Model,
    rows: NDArray[np.float32],
    codes: ArrayLike,
    *,
    repeats: int = REPEATS,
    threshold: float = CORRELATED,
    seed: int = 0,
) -> tuple[Cluster, ...]:
    """Measure what a model loses when features that stand in for one another are permuted.

    One of two correlated features can be replaced by the other, so permuting it alone would
    cost nothing (Breiman 2001; grouped as in docs/methods/explanation.md#permutation).

    Args:
        model: The model.
        rows: Finite features in the model's order, float32, (n, d), held out of training.
        codes: Class code of each row, (n,).
        repeats: Permutations of each group.
        threshold: Rank correlation above which features form a group.
        seed: Seed of the permutations.

    Returns:
        One entry per group of features, the costliest first.
    """
    reference = np.asarray(codes)
    whole = mean_recall(model.predict(rows)[0], reference)
    rng = np.random.default_rng(seed)
    found = []
    for columns in correlated_features(rows, threshold=threshold):
        drops = []
        for _ in range(repeats):
            mixed = rows.copy()
            mixed[:, columns] = rows[rng.permutation(len(rows))][:, columns]
            drops.append(whole - mean_recall(model.predict(mixed)[0], reference))
        names = tuple(model.feature_names[column] for column in columns)
        found.append(Cluster(names, float(np.mean(drops)), float(np.std(drops))))
    return tuple(sorted(found, key=lambda cluster: (-cluster.drop, cluster.features)))


def mean_recall(predicted: NDArray[np.integer], reference: NDArray[np.integer]) -> float:
    """Give the mean producer's accuracy of the classes of the reference, 0-1."""
    is_right = predicted == reference
    return float(np.mean([is_right[reference == code].mean() for code in np.unique(reference)]))


def contrast(
    values: Floats, codes: ArrayLike, classes: Sequence[int], pair: Sequence[int]
) -> Floats:
    """Tell how much each feature helps a forest to tell two classes apart.

    Args:
        values: Shapley values of rows, (n, d, K).
        codes: Reference code of each row, (n,).
        classes: The K codes.
        pair: The two classes.

    Returns:
        (d,): what the feature adds, in the mean over the rows of either class, to its own class
        over the other; each class counts the same, negative where it misleads. Zero where
        neither class has a row.
    """
    code = np.asarray(codes)
    first, second = (list(classes).index(one) for one in pair)
    toward = values[:, :, first] - values[:, :, second]
    parts = [
        sign * toward[code == one].mean(axis=0)
        for sign, one in zip((1, -1), pair, strict=True)
        if (code == one).any()
    ]
    return np.mean(parts, axis=0) if parts else np.zeros(values.shape[1])
