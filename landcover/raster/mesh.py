"""The triangle mesh on an elevation grid: its cells, faces and normals, compiled.

Nothing of the mesh is listed: the faces of a cell and their neighbours follow from the grid and
one byte per cell. Rows run from the south, and each array carries a rim of missing faces, so that
no cell is a special case. Smoothing lives in `mesh_smoothing` and `mesh_heights`.

A cell has corners 0 south-west, 1 south-east, 2 north-west, 3 north-east. Its *first* face holds
the south edge 0-1, its *second* face the north edge 2-3. Cut along 1-2 (falling) they are (0,1,2)
and (1,3,2); cut along 0-3 (rising) they are (1,3,0) and (0,3,2). A missing face has normal 0 and
so weighs nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.compiled import compiled

RISING = 1
"""Bit of a cell that is cut along 0-3, south-west to north-east."""
FIRST = 2
"""Bit of a cell whose first face exists."""
SECOND = 4
"""Bit of a cell whose second face exists."""


@compiled()
def split_cells(height: NDArray[np.float32]) -> NDArray[np.uint8]:  # pragma: no cover - compiled
    """Cut each cell into its faces.

    The diagonal follows the method (docs/methods/terrain.md#denoising): along 1-2 where both
    |z2−z0| > |z3−z1| and |z1−z0| > |z3−z2|, otherwise along 0-3; with one void corner the face of
    the other three.

    Args:
        height: Heights of the vertices, float32, (y, x), from the south, NaN where void.

    Returns:
        Bits of the cells, uint8, (y + 1, x + 1), with a rim of empty cells all around: cell
        (y, x) lies south-west of vertex (y, x).
    """
    n_rows, n_columns = height.shape
    cells = np.zeros((n_rows + 1, n_columns + 1), dtype=np.uint8)
    for y in range(n_rows - 1):
        for x in range(n_columns - 1):
            z0, z1 = np.float64(height[y, x]), np.float64(height[y, x + 1])
            z2, z3 = np.float64(height[y + 1, x]), np.float64(height[y + 1, x + 1])
            void0, void1, void2, void3 = np.isnan(z0), np.isnan(z1), np.isnan(z2), np.isnan(z3)
            n_void = int(void0) + int(void1) + int(void2) + int(void3)
            kind = 0
            if n_void == 0:
                falls = abs(z2 - z0) > abs(z3 - z1) and abs(z1 - z0) > abs(z3 - z2)
                kind = FIRST | SECOND | (0 if falls else RISING)
            elif n_void == 1:
                if void0:
                    kind = SECOND
                elif void1:
                    kind = SECOND | RISING
                elif void2:
                    kind = FIRST | RISING
                else:
                    kind = FIRST
            cells[y + 1, x + 1] = kind
    return cells


@compiled()
def face_normals(  # pragma: no cover - compiled
    height: NDArray[np.float32], cells: NDArray[np.uint8], cell_size: float
) -> NDArray[np.float32]:
    """Compute the unit normals of all faces.

    Args:
        height: Heights as for `split_cells`.
        cells: Bits of the cells.
        cell_size: Side of a cell, unit of the heights.

    Returns:
        Normals, float32, (y + 1, 6, x + 1): east, north and up of the first face, then of the
        second; 0 where there is no face.
    """
    n_rows, n_columns = height.shape
    normals = np.zeros((n_rows + 1, 6, n_columns + 1), dtype=np.float32)
    for y in range(n_rows - 1):
        for x in range(n_columns - 1):
            kind = cells[y + 1, x + 1]
            south = (np.float64(height[y, x + 1]) - np.float64(height[y, x])) / cell_size
            north = (np.float64(height[y + 1, x + 1]) - np.float64(height[y + 1, x])) / cell_size
            west = (np.float64(height[y + 1, x]) - np.float64(height[y, x])) / cell_size
            east = (np.float64(height[y + 1, x + 1]) - np.float64(height[y, x + 1])) / cell_size
            rises = kind & RISING
            if kind & FIRST:
                side = east if rises else west
                up = 1.0 / np.sqrt(south * south + side * side + 1.0)
                normals[y + 1, 0, x + 1] = -south * up
                normals[y + 1, 1, x + 1] = -side * up
                normals[y + 1, 2, x + 1] = up
            if kind & SECOND:
                side = west if rises else east
                up = 1.0 / np.sqrt(north * north + side * side + 1.0)
                normals[y + 1, 3, x + 1] = -north * up
                normals[y + 1, 4, x + 1] = -side * up
                normals[y + 1, 5, x + 1] = up
    return normals


@compiled()
def count_faces(cells: NDArray[np.uint8]) -> NDArray[np.uint8]:  # pragma: no cover - compiled
    """Count the faces that meet in each vertex.

    Args:
        cells: Bits of the cells, uint8, (y + 1, x + 1).

    Returns:
        Number of faces, uint8, (y, x).
    """
    counts = np.zeros((cells.shape[0] - 1, cells.shape[1] - 1), dtype=np.uint8)
    for y in range(counts.shape[0]):
        for x in range(counts.shape[1]):
            north_east, south_west = cells[y + 1, x + 1], cells[y, x]
            north_west, south_east = cells[y + 1, x], cells[y, x + 1]
            n = int((north_east & FIRST) > 0) + int((south_west & SECOND) > 0)
            n += int((north_west & FIRST) > 0) + int((south_east & SECOND) > 0)
            if north_east & RISING:
                n += int((north_east & SECOND) > 0)
            if south_west & RISING:
                n += int((south_west & FIRST) > 0)
            if not north_west & RISING:
                n += int((north_west & SECOND) > 0)
            if not south_east & RISING:
                n += int((south_east & FIRST) > 0)
            counts[y, x] = n
    return counts


@compiled()
def copy_run(  # pragma: no cover - compiled
    source: NDArray[Any], target: NDArray[Any]
) -> None:
    """Copy numbers to the front of a run that may be longer.

    Args:
        source: Numbers, (n).
        target: Numbers of the same or another type, (n or more); overwritten.
    """
    for i in range(source.size):
        target[i] = source[i]


@compiled()
def copy_cut(  # pragma: no cover - compiled
    cells: NDArray[np.uint8], target: NDArray[Any]
) -> None:
    """Write 1 where a cell is cut along 0-3, otherwise 0.

    Args:
        cells: Bits of the cells, uint8, (n).
        target: Floats, (n or more); overwritten.
    """
    for i in range(cells.size):
        target[i] = cells[i] & RISING
