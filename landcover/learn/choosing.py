"""Which of the scaled features stay: the HRLC deck's two ways.

Method: docs/methods/preparation.md#selection.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_selection import (  # type: ignore[import-untyped, unused-ignore]
    RFECV,
    mutual_info_classif,
)
from sklearn.svm import SVC  # type: ignore[import-untyped, unused-ignore]

from landcover.errors import InputError
from landcover.learn.folds import unit_folds
from landcover.learn.kinds.contract import TrainingRows
from landcover.learn.sampling import thin_by_group
from landcover.recipe.preparing import FeatureSelection

NEIGHBOURS = 3
"""Neighbours by which mutual information is estimated (Kraskov et al. 2004; the deck's number)."""
MI_SEED = 42
"""Seed of its tiny noise, the deck's."""
Floats = NDArray[np.float64]
log = logging.getLogger(__name__)


class Choice(NamedTuple):
    """Which features stay."""

    names: tuple[str, ...]
    """All features that were chosen from."""
    kept: tuple[int, ...]
    """Columns that stay, ascending."""
    correlation: Floats | None = None
    """Pearson's R of all, (m, m); None of ``rfecv``."""
    scores: tuple[float, ...] = ()
    """What each feature tells for its correlation with all others; empty of ``rfecv``."""
    by_number: tuple[float, ...] = ()
    """Mean macro F1 of ``rfecv`` from the fewest features to all; empty otherwise."""


def choose_features(
    how: FeatureSelection,
    scaled: Floats,
    rows: TrainingRows,
    names: tuple[str, ...],
    *,
    seed: int = 0,
) -> Choice:
    """Choose features on training rows.

    Args:
        how: The way.
        scaled: Scaled features that vary, (n, m).
        rows: The rows: classes and groups.
        names: Names of the m features.
        seed: Seed of rows and folds.

    Returns:
        The choice, at least one feature.

    Raises:
        InputError: A fixed feature is none of them, or there are fewer groups than folds.
    """
    groups = np.arange(len(scaled)) if rows.groups is None else rows.groups
    codes = rows.codes
    if len(scaled) > how.rows:
        keep = thin_by_group(codes, groups, how.rows, seed=seed)
        scaled, codes, groups = scaled[keep], codes[keep], groups[keep]
    if how.method == "rfecv":
        return _eliminate(how, scaled, codes, groups, names, seed)
    unknown = sorted(set(how.fixed) - set(rows.names))
    if unknown:
        raise InputError(
            f"model.selection.fixed: {unknown[0]} is none of the {len(rows.names)} features; "
            "name features as the model's card does."
        )
    if scaled.shape[1] < 2:
        return Choice(names, (0,))
    correlation = np.asarray(np.corrcoef(scaled, rowvar=False))
    information = mutual_info_classif(scaled, codes, n_neighbors=NEIGHBOURS, random_state=MI_SEED)
    fixed = [column for column, name in enumerate(names) if name in how.fixed]
    kept, scores = drop_collinear(
        correlation, information, how.threshold, fixed=fixed, skip_dropped=how.skip_dropped
    )
    return Choice(names, kept, correlation, tuple(scores.tolist()))


def drop_collinear(
    correlation: Floats,
    information: Floats,
    threshold: float,
    *,
    fixed: Sequence[int] = (),
    skip_dropped: bool = False,
) -> tuple[tuple[int, ...], Floats]:
    """Drop features that correlate with one that tells more: the deck's "hybrid ranking".

    Args:
        correlation: Pearson's R, (m, m).
        information: Mutual information of each feature with the class, (m,).
        threshold: |R| above which one of two goes.
        fixed: Columns that are never dropped.
        skip_dropped: Whether a dropped feature is compared no more; as published it is.

    Returns:
        Columns that stay, ascending; and the score MI / (1 + |mean R|) of each, (m,), the mean
        signed and with the diagonal, as published.
    """
    scores = information / (1 + np.abs(correlation.mean(axis=1)))
    is_dropped = np.zeros(len(scores), dtype=np.bool_)
    is_fixed = np.zeros(len(scores), dtype=np.bool_)
    is_fixed[list(fixed)] = True
    for a in range(len(scores)):
        if skip_dropped and is_dropped[a]:
            continue
        for b in np.flatnonzero(np.abs(correlation[a, :a]) > threshold):
            if skip_dropped and is_dropped[b]:
                continue
            if scores[a] > scores[b] or is_fixed[a]:
                is_dropped[b] |= not is_fixed[b]
            else:
                is_dropped[a] = True
                break
    return tuple(np.flatnonzero(~is_dropped).tolist()), scores


def _eliminate(
    how: FeatureSelection,
    scaled: Floats,
    codes: NDArray[np.uint8],
    groups: NDArray[np.generic],
    names: tuple[str, ...],
    seed: int,
) -> Choice:
    fold = unit_folds(codes, groups, how.folds, seed=seed)
    splits = [(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in range(how.folds)]
    machine = SVC(kernel="linear")
    _estimate(machine, scaled, codes, how)
    found = RFECV(
        machine, step=how.step, cv=splits, scoring="f1_macro", importance_getter="auto"
    ).fit(scaled, codes)
    scores = found.cv_results_["mean_test_score"]
    return Choice(
        names, tuple(np.flatnonzero(found.support_).tolist()), by_number=tuple(scores.tolist())
    )


def _estimate(
    machine: SVC, scaled: Floats, codes: NDArray[np.uint8], how: FeatureSelection
) -> None:
    """Say before an elimination how long it takes: fits get shorter as features go."""
    began = time.process_time()
    machine.fit(scaled, codes)
    one = time.process_time() - began
    # Each fold and all rows are eliminated, and what is left of those is fitted once more.
    n_fits = (how.folds + 1) * -(-scaled.shape[1] // how.step) + 1
    log.info(
        "selection: rfecv fits %s machines of up to %s features, at most %.0f CPU s "
        "(model.selection.step: larger is faster)",
        n_fits, scaled.shape[1], one * n_fits,
    )  # fmt: skip
