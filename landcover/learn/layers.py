"""What a map may tell of each pixel beside class and confidence (docs/methods/trust.md#layers)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landcover.learn.applicability import Applicability, is_outside
from landcover.learn.conformal import is_plausible

Layer = NDArray[np.uint8]
SCALE = 254
"""Share = layer / 254."""
NODATA = 255
"""Nodata of confidence and of every further layer."""
DIFFERS = "differs"
"""Name of the layer that is only counted."""


@dataclass(frozen=True)
class ExtraLayers:
    """Which further layers are computed, and from what."""

    probabilities: bool = False
    """Calibrated probabilities of all classes, (K, n)."""
    entropy: bool = False
    """-Σ p ln p / ln K of the calibrated probabilities: 0 one class for certain, 1 all alike."""
    margin: bool = False
    """Calibrated probability of the likeliest class less that of the second."""
    differs: bool = False
    """Where calibration would name another class, 1, else 0: what a map counts, no file of it."""
    applicability: Applicability | None = None
    """With it, ``trust``: 0 like the training samples, 1 unlike all of them."""
    set_threshold: float | None = None
    """With it, ``set_size``: number of classes whose score is not above; scores are of
    probabilities before calibration, as those that set the threshold."""


NO_EXTRA_LAYERS = ExtraLayers()
"""Class and confidence only."""


def normalised_entropy(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute -Σ p ln p / ln K of each row, 0 … 1; 0 · ln 0 = 0.

    Args:
        probabilities: float64, (n, K), K at least 2, rows sum to 1.
    """
    logs = np.log(probabilities, out=np.zeros_like(probabilities), where=probabilities > 0)
    total = -(probabilities * logs).sum(axis=1) / np.log(probabilities.shape[1])
    return np.asarray(np.clip(total, 0.0, 1.0))


def quantise_confidence(confidence: NDArray[np.float64]) -> Layer:
    """Turn probabilities into the bytes of a layer.

    Args:
        confidence: Shares, 0-1, NaN where nodata.

    Returns:
        ⌊254·p + 0.5⌋, uint8, same shape, 255 where NaN.
    """
    scaled = np.floor(SCALE * confidence + 0.5)
    return np.where(np.isnan(confidence), NODATA, scaled).astype(np.uint8)


def empty_layers(further: ExtraLayers, n_classes: int, n: int) -> dict[str, Layer]:
    """Make the layers that are wanted, by name, uint8, (n,) or (K, n), all nodata."""
    wanted = {
        "probabilities": further.probabilities,
        "entropy": further.entropy,
        "margin": further.margin,
        "trust": further.applicability is not None,
        "set_size": further.set_threshold is not None,
        DIFFERS: further.differs,
    }
    shapes = {"probabilities": (n_classes, n)}
    return {
        name: np.full(shapes.get(name, (n,)), NODATA, np.uint8)
        for name, is_wanted in wanted.items()
        if is_wanted
    }


def extra_layers(
    further: ExtraLayers,
    probability: NDArray[np.float64],
    features: NDArray[np.float32],
    *,
    uncalibrated: NDArray[np.float64] | None = None,
) -> dict[str, Layer]:
    """Compute the layers that are wanted.

    Args:
        further: Which.
        probability: Calibrated class probabilities, float64, (n, K).
        features: Finite features that they were computed from, float32, (n, d).
        uncalibrated: The same before calibration; where None there was none.

    Returns:
        uint8, (n,) or (K, n), by name: shares as ⌊254·x + 0.5⌋, ``trust`` 0 or 1, ``set_size``
        1 … 254.
    """
    found: dict[str, Layer] = {}
    if further.probabilities:
        found["probabilities"] = quantise_confidence(probability).T
    if further.entropy:
        found["entropy"] = quantise_confidence(normalised_entropy(probability))
    if further.margin:
        two = np.sort(probability, axis=1)[:, -2:]
        found["margin"] = quantise_confidence(two[:, 1] - two[:, 0])
    if further.applicability is not None:
        found["trust"] = is_outside(further.applicability, features).astype(np.uint8)
    if further.set_threshold is not None:
        raw = probability if uncalibrated is None else uncalibrated
        plausible = is_plausible(raw, further.set_threshold)
        found["set_size"] = plausible.sum(axis=1).clip(max=254).astype(np.uint8)
    return found
