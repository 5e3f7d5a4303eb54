"""Between class codes and polygons: outlines of equal codes, and codes counted in a polygon."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import rasterio.features
import shapely
from affine import Affine
from numpy.typing import NDArray

Codes = NDArray[np.uint8]


def outline_codes(codes: Codes, row: int = 0) -> tuple[Codes, NDArray[np.object_]]:
    """Draw a polygon around each group of equal codes that hang together by their sides.

    Args:
        codes: Class codes, uint8, (y, x).
        row: Row of the map that the first row of the codes is.

    Returns:
        The code of each polygon, uint8, (n,), and the polygons in pixels of the map: x is the
        column, y the row, downwards. They cover every pixel once; code 0 is one of the codes.
    """
    found = rasterio.features.shapes(codes, connectivity=4, transform=Affine.translation(0, row))
    values: list[int] = []
    points: list[tuple[float, float]] = []
    lengths: list[int] = []
    owners: list[int] = []
    for geometry, value in found:
        for ring in geometry["coordinates"]:
            points += ring
            lengths.append(len(ring))
            owners.append(len(values))
        values.append(int(value))
    # All at once: one by one a million rings would take minutes. The first ring is the outer one.
    of_ring = np.repeat(np.arange(len(lengths)), lengths)
    rings = np.asarray(shapely.linearrings(np.array(points), indices=of_ring), dtype=object)
    polygons = np.asarray(shapely.polygons(rings, indices=np.array(owners)), dtype=object)
    return np.array(values, dtype=np.uint8), polygons


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
