"""Pixels within polygons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import rasterio.features
import shapely
from numpy.typing import NDArray


def pixels_within(
    polygons: Sequence[shapely.Geometry], shape: tuple[int, int]
) -> NDArray[np.bool_]:
    """Mark the pixels whose centre lies in one of the polygons.

    Of polygons that share a border a pixel with its centre on it belongs to one alone.

    Args:
        polygons: In pixels of the array: x is the column, y the row, downwards.
        shape: Rows and columns.

    Returns:
        Bool, (y, x).
    """
    if not polygons:
        return np.zeros(shape, dtype=bool)
    burnt = rasterio.features.rasterize(polygons, out_shape=shape, fill=0, default_value=1)
    return np.asarray(burnt, dtype=bool)
