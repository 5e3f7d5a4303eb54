"""How far two classes lie apart in the space of their features."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from landcover.errors import InputError
from landcover.nouns.shown import as_html, one_line

MERGE_BELOW = 1.0
"""Jeffries-Matusita distance below which two classes are better merged.

Method: docs/methods/explanation.md#separability.
"""
GOOD_ABOVE = 1.9
"""Distance above which two classes are told apart well."""
_RIDGE = 1e-6


class Separability(NamedTuple):
    """Distances between all pairs of classes."""

    codes: NDArray[np.int64]
    """Class codes, (K,), ascending."""
    distance: NDArray[np.float64]
    """Jeffries-Matusita distance, (K, K), 0-2, symmetric, 0 on the diagonal; NaN where a class
    has too few samples for a covariance."""
    n: NDArray[np.int64]
    """Samples of each class, (K,)."""

    def __repr__(self) -> str:
        return one_line(self)

    def _repr_html_(self) -> str:
        return as_html(self)


def jeffries_matusita(samples: ArrayLike, labels: ArrayLike) -> Separability:
    """Compute the Jeffries-Matusita distance between classes taken as normal distributions.

    B = 1/8 Δμᵀ Σ⁻¹ Δμ + ½ ln(|Σ| / √(|Σ₁||Σ₂|)), Σ = (Σ₁+Σ₂)/2; JM = 2(1 - e^-B) (Bruzzone et
    al. 1995). Covariances have ddof 1 and 1e-6 of their mean variance on the diagonal. A single
    feature with no spread in any class makes every distance 0 or 2.

    Args:
        samples: Features, (n, d); rows with NaN are left out.
        labels: Class code of each row, integer, (n,).

    Returns:
        The distances; NaN for a class of at most d + 1 samples.

    Raises:
        InputError: Shapes do not fit.

    Examples:
        >>> import numpy as np
        >>> from landcover import api
        >>> draw = np.random.default_rng(0).normal
        >>> ndvi = np.r_[draw(0.2, 0.05, 50), draw(0.7, 0.05, 50)]
        >>> float(api.jeffries_matusita(ndvi, np.repeat([1, 2], 50)).distance[0, 1].round(2))
        2.0
    """
    features = np.asarray(samples, dtype=np.float64)
    code = np.asarray(labels)
    if features.ndim == 1:
        features = features[:, None]
    if features.ndim != 2 or code.shape != features.shape[:1]:
        raise InputError(
            f"Separability: expected features (n, d) and n labels, found {features.shape} and "
            f"{code.shape}."
        )
    known = np.isfinite(features).all(axis=1)
    features, code = features[known], code[known]
    codes, n = np.unique(code, return_counts=True)
    k, d = codes.size, features.shape[1]
    means = np.array([features[code == c].mean(axis=0) for c in codes]).reshape(k, d)
    spreads: list[NDArray[np.float64] | None] = [
        _covariance(features[code == c]) if count > d + 1 else None
        for c, count in zip(codes, n, strict=True)
    ]
    distance = np.zeros((k, k))
    for i in range(k):
        for j in range(i + 1, k):
            distance[i, j] = distance[j, i] = _distance(means[i] - means[j], spreads[i], spreads[j])
        if spreads[i] is None:
            distance[i, i] = np.nan
    return Separability(codes.astype(np.int64), distance, n.astype(np.int64))


def apart_by_feature(
    samples: NDArray[np.float64], labels: ArrayLike, pair: Sequence[int], names: Sequence[str]
) -> list[tuple[str, float]]:
    """Rank single features by how far they hold two classes apart.

    Args:
        samples: Features, (n, d).
        labels: Class code of each row, (n,).
        pair: The two codes.
        names: Names of the features, (d,).

    Returns:
        (feature, Jeffries-Matusita distance by it alone), the farthest first; features whose
        distance is unknown are left out.
    """
    code = np.asarray(labels)
    chosen = np.isin(code, list(pair))
    ranked = []
    for column, name in enumerate(names):
        alone = jeffries_matusita(samples[chosen, column], code[chosen])
        if alone.codes.size == 2 and not np.isnan(alone.distance[0, 1]):
            ranked.append((name, float(alone.distance[0, 1])))
    return sorted(ranked, key=lambda entry: (-entry[1], entry[0]))


def _covariance(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    covariance = np.atleast_2d(np.cov(rows, rowvar=False, ddof=1))
    d = covariance.shape[0]
    ridge = _RIDGE * np.trace(covariance) / d
    found: NDArray[np.float64] = covariance + ridge * np.eye(d)
    return found


def _distance(
    apart: NDArray[np.float64],
    one: NDArray[np.float64] | None,
    other: NDArray[np.float64] | None,
) -> float:
    if one is None or other is None:
        return math.nan
    middle = (one + other) / 2
    signs, logs = zip(*(np.linalg.slogdet(m) for m in (middle, one, other)), strict=True)
    if min(signs) <= 0:  # no spread at all: a point each
        return 0.0 if not apart.any() else 2.0
    mahalanobis = float(apart @ np.linalg.solve(middle, apart))
    bhattacharyya = mahalanobis / 8 + (logs[0] - (logs[1] + logs[2]) / 2) / 2
    return float(2 * -np.expm1(-max(bhattacharyya, 0.0)))
