"""Principal components, and how many of them are enough.

Method: docs/methods/preparation.md#components.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from landcover.recipe.preparing import Components

Floats = NDArray[np.float64]


class Spectrum(NamedTuple):
    """Variance of the components, the largest first."""

    explained: tuple[float, ...]
    """Share of the variance of each, 0-1."""
    chosen: int
    """Components that stay."""
    by_share: int
    """Those that ``cev`` takes."""
    by_elbow: int
    """Those that ``elbow`` takes."""


def fit_components(how: Components, scaled: Floats) -> tuple[Floats, Floats, Spectrum]:
    """Find the axes of largest variance.

    Args:
        how: How many.
        scaled: Rows, (n, m), of which something varies.

    Returns:
        The mean, (m,); the axes, (m, q), each with its largest loading positive; and the spectrum.
    """
    mean = scaled.mean(axis=0)
    _, singular, axes = np.linalg.svd(scaled - mean, full_matrices=False)
    variance = singular**2
    spectrum = choose_number(variance / variance.sum(), how)
    kept = axes[: spectrum.chosen].T
    largest = np.abs(kept).argmax(axis=0)
    kept = kept * np.sign(kept[largest, np.arange(kept.shape[1])])
    return mean, np.ascontiguousarray(kept), spectrum


def choose_number(explained: ArrayLike, how: Components) -> Spectrum:
    """Say how many components are enough.

    Args:
        explained: Share of the variance of each, descending, (m,).
        how: The rule.
    """
    shares = np.asarray(explained, dtype=np.float64)
    enough = np.cumsum(shares) >= how.explained - 1e-12
    by_share = int(enough.argmax()) + 1 if enough.any() else shares.size
    by_elbow = _elbow(shares)
    # Halves go to the even number, as Python rounds.
    both = {"cev": by_share, "elbow": by_elbow, "average": round((by_share + by_elbow) / 2)}
    return Spectrum(tuple(shares.tolist()), both[how.rule], by_share, by_elbow)


def _elbow(shares: Floats) -> int:
    """Find the knee of a falling curve (Satopää et al. 2011); 1 where there is none."""
    span = np.ptp(shares)
    if shares.size < 2 or span == 0:
        return 1
    place = np.arange(shares.size) / (shares.size - 1)
    height = (shares - shares.min()) / span
    return int(((1 - place) - height).argmax()) + 1
