"""Why two maps of one place differ: the land, its input, or the model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError

SAME, LAND, INPUT, MODEL, BOTH = 1, 2, 3, 4, 5
"""Values of a raster of causes; 0 where one of the maps has no class."""


def probability_change(
    then: NDArray[np.uint8], now: NDArray[np.uint8], scale: int
) -> NDArray[np.float64]:
    """Measure how far the answer of one model moved between two inputs.

    The total variation distance ½ Σ |p − q| of the class probabilities p and q. It is the smallest
    probability of a change that both answers allow, however their errors hang together (the
    coupling inequality, e.g. Levin & Peres 2017, prop. 4.7), and half the L1 length of the change
    vector in posterior probability space (Chen et al. 2011, IEEE GRSL 8, 317-321). Answers that
    are unsure alike are near 0, a sure class that becomes another sure class is near 1.

    Args:
        then: Probabilities, uint8, (class, n), ``scale`` stands for 1.
        now: The same of the other input.
        scale: Number that stands for a probability of 1.

    Returns:
        float64, (n,), 0-1 but for rounding of the probabilities.

    Raises:
        InputError: The shapes disagree.
    """
    if then.shape != now.shape:
        raise InputError(f"Probabilities of {then.shape} and {now.shape} cannot be compared.")
    moved = np.abs(then.astype(np.int16) - now.astype(np.int16)).sum(axis=0, dtype=np.int64)
    return np.asarray(moved / (2 * scale))


def attribute(
    first: NDArray[np.uint8],
    between: NDArray[np.uint8],
    second: NDArray[np.uint8],
    *,
    is_seen: NDArray[np.bool_],
    is_sure: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """Say of every pixel why its class is another one.

    With A the first map (old model, old input), C the old model on the new input, and B the second
    map (new model, new input), where A ≠ B:

    - A = C: the input does not move the old model; the new model makes the difference (MODEL).
    - A ≠ C, not seen well enough or not surely another answer: INPUT, whatever B says; also where
      the old model has no answer, since the new input lacks something that it reads.
    - A ≠ C, seen and sure, B = C: LAND.
    - A ≠ C, seen and sure, B ≠ C: BOTH; the land moves the old model, and the new one says yet
      another class.

    Args:
        first: A, uint8, any shape, 0 nodata.
        between: C, likewise.
        second: B, likewise.
        is_seen: True where both inputs rest on enough observations.
        is_sure: True where the old model's answer moved by more than its own doubt.

    Returns:
        uint8, same shape: SAME, LAND, INPUT, MODEL, BOTH, or 0 where A or B has no class.
    """
    is_moved = first != between
    is_real = is_seen & is_sure & (between != 0)
    moved = np.where(is_real, np.where(between == second, LAND, BOTH), INPUT)
    causes = np.where(first == second, SAME, np.where(is_moved, moved, MODEL))
    return np.where((first != 0) & (second != 0), causes, 0).astype(np.uint8)
