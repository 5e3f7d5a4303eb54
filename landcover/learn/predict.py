"""Class and confidence layers from features, in blocks that keep memory small."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from landcover.compiled import compiled
from landcover.errors import InputError
from landcover.learn.classifiers import feature_matrix
from landcover.learn.kinds.contract import classifier_of
from landcover.learn.layers import (
    DIFFERS,
    NO_EXTRA_LAYERS,
    NODATA,
    ExtraLayers,
    Layer,
    empty_layers,
    extra_layers,
    quantise_confidence,
)
from landcover.learn.models import Model

BLOCK = 4_096
"""Pixels per block: with 72 features 1.2 MB, so that block and tree stay in the nearer caches."""
MOST_BYTES = 64 << 20
"""Memory of a block: a machine with thousands of support vectors takes smaller ones."""
_RUN = 256
_EXPONENT = np.int32(0x7F800000)


def predict_blocks(
    model: Model,
    features: NDArray[np.float32],
    further: ExtraLayers = NO_EXTRA_LAYERS,
    *,
    block: int | None = None,
) -> tuple[Layer, Layer, dict[str, Layer]]:
    """Classify pixels block by block; the block size changes no value.

    The work runs without the GIL, so threads may each take a part of the pixels.

    Args:
        model: The model.
        features: Features in the model's order, float32, (n, d), NaN where nodata; the transpose
            of an array (d, n) is as good and not copied whole.
        further: What is told beside class and confidence.
        block: Pixels at a time; as :func:`block_of` says where None.

    Returns:
        Class codes, uint8, (n,), 0 where any feature is nodata: the likeliest class before
        calibration; the calibrated confidence as ⌊254·p + 0.5⌋,
        uint8, (n,), 255 where the code is 0; and the further layers by name, uint8, (n,) or
        (K, n), 255 where the code is 0.

    Raises:
        InputError: The features do not fit the model, or ``block`` is below 1.
    """
    block = block_of(model) if block is None else block
    if block < 1:
        raise InputError(f"Prediction: expected a block of at least 1 pixel, found {block}.")
    fits = features.dtype == np.float32 and features.shape[1:] == (len(model.feature_names),)
    rows = features if fits else feature_matrix(features, model.feature_names)
    n = len(rows)
    codes, confidence = np.zeros(n, np.uint8), np.full(n, NODATA, np.uint8)
    layers = empty_layers(further, model.classes.size, n)
    # Such kinds read features in columns as they are and arrange them themselves; so does trust.
    needs_rows = model.preparation is not None or not classifier_of(model.kind).takes_columns
    for start in range(0, n, block):
        part = rows[start : start + block]
        is_valid = np.ones(len(part), dtype=np.bool_)
        _find_whole(part.view(np.int32), is_valid)
        if not is_valid.any():
            continue
        # A slice where all are valid: no copy of the features, and a plain write.
        is_whole = bool(is_valid.all())
        here = slice(start, start + block) if is_whole else start + np.flatnonzero(is_valid)
        given = part if is_whole else part[is_valid]
        if needs_rows:
            given = _rows_of(given)
        answers = model.answers(given)
        winner, told, differs = model.decided(answers)
        codes[here] = model.classes[winner]
        confidence[here] = quantise_confidence(told[np.arange(len(winner)), winner])
        raw = answers.probabilities
        for name, values in extra_layers(further, told, given, uncalibrated=raw).items():
            layers[name][..., here] = values
        if DIFFERS in layers and differs is not None:
            layers[DIFFERS][here] = differs
    return codes, confidence, layers


def block_of(model: Model) -> int:
    """Say how many pixels a model answers at a time: fewer where each takes much memory."""
    return max(1, min(BLOCK, MOST_BYTES // model.bytes_per_row))


@compiled()
def _find_whole(  # pragma: no cover - compiled
    part: NDArray[np.int32], is_whole: NDArray[np.bool_]
) -> None:
    """Put False where a feature of a pixel, the bits of a float32, (n, d), is not finite."""
    n, d = part.shape
    for start in range(0, n, _RUN):
        for column in range(d):
            for row in range(start, min(start + _RUN, n)):
                is_whole[row] &= (part[row, column] & _EXPONENT) != _EXPONENT


def _rows_of(part: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give a block in C order: models then compute the same bits however it was stored."""
    if part.flags.c_contiguous:
        return part
    rows = np.empty(part.shape, dtype=np.float32)
    _copy(part, rows)
    return rows


@compiled()
def _copy(part: NDArray[np.float32], rows: NDArray[np.float32]) -> None:  # pragma: no cover
    """Copy a run of each feature in turn: read like a file, written into the nearest cache."""
    n, d = rows.shape
    for start in range(0, n, _RUN):
        for column in range(d):
            for row in range(start, min(start + _RUN, n)):
                rows[row, column] = part[row, column]
