"""Edges: the length of the Sobel gradient (docs/methods/features.md#edges)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]


def sobel_inside(values: Values) -> Values:
    """Compute √(Gx² + Gy²) of the pixels that have all eight neighbours.

    Gx is the sum over 3 x 3 px with weights −1 0 1, −2 0 2, −1 0 1, Gy its transpose; unnormalised,
    so it is eight times the gradient per pixel.

    Args:
        values: float32, (…, y + 2, x + 2), NaN where nodata.

    Returns:
        float32, (…, y, x), NaN where one of the nine is.
    """
    wide = values.astype(np.float64)
    left, middle, right = wide[..., :-2], wide[..., 1:-1], wide[..., 2:]
    across, along = right - left, left + 2 * middle + right
    gx = across[..., :-2, :] + 2 * across[..., 1:-1, :] + across[..., 2:, :]
    gy = along[..., 2:, :] - along[..., :-2, :]
    # The weight of the middle pixel is 0, but what is unknown there is unknown.
    centre = np.where(np.isfinite(wide[..., 1:-1, 1:-1]), 0.0, np.nan)
    return np.asarray(np.sqrt(gx * gx + gy * gy) + centre, dtype=np.float32)
