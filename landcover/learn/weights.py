"""What a row weighs in a fit."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from landcover.learn.balancing import group_weights


def row_weights(
    codes: NDArray[np.integer],
    groups: NDArray[np.generic],
    *,
    class_weight: Literal["none", "balanced"] = "none",
    group_weight: Literal["row", "group"] = "row",
) -> NDArray[np.float64] | None:
    """Weigh rows so that classes, groups or both count the same.

    Args:
        codes: Class of each row, (n,).
        groups: Group of each row, (n,).
        class_weight: ``balanced``: every class weighs the same in all.
        group_weight: ``group``: every group weighs the same in all.

    Returns:
        float64, (n,); None where every row counts the same.
    """
    if class_weight == "none" and group_weight == "row":
        return None
    weights = np.ones(codes.size)
    if group_weight == "group":
        weights *= group_weights(groups)
    if class_weight == "balanced":
        known, place = np.unique(codes, return_inverse=True)
        # What every class weighs in all, after the groups have been weighed.
        weights *= codes.size / known.size / np.bincount(place, weights=weights)[place]
    return weights
