"""Names that depend on what a thing is, never on its file, row or order."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import shapely
from numpy.typing import NDArray

_PER_DEGREE = 10_000_000
_HALF_TURN = 180 * _PER_DEGREE


def lattice(
    lon: NDArray[np.float64], lat: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Round positions to 1e-7 degrees (a centimetre), as whole numbers of that unit.

    180° E is 180° W.
    """
    x = np.round(lon * _PER_DEGREE).astype(np.int64)
    y = np.round(lat * _PER_DEGREE).astype(np.int64)
    x[x == _HALF_TURN] = -_HALF_TURN
    return x, y


def places(x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number positions of :func:`lattice`, one number each, (point,)."""
    return (x + _HALF_TURN) * (_HALF_TURN + 1) + (y + _HALF_TURN // 2)


def stable_id(content: bytes) -> str:
    """Hash what makes a thing itself into 16 hex digits."""
    return blake2b(content, digest_size=8).hexdigest()


def geometry_id(geometry: shapely.Geometry, label: str) -> str:
    """Name a geometry after its vertices, rounded to 1e-7 degrees, and its label."""
    return "g" + stable_id(vertex_bytes(geometry) + label.encode())


def vertex_bytes(geometry: shapely.Geometry) -> bytes:
    """Write the vertices of a geometry in degrees, rounded to 1e-7, as bytes."""
    return np.round(shapely.get_coordinates(geometry) * _PER_DEGREE).astype("<i8").tobytes()
