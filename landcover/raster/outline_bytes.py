"""Outlines as well-known binary (OGC 06-103r4, 8.2) in a reference system, and their areas."""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from landcover.compiled import compiled
from landcover.raster.outlines import Outlines

_HEADER = 9
"""Bytes of a polygon before its rings: order of bytes, type, number of rings."""
_LITTLE_ENDIAN = sys.byteorder == "little"


def pixel_areas(outlines: Outlines) -> NDArray[np.float64]:
    """Measure polygons without their holes, pixels, float64, (n,); exact."""
    doubled = np.empty(len(outlines.starts) - 1, dtype=np.int64)
    _double_areas(outlines.points, outlines.starts, doubled)
    of_ring = np.abs(doubled) / 2
    # Holes go off from what the outer ring surrounds.
    of_ring[np.setdiff1d(np.arange(len(of_ring)), outlines.rings[:-1])] *= -1
    return np.asarray(np.add.reduceat(of_ring, outlines.rings[:-1]), dtype=np.float64)


def well_known_binary(
    outlines: Outlines, ulx: float, uly: float, pixel: float
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Write polygons as well-known binary, outer rings counter-clockwise and holes clockwise.

    Args:
        outlines: The polygons, at least one.
        ulx: Western edge of the map, unit of its reference system.
        uly: Northern edge.
        pixel: Side of a pixel.

    Returns:
        The bytes of all polygons in the machine's order, uint8; and where each begins, and the
        end, int64, (n + 1,).
    """
    n_rings = np.diff(outlines.rings)
    n_points = outlines.starts[outlines.rings[1:]] - outlines.starts[outlines.rings[:-1]]
    offsets = np.zeros(len(outlines) + 1, dtype=np.int64)
    np.cumsum(_HEADER + 4 * n_rings + 16 * n_points, out=offsets[1:])
    written = np.empty(offsets[-1], dtype=np.uint8)
    doubled = np.empty(len(outlines.starts) - 1, dtype=np.int64)
    _double_areas(outlines.points, outlines.starts, doubled)
    _write(
        outlines.rings, outlines.starts, outlines.points, doubled, float(ulx), float(uly),
        float(pixel), _LITTLE_ENDIAN, written,
    )  # fmt: skip
    return written, offsets


@compiled()
def _double_areas(points, starts, doubled):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Measure twice the area of each ring; rows go down, so clockwise as seen is positive."""
    for ring in range(doubled.size):
        total = np.int64(0)
        for p in range(starts[ring], starts[ring + 1] - 1):
            total += np.int64(points[p, 0]) * np.int64(points[p + 1, 1])
            total -= np.int64(points[p + 1, 0]) * np.int64(points[p, 1])
        doubled[ring] = total


@compiled()
def _write(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    rings, starts, points, doubled, ulx, uly, pixel, is_little, written
):
    coordinates = np.empty(2, dtype=np.float64)
    of_coordinates = coordinates.view(np.uint8)
    number = np.empty(1, dtype=np.uint32)
    of_number = number.view(np.uint8)
    at = 0
    for polygon in range(rings.size - 1):
        written[at] = 1 if is_little else 0
        number[0] = 3  # a polygon
        written[at + 1 : at + 5] = of_number
        number[0] = rings[polygon + 1] - rings[polygon]
        written[at + 5 : at + 9] = of_number
        at += 9
        for ring in range(rings[polygon], rings[polygon + 1]):
            start, n = starts[ring], starts[ring + 1] - starts[ring]
            number[0] = n
            written[at : at + 4] = of_number
            at += 4
            is_turned = (doubled[ring] > 0) == (ring == rings[polygon])
            for k in range(n):
                point = start + (n - 1 - k if is_turned else k)
                coordinates[0] = ulx + points[point, 0] * pixel
                coordinates[1] = uly + points[point, 1] * -pixel
                for byte in range(16):
                    written[at + byte] = of_coordinates[byte]
                at += 16
