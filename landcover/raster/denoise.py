"""Noise taken out of an elevation grid while its edges stay (Sun et al. 2007).

Method: docs/methods/terrain.md#denoising.
"""

from __future__ import annotations

from math import inf
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from landcover.errors import InputError
from landcover.raster.mesh import count_faces, face_normals, split_cells
from landcover.raster.mesh_heights import move_vertices
from landcover.raster.mesh_smoothing import smooth_normals, smooth_normals_by_vertex

Neighbourhood = Literal["edge", "vertex"]

BYTES_PER_CELL = 60
"""Peak memory of `denoise_dem` above its argument, bytes per cell of the DEM."""


def denoise_dem(
    dem: npt.NDArray[np.floating[Any] | np.integer[Any]],
    cell_size_m: float,
    threshold: float = 0.85,
    normal_iterations: int = 60,
    *,
    vertex_iterations: int = 50,
    neighbourhood: Neighbourhood = "edge",
    z_only: bool = False,
) -> npt.NDArray[np.float32]:
    """Denoise elevations by the mesh method of Sun, Rosin, Martin and Langbein (2007).

    The grid becomes a triangle mesh; each face normal is averaged with those of its neighbours,
    weighted by (cosine between them − threshold)², and the vertices are moved onto the planes that
    belong to the new normals. The steps are those of SAGA's "Mesh Denoise"
    (docs/methods/terrain.md#denoising), with the diagonals decided by the true corners of a cell
    where SAGA errs behind a void.

    The grid must be metric: on degrees all faces are nearly vertical, and nothing changes.
    A part of a grid needs :data:`~landcover.raster.halos.DENOISING_CELLS` around it for the same
    result as the whole.

    Args:
        dem: Elevation, m, (y, x), north up, NaN where void.
        cell_size_m: Side of a square cell, m.
        threshold: Cosine from which on neighbours count, 0-1: near 1 small features survive,
            at 1 nothing is smoothed.
        normal_iterations: How often normals are averaged.
        vertex_iterations: How often vertices are moved.
        neighbourhood: Faces that share an ``edge`` (SAGA's default, whatever it is called there)
            or a ``vertex``.
        z_only: Move vertices up and down only.

    Returns:
        Elevation, m, float32, (y, x), NaN where the DEM is not finite.

    Raises:
        InputError: The DEM is not an image of at least one cell, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from landcover import api
        >>> dem = np.random.default_rng(0).normal(100, 1, (50, 50))
        >>> bool(api.denoise_dem(dem, 30.0).std() < dem.std())
        True
    """
    _check(dem, cell_size_m, threshold, normal_iterations, vertex_iterations)
    if neighbourhood not in ("edge", "vertex"):
        raise InputError(f"Unknown neighbourhood {neighbourhood!r}; use 'edge' or 'vertex'.")
    height = np.array(dem[::-1], dtype=np.float32, order="C")
    is_void = ~np.isfinite(height)
    height[is_void] = np.nan
    # At a threshold of 1 no face has a weight, not even itself, and nothing pulls a vertex.
    if threshold < 1 or normal_iterations == 0:
        cells = split_cells(height)
        normals = face_normals(height, cells, float(cell_size_m))
        smooth = smooth_normals if neighbourhood == "edge" else smooth_normals_by_vertex
        smooth(normals, cells, float(threshold), int(normal_iterations))
        vertices = _vertices(height, is_void, cell_size_m)
        move_vertices(
            vertices, normals, cells, count_faces(cells), int(vertex_iterations), bool(z_only)
        )
        np.multiply(vertices[1:-1, 2, 1:-1], cell_size_m, out=height, casting="same_kind")
        height[is_void] = np.nan
    return np.ascontiguousarray(height[::-1])


def _vertices(
    height: npt.NDArray[np.float32], is_void: npt.NDArray[np.bool_], cell_size_m: float
) -> npt.NDArray[np.float64]:
    """Put vertices on the grid: displacement east and north, height; in cells, 0 where void."""
    rows, columns = height.shape
    vertices = np.zeros((rows + 2, 3, columns + 2), dtype=np.float64)
    up = vertices[1:-1, 2, 1:-1]
    up[:] = height
    up[is_void] = 0
    up /= cell_size_m
    return vertices


def _check(dem: npt.NDArray[Any], cell_size_m: float, threshold: float, *iterations: int) -> None:
    """Refuse what cannot be denoised."""
    if dem.ndim != 2 or dem.size == 0 or not np.issubdtype(dem.dtype, np.number):
        raise InputError(
            f"A DEM must be a numeric image (y, x) of at least one cell, found {dem.dtype} of "
            f"shape {dem.shape}."
        )
    if not 0 < cell_size_m < inf:
        raise InputError(f"The cell size must be a number above 0 m, found {cell_size_m}.")
    if not 0 <= threshold <= 1:
        raise InputError(f"The threshold is a cosine from 0 to 1, found {threshold}.")
    if min(iterations) < 0:
        raise InputError(f"Iterations must be 0 or more, found {min(iterations)}.")
