"""Recursive feature elimination with an elastic net (the landcoverpy paper).

Method: docs/methods/classifiers.md#feature-elimination.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import (  # type: ignore[import-untyped, unused-ignore]
    LogisticRegression,
)

from landcover.errors import InputError
from landcover.learn.classifiers import feature_matrix
from landcover.learn.sampling import thin_by_group

PAPER_FEATURES = 30
"""Features that the paper keeps of 72."""
MOST_ROWS = 5_000
"""Rows that a search runs on; more change its ranking little and its time much.

Method: docs/methods/classifiers.md#feature-elimination.
"""


class Selection(NamedTuple):
    """Which features stay, and how long each did."""

    kept: tuple[str, ...]
    """Features that stay, in the order of the columns."""
    ranking: tuple[int, ...]
    """Rank of each feature, in the order of the columns: 1 stays, 2 left last, …"""
    n_rows: int
    """Rows that it was decided on."""


def select_features(
    samples: pd.DataFrame | ArrayLike,
    labels: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    feature_names: Sequence[str],
    n_features: int = PAPER_FEATURES,
    step: int = 1,
    max_rows: int | None = MOST_ROWS,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> Selection:
    """Eliminate features one after the other by the weights of a multinomial elastic net.

    Logistic regression (half L1, half L2, C = 1, SAGA) on standardised features; the importance of
    a feature is the sum of its squared weights over classes; the least important goes, the later
    column at a tie, and the net is fitted anew from where it was.

    Args:
        samples: Table with the features by name, or an array (n, d), without NaN.
        labels: Class code of each row, integer, (n,).
        groups: Group of each row; where rows are too many, whole groups of every class stay.
        feature_names: Features in the order of the columns.
        n_features: How many stay.
        step: How many go at a time.
        max_rows: Most rows that are used; None for all.
        seed: Seed of the rows and of the fit.
        progress: Is told the share that is done, 0-1.

    Returns:
        The selection.

    Raises:
        InputError: There is one class only, or fewer features than shall stay.

    Examples:
        >>> import numpy as np
        >>> import pandas as pd
        >>> from landcover import api
        >>> draw = np.random.default_rng(0).normal
        >>> table = pd.DataFrame({"ndvi": np.r_[draw(0.2, 0.05, 50), draw(0.7, 0.05, 50)],
        ...                       "slope": draw(5, 1, 100)})
        >>> api.select_features(table, np.repeat([1, 2], 50), feature_names=list(table),
        ...                     n_features=1).kept
        ('ndvi',)
    """
    names = tuple(feature_names)
    if not 1 <= n_features <= len(names) or step < 1:
        raise InputError(
            f"Selection: expected 1 to {len(names)} features and a step from 1, found {n_features} "
            f"and {step}."
        )
    features, codes = feature_matrix(samples, names), np.asarray(labels)
    if codes.shape != features.shape[:1] or np.unique(codes).size < 2:
        raise InputError("Selection: expected a label for each row and at least two classes.")
    if max_rows is not None and len(codes) > max_rows:
        belongs = np.arange(len(codes)) if groups is None else np.asarray(groups)
        keep = thin_by_group(codes, belongs, max_rows, seed=seed)
        features, codes = features[keep], codes[keep]
    rows = features.astype(np.float64)
    spread = rows.std(axis=0)
    rows = (rows - rows.mean(axis=0)) / np.where(spread > 0, spread, 1)
    return _eliminate(rows, codes, names, n_features, step, seed, progress)


def _eliminate(
    rows: NDArray[np.float64],
    codes: NDArray[np.integer],
    names: tuple[str, ...],
    n_features: int,
    step: int,
    seed: int,
    progress: Callable[[float], None] | None,
) -> Selection:
    left = np.arange(len(names))
    leaving: list[NDArray[np.intp]] = []
    net = LogisticRegression(
        l1_ratio=0.5, solver="saga", C=1.0, max_iter=10_000, tol=1e-3, warm_start=True,
        random_state=seed,
    )  # fmt: skip
    n_all = len(names) - n_features
    while left.size > n_features:
        with warnings.catch_warnings():
            # Ten thousand rounds without convergence still rank features.
            warnings.simplefilter("ignore", ConvergenceWarning)
            net.fit(rows[:, left], codes)
        importance = (net.coef_**2).sum(axis=0)
        # Ascending importance, the later column first at a tie.
        order = np.lexsort((-np.arange(left.size), importance))
        gone = order[: min(step, left.size - n_features)]
        stays = np.setdiff1d(np.arange(left.size), gone)
        leaving.append(left[gone])
        left = left[stays]
        net.coef_ = net.coef_[:, stays]
        if progress is not None:
            progress((len(names) - left.size) / n_all)
    ranking = np.ones(len(names), dtype=int)
    for rank, gone in enumerate(reversed(leaving), start=2):
        ranking[gone] = rank
    return Selection(
        kept=tuple(names[column] for column in left),
        ranking=tuple(int(rank) for rank in ranking),
        n_rows=len(rows),
    )
