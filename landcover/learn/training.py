"""The fit of a neural network that stops when held-out groups no longer gain."""

from __future__ import annotations

import warnings
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import (  # type: ignore[import-untyped, unused-ignore]
    GroupShuffleSplit,
)
from sklearn.neural_network import (  # type: ignore[import-untyped, unused-ignore]
    MLPClassifier,
)

from landcover.nouns.classifiers import NetworkParameters

STEPS = 50
"""Least steps of an epoch: a few hundred rows in steps of 200 would never leave the start."""
LEAST_BATCH = 8
"""Rows of a step below which its direction is mostly chance."""
PATIENCE = 10
"""Epochs without gain before a fit stops (scikit-learn's default)."""


def fit_network(
    features: NDArray[np.float32],
    codes: NDArray[np.uint8],
    groups: ArrayLike | None,
    parameters: NetworkParameters,
    weights: NDArray[np.float64] | None,
    seed: int,
) -> Any:
    """Fit the paper's multilayer perceptron.

    A tenth of the groups decides when to stop. (scikit-learn's own early stopping takes rows, of
    which eight of nine have their neighbours in training.) The weights of the best epoch stay.

    Args:
        features: Scaled features, (n, d).
        codes: Class code of each row, (n,).
        groups: Group of each row; every row its own where None.
        parameters: Layers and schedule.
        weights: Weight of each row; None for equal ones.
        seed: Seed of initial weights, order and held-out groups.
    """
    values = features.astype(np.float64)
    belongs = np.arange(len(values)) if groups is None else np.asarray(groups)
    trains, judges = _hold_out(codes, belongs, parameters.held_out, seed)
    estimator = MLPClassifier(
        hidden_layer_sizes=parameters.hidden,
        activation="logistic",
        solver="adam",
        learning_rate_init=parameters.learning_rate,
        alpha=parameters.l2,
        batch_size=min(parameters.batch, trains.size, max(LEAST_BATCH, trains.size // STEPS)),
        max_iter=1,
        warm_start=False,
        random_state=seed,
    )
    weight = np.ones(len(values)) if weights is None else weights
    every = np.unique(codes)
    columns = np.searchsorted(every, codes[judges])
    order = np.random.default_rng(seed)
    best: tuple[float, list[Any], list[Any]] | None = None
    idle = 0
    for epoch in range(parameters.epochs):
        rows = order.permutation(trains)
        with warnings.catch_warnings():
            # One call is one epoch here; that it has not converged is no news.
            warnings.simplefilter("ignore", ConvergenceWarning)
            estimator.partial_fit(
                values[rows],
                codes[rows],
                classes=every if epoch == 0 else None,
                sample_weight=weight[rows],
            )
        if not judges.size:
            continue
        # The loss falls long before the first answer changes, so it stops no fit at its start.
        chance = estimator.predict_proba(values[judges])[np.arange(judges.size), columns]
        loss = float(-np.average(np.log(np.clip(chance, 1e-15, 1)), weights=weight[judges]))
        if best is None or loss < best[0] - 1e-4:
            best = loss, deepcopy(estimator.coefs_), deepcopy(estimator.intercepts_)
            idle = 0
        else:
            idle += 1
            if idle >= PATIENCE:
                break
    if best is not None:
        estimator.coefs_, estimator.intercepts_ = best[1], best[2]
    return estimator


def _hold_out(
    codes: NDArray[np.uint8], groups: NDArray[Any], share: float, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Choose groups that decide when to stop; none where a class would vanish from training."""
    whole = np.arange(len(codes))
    if not share or np.unique(groups).size < 10:
        return whole, whole[:0]
    split = GroupShuffleSplit(n_splits=5, test_size=share, random_state=seed)
    for trains, judges in split.split(whole, codes, groups):
        if np.unique(codes[trains]).size == np.unique(codes).size:
            return trains, judges
    return whole, whole[:0]
