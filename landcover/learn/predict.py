"""Class and confidence layers from features, in blocks that keep memory small."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.learn.models import Model

CONFIDENCE_SCALE = 254
"""Confidence = layer / 254."""
CONFIDENCE_NODATA = 255
"""Nodata of the confidence layer."""
BLOCK = 16_384
"""Pixels per block: with 72 features 4.7 MB, a tree then serves many pixels once it is in cache."""


def predict_blocks(
    model: Model, features: NDArray[np.float32], *, block: int = BLOCK
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Classify pixels block by block; the block size changes no value.

    The work runs without the GIL, so threads may each take a part of the pixels.

    Args:
        model: The model.
        features: Features in the model's order, float32, (n, d), NaN where nodata.
        block: Pixels at a time.

    Returns:
        Class codes, uint8, (n,), 0 where any feature is nodata; and the confidence as
        ⌊254·p + 0.5⌋, uint8, (n,), 255 where the code is 0.

    Raises:
        InputError: The features do not fit the model, or ``block`` is below 1.
    """
    if block < 1:
        raise InputError(f"Prediction: expected a block of at least 1 pixel, found {block}.")
    codes = np.zeros(len(features), dtype=np.uint8)
    layer = np.full(len(features), CONFIDENCE_NODATA, dtype=np.uint8)
    for start in range(0, len(features), block):
        part = slice(start, start + block)
        codes[part], confidence = model.predict(features[part])
        layer[part] = quantise_confidence(confidence)
    return codes, layer


def quantise_confidence(confidence: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Turn probabilities into the bytes of a confidence layer.

    Args:
        confidence: Probability of the winner, 0-1, NaN where nodata.

    Returns:
        ⌊254·p + 0.5⌋, uint8, same shape, 255 where NaN.
    """
    scaled = np.floor(CONFIDENCE_SCALE * confidence + 0.5)
    return np.where(np.isnan(confidence), CONFIDENCE_NODATA, scaled).astype(np.uint8)
