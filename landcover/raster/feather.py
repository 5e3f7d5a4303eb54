"""Overlapping tiles averaged, each weighted by the distance to its edge.

Method: docs/methods/mosaics.md#feathering.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from landcover.errors import InputError

Bytes = npt.NDArray[np.uint8]
Margins = npt.NDArray[np.float32]

FEATHER_M = 9_780.0
"""Distance from a tile's edge at which it has its whole weight, m: the width of an overlap."""
PROBABILITY_NODATA = 255
"""Nodata of probabilities and confidence; probabilities are ⌊254·p + 0.5⌋."""

# Weights are whole decimetres, so that sums are exact and no order of tiles changes a bit:
# 97,800 · 254 for each tile, 172 of which fit into 32 bits.
_UNITS_PER_M = 10


class Part(NamedTuple):
    """What one tile has in a window of the target."""

    order: int
    """Place of the tile in the order of the tiles' ids."""
    classes: Bytes
    """Class codes, (y, x), 0 where nodata."""
    confidence: Bytes
    """(y, x), 255 where nodata."""
    margin: Margins
    """Distance of each pixel from the nearest edge of the tile, m, (y, x); negative outside."""
    probabilities: Bytes
    """(class, y, x), in the order of the model's codes, 255 where nodata."""


def feather_weights(margin: Margins) -> npt.NDArray[np.uint32]:
    """Weigh the pixels of a tile by their distance from its edge.

    Args:
        margin: Distance from the nearest edge, m, float32, of any shape.

    Returns:
        clip(margin / 9780 m, 0, 1) in units of 1/97800, uint32, same shape; at least 1, so that a
        pixel on the very edge counts where no other tile does.
    """
    decimetres = np.rint(margin * np.float32(_UNITS_PER_M))
    return np.asarray(np.clip(decimetres, 1, FEATHER_M * _UNITS_PER_M), dtype=np.uint32)


class Blended(NamedTuple):
    """Tiles averaged in a window."""

    classes: Bytes
    """Class codes, (y, x), 0 where no tile is valid."""
    confidence: Bytes
    """Mean probability of the class, (y, x), 255 where no tile is valid."""
    sums: npt.NDArray[np.uint32]
    """Weighted sum of the probabilities of each class, (class, y, x)."""
    weights: npt.NDArray[np.uint32]
    """Sum of the weights of the valid tiles, (y, x)."""

    def probabilities(self) -> Bytes:
        """Give the mean of each class as ⌊254·p + 0.5⌋, uint8, (class, y, x), 255 where nodata."""
        return np.stack([_mean(band, self.weights) for band in self.sums])


def blend_feather(
    parts: Iterable[Part], codes: Sequence[int], shape: tuple[int, int]
) -> tuple[Bytes, Bytes]:
    """Average the probabilities of tiles and name the likeliest class.

    Args:
        parts: As of :func:`blend`.
        codes: The same.
        shape: The same.

    Returns:
        Class codes and the mean probability of the class.
    """
    found = blend(parts, codes, shape)
    return found.classes, found.confidence


def blend(parts: Iterable[Part], codes: Sequence[int], shape: tuple[int, int]) -> Blended:
    """Average the probabilities of tiles and name the likeliest class.

    Parts are taken one after the other, so that memory does not grow with the number of tiles.
    Where one tile is valid, its class and confidence are copied.

    Args:
        parts: The tiles that touch the window, in any order.
        codes: Codes of the classes, ascending, as the bands of the probabilities.
        shape: (rows, columns) of the window.

    Returns:
        What was found; ties take the class of the tile in which the pixel lies deepest (of equal
        ones the first by id), then the lower code.

    Raises:
        InputError: A part has another number of classes, or another shape.
    """
    sums = np.zeros((len(codes), *shape), dtype=np.uint32)
    weights = np.zeros(shape, dtype=np.uint32)
    count = np.zeros(shape, dtype=np.uint8)
    classes = np.zeros(shape, dtype=np.uint8)
    confidence = np.full(shape, PROBABILITY_NODATA, dtype=np.uint8)
    depth = np.zeros(shape, dtype=np.float32)
    owner = np.full(shape, np.iinfo(np.int32).max, dtype=np.int32)
    for part in parts:
        _require_shape(part, sums.shape)
        is_valid = (part.classes != 0) & (part.margin > 0)
        weight = np.where(is_valid, feather_weights(part.margin), np.uint32(0))
        weights += weight
        count += is_valid
        for total, probability in zip(sums, part.probabilities, strict=True):
            total += weight * probability
        is_deeper = part.margin > depth
        is_deeper |= (part.margin == depth) & (part.order < owner)
        is_deeper &= is_valid
        np.copyto(depth, part.margin, where=is_deeper)
        np.copyto(owner, np.int32(part.order), where=is_deeper)
        np.copyto(classes, part.classes, where=is_deeper)
        np.copyto(confidence, part.confidence, where=is_deeper)
    is_mixed = count > 1
    if is_mixed.any():
        mixed = sums[:, is_mixed]
        winner = _winner(mixed, classes[is_mixed], codes)
        best = np.take_along_axis(mixed, winner[np.newaxis], axis=0)[0]
        classes[is_mixed] = np.asarray(codes, dtype=np.uint8)[winner]
        confidence[is_mixed] = _mean(best, weights[is_mixed])
    return Blended(classes, confidence, sums, weights)


def _mean(sums: npt.NDArray[np.uint32], weights: npt.NDArray[np.uint32]) -> Bytes:
    """Divide sums by weights, halves up, uint8; 255 where there is no weight."""
    total = weights.astype(np.uint64)
    rounded = (2 * sums.astype(np.uint64) + total) // np.maximum(2 * total, 1)
    return np.where(total > 0, rounded, PROBABILITY_NODATA).astype(np.uint8)


def _winner(
    sums: npt.NDArray[np.uint32], primary: Bytes, codes: Sequence[int]
) -> npt.NDArray[np.intp]:
    winner = sums.argmax(axis=0)
    rank = np.full(256, -1, dtype=np.intp)
    rank[np.asarray(codes)] = np.arange(len(codes))
    own = rank[primary]
    pixels = np.arange(winner.size)
    is_tie = (own >= 0) & (sums[own, pixels] == sums[winner, pixels])
    return np.where(is_tie, own, winner)


def _require_shape(part: Part, expected: tuple[int, ...]) -> None:
    found = part.probabilities.shape
    shapes = {part.classes.shape, part.confidence.shape, part.margin.shape, found[1:]}
    if found != expected or len(shapes) > 1:
        raise InputError(
            f"Tile {part.order} of a mosaic: expected probabilities of shape {expected} (class, y, "
            f"x) and layers to match, found {found}; map all tiles with one model."
        )
