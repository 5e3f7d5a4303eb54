"""Vertices of an elevation mesh moved onto the planes of their faces, compiled.

Same mesh and order of rows as in `mesh`; lengths are measured in cells.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from landcover.compiled import compiled
from landcover.raster.mesh import copy_cut, copy_run

# As in mesh_smoothing; smaller, for double precision takes twice the memory.
_BLOCK = 96
_STEP = _BLOCK + 2
_RESULT = 24 * _STEP + 1024
_TOGETHER = 4


@compiled()
def move_vertices(  # pragma: no cover - compiled
    vertices: NDArray[np.float64],
    normals: NDArray[np.float32],
    cells: NDArray[np.uint8],
    counts: NDArray[np.uint8],
    iterations: int,
    z_only: bool,
) -> None:
    """Move each vertex by the mean of its distances to the planes of its faces, again and again.

    v ← v + (1/|F|) Σ n (n·(c − v)), c the mean of the three vertices of a face. Vertices are
    moved in place, row by row from the south-west, so a vertex sees those before it moved.

    Args:
        vertices: East and north displacement from the grid position and height, in cells,
            float64, (y + 2, 3, x + 2) with a rim; finite; overwritten.
        normals: Normals of the faces, see `landcover.raster.mesh.face_normals`.
        cells: Bits of the cells.
        counts: Faces of each vertex.
        iterations: How often all vertices are moved.
        z_only: Move them up and down only.
    """
    n_rows = counts.shape[0]
    scratch = np.zeros(_RESULT + 9 * _STEP, dtype=np.float64)
    done = 0
    while done < iterations:
        together = min(_TOGETHER, iterations - done)
        for step in range(1, n_rows + together):
            for k in range(together):
                y = step - k
                if 1 <= y <= n_rows:
                    _move_row(vertices, normals, cells, counts, y, z_only, scratch)
        done += together


@compiled(error_model="numpy")
def _copy_weight(  # pragma: no cover - compiled
    counts: NDArray[np.uint8], target: NDArray[np.float64]
) -> None:
    """Write 1 / (3|F|); the three is that of the mean of three vertices."""
    for i in range(counts.size):
        target[i] = 1.0 / (3.0 * max(counts[i], 1))


@compiled()
def _move_row(  # pragma: no cover - compiled
    vertices: NDArray[np.float64],
    normals: NDArray[np.float32],
    cells: NDArray[np.uint8],
    counts: NDArray[np.uint8],
    y: int,
    z_only: bool,
    s: NDArray[np.float64],
) -> None:
    """Move the vertices of one row."""
    n_columns = counts.shape[1]
    for start in range(1, n_columns + 1, _BLOCK):
        n = min(_BLOCK, n_columns + 1 - start)
        end = start + n
        for row in range(3):
            for axis in range(3):
                run = vertices[y - 1 + row, axis, start - 1 : end + 1]
                copy_run(run, s[(3 * row + axis) * _STEP :])
        for row in range(2):
            for plane in range(6):
                run_of_faces = normals[y - 1 + row, plane, start - 1 : end]
                copy_run(run_of_faces, s[(9 + 6 * row + plane) * _STEP :])
            copy_cut(cells[y - 1 + row, start - 1 : end], s[(21 + row) * _STEP :])
        _copy_weight(counts[y - 1, start - 1 : end - 1], s[23 * _STEP + 1 :])
        _pull_block(s, n)
        _follow_chain(vertices, y, start, n, z_only, s)


@compiled()
def _follow_chain(  # pragma: no cover - compiled
    vertices: NDArray[np.float64],
    y: int,
    start: int,
    n: int,
    z_only: bool,
    s: NDArray[np.float64],
) -> None:
    """Add the part of the west vertex, which is the only one that has to be waited for."""
    row = vertices[y, :, start - 1 :]
    known = s[_RESULT + 1 :]
    east, north, up = row[0, 0], row[1, 0], row[2, 0]
    for i in range(n):
        xz, yz, zz = known[5 * _STEP + i], known[7 * _STEP + i], known[8 * _STEP + i]
        if z_only:
            up = known[2 * _STEP + i] + zz * up
        else:
            xx, xy, yy = known[3 * _STEP + i], known[4 * _STEP + i], known[6 * _STEP + i]
            new_east = (known[i] + xx * east) + (xy * north + xz * up)
            new_north = (known[_STEP + i] + xy * east) + (yy * north + yz * up)
            up = (known[2 * _STEP + i] + xz * east) + (yz * north + zz * up)
            east, north = new_east, new_north
            row[0, i + 1] = east
            row[1, i + 1] = north
        row[2, i + 1] = up


@compiled()
def _pull_block(s: NDArray[np.float64], n: int) -> None:  # pragma: no cover - compiled
    """Pull vertices 1 … n by their faces, as far as that is known before the west one moves.

    Planes: 0-2 the vertices to the south, 3-5 these, 6-8 those to the north; 9-14 the faces of
    the cells south-east of the vertex, 15-20 north-east; 21 and 22 the cuts of these cells (1
    where it rises); 23 the weight. From ``_RESULT`` on: the new place without the part of the
    west vertex, then the symmetric matrix that its place is to be multiplied with.
    """
    for i in range(1, n + 1):
        swx, swy, swz = s[i - 1] - 1.0, s[_STEP + i - 1] - 1.0, s[2 * _STEP + i - 1]
        sx, sy, sz = s[i], s[_STEP + i] - 1.0, s[2 * _STEP + i]
        sex, sey, sez = s[i + 1] + 1.0, s[_STEP + i + 1] - 1.0, s[2 * _STEP + i + 1]
        x, y, z = s[3 * _STEP + i], s[4 * _STEP + i], s[5 * _STEP + i]
        ex, ey, ez = s[3 * _STEP + i + 1] + 1.0, s[4 * _STEP + i + 1], s[5 * _STEP + i + 1]
        nwx, nwy, nwz = s[6 * _STEP + i - 1] - 1.0, s[7 * _STEP + i - 1] + 1.0, s[8 * _STEP + i - 1]
        nx, ny, nz = s[6 * _STEP + i], s[7 * _STEP + i] + 1.0, s[8 * _STEP + i]
        nex, ney, nez = s[6 * _STEP + i + 1] + 1.0, s[7 * _STEP + i + 1] + 1.0, s[8 * _STEP + i + 1]
        x2, y2, z2 = x + x, y + y, z + z

        # North-east: the first face has E and either NE or N, a second one N and NE.
        w = s[22 * _STEP + i]
        rises = w > 0.0
        gx, gy, gz = s[15 * _STEP + i], s[16 * _STEP + i], s[17 * _STEP + i]
        ax, ay, az = (nex if rises else nx), (ney if rises else ny), (nez if rises else nz)
        d = _dot(gx, gy, gz, ex + ax - x2, ey + ay - y2, ez + az - z2)
        fx, fy, fz = gx * d, gy * d, gz * d
        gx, gy, gz = s[18 * _STEP + i], s[19 * _STEP + i], s[20 * _STEP + i]
        d = w * _dot(gx, gy, gz, nx + nex - x2, ny + ney - y2, nz + nez - z2)
        fx, fy, fz = fx + gx * d, fy + gy * d, fz + gz * d

        # South-east: the second face has E and either S or SE, a first one S and SE.
        w = s[21 * _STEP + i]
        rises = w > 0.0
        gx, gy, gz = s[12 * _STEP + i], s[13 * _STEP + i], s[14 * _STEP + i]
        ax, ay, az = (sx if rises else sex), (sy if rises else sey), (sz if rises else sez)
        d = _dot(gx, gy, gz, ex + ax - x2, ey + ay - y2, ez + az - z2)
        fx, fy, fz = fx + gx * d, fy + gy * d, fz + gz * d
        gx, gy, gz = s[9 * _STEP + i], s[10 * _STEP + i], s[11 * _STEP + i]
        d = (1.0 - w) * _dot(gx, gy, gz, sx + sex - x2, sy + sey - y2, sz + sez - z2)
        fx, fy, fz = fx + gx * d, fy + gy * d, fz + gz * d

        # North-west: a second face has N and NW; the first one W and either N or NW. Of W only
        # the grid position is known here.
        w = s[22 * _STEP + i - 1]
        rises = w > 0.0
        gx, gy, gz = s[18 * _STEP + i - 1], s[19 * _STEP + i - 1], s[20 * _STEP + i - 1]
        d = (1.0 - w) * _dot(gx, gy, gz, nx + nwx - x2, ny + nwy - y2, nz + nwz - z2)
        fx, fy, fz = fx + gx * d, fy + gy * d, fz + gz * d
        gx, gy, gz = s[15 * _STEP + i - 1], s[16 * _STEP + i - 1], s[17 * _STEP + i - 1]
        ax, ay, az = (nx if rises else nwx), (ny if rises else nwy), (nz if rises else nwz)
        d = _dot(gx, gy, gz, ax - 1.0 - x2, ay - y2, az - z2)
        fx, fy, fz = fx + gx * d, fy + gy * d, fz + gz * d

        # South-west: a first face has S and SW; the second one W and either SW or S.
        w = s[21 * _STEP + i - 1]
        rises = w > 0.0
        hx, hy, hz = s[9 * _STEP + i - 1], s[10 * _STEP + i - 1], s[11 * _STEP + i - 1]
        d = w * _dot(hx, hy, hz, sx + swx - x2, sy + swy - y2, sz + swz - z2)
        fx, fy, fz = fx + hx * d, fy + hy * d, fz + hz * d
        hx, hy, hz = s[12 * _STEP + i - 1], s[13 * _STEP + i - 1], s[14 * _STEP + i - 1]
        ax, ay, az = (swx if rises else sx), (swy if rises else sy), (swz if rises else sz)
        d = _dot(hx, hy, hz, ax - 1.0 - x2, ay - y2, az - z2)
        fx, fy, fz = fx + hx * d, fy + hy * d, fz + hz * d

        weight = s[23 * _STEP + i]
        s[_RESULT + i] = x + weight * fx
        s[_RESULT + _STEP + i] = y + weight * fy
        s[_RESULT + 2 * _STEP + i] = z + weight * fz
        s[_RESULT + 3 * _STEP + i] = weight * (gx * gx + hx * hx)
        s[_RESULT + 4 * _STEP + i] = weight * (gx * gy + hx * hy)
        s[_RESULT + 5 * _STEP + i] = weight * (gx * gz + hx * hz)
        s[_RESULT + 6 * _STEP + i] = weight * (gy * gy + hy * hy)
        s[_RESULT + 7 * _STEP + i] = weight * (gy * gz + hy * hz)
        s[_RESULT + 8 * _STEP + i] = weight * (gz * gz + hz * hz)


@compiled()
def _dot(  # pragma: no cover - compiled
    ax: float, ay: float, az: float, bx: float, by: float, bz: float
) -> float:
    """Multiply two vectors."""
    return ax * bx + ay * by + az * bz
