"""Normals of an elevation mesh averaged with those of their neighbours, compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from landcover.compiled import compiled
from landcover.raster.mesh import RISING, copy_cut, copy_run

# Cells worked on at once, and the distance of their planes in the scratch memory: constants, so
# that the compiler sees that planes do not overlap, and small enough for a first-level cache.
_BLOCK = 256
_STEP = _BLOCK + 2
# The result lies so far behind the input that reading never has to wait for writing; nearer, the
# compiler would take shorter vectors.
_RESULT = 13 * _STEP + 1024
# Iterations carried along together: a row is still in the cache when the next one comes to it.
_TOGETHER = 4
_ONE = np.float32(1)
_ZERO = np.float32(0)
_TINY = np.float32(1e-30)
# Corners (row, column) of the four shapes of a face: falling first, falling second, rising first,
# rising second.
_CORNERS = (
    {(0, 0), (0, 1), (1, 0)},
    {(0, 1), (1, 1), (1, 0)},
    {(0, 1), (1, 1), (0, 0)},
    {(0, 0), (1, 1), (1, 0)},
)
# Whether a face of a shape shares a vertex with one of another shape in the cell (row, column) of
# the nine around it.
_TOUCH = np.array(
    [
        [
            [[bool(own & {(r + row - 1, c + column - 1) for r, c in other}) for other in _CORNERS]
             for own in _CORNERS]
            for column in range(3)
        ]
        for row in range(3)
    ]
)  # fmt: skip


@compiled()
def smooth_normals(  # pragma: no cover - compiled
    normals: NDArray[np.float32], cells: NDArray[np.uint8], threshold: float, iterations: int
) -> None:
    """Average each normal with those across its three edges, again and again.

    Args:
        normals: Normals of `landcover.raster.mesh.face_normals`; overwritten.
        cells: Bits of the cells.
        threshold: Cosine below which a neighbour has no weight.
        iterations: How often all normals are replaced.
    """
    n_rows, _, n_columns = normals.shape
    scratch = np.zeros(_RESULT + 6 * _STEP, dtype=np.float32)
    before = np.zeros((_TOGETHER, 2, 6, n_columns), dtype=np.float32)
    done = 0
    while done < iterations:
        together = min(_TOGETHER, iterations - done)
        before[:] = 0
        # Step by step, iteration k is k rows behind the first: what it needs of the row ahead is
        # there already, and what it overwrites is kept for the row after.
        for step in range(1, n_rows - 2 + together):
            for k in range(together):
                y = step - k
                if 1 <= y <= n_rows - 2:
                    for plane in range(6):
                        copy_run(normals[y, plane], before[k, y % 2, plane])
                    _smooth_row(normals, cells, before[k], y, np.float32(threshold), scratch)
        done += together


@compiled()
def smooth_normals_by_vertex(  # pragma: no cover - compiled
    normals: NDArray[np.float32], cells: NDArray[np.uint8], threshold: float, iterations: int
) -> None:
    """Average each normal with all that share a vertex with it, again and again.

    Args:
        normals: Normals of `landcover.raster.mesh.face_normals`; overwritten.
        cells: Bits of the cells.
        threshold: Cosine below which a neighbour has no weight.
        iterations: How often all normals are replaced.
    """
    n_rows, _, n_columns = normals.shape
    before = np.zeros((2, 6, n_columns), dtype=np.float32)
    for _ in range(iterations):
        before[:] = 0
        for y in range(1, n_rows - 1):
            here, south = before[y % 2], before[1 - y % 2]
            here[:] = normals[y]
            for x in range(1, n_columns - 1):
                for face in range(2):
                    _gather(normals, cells, south, here, y, x, face, threshold)


@compiled()
def _gather(  # pragma: no cover - compiled
    normals: NDArray[np.float32],
    cells: NDArray[np.uint8],
    south: NDArray[np.float32],
    here: NDArray[np.float32],
    y: int,
    x: int,
    face: int,
    threshold: float,
) -> None:
    """Replace one normal by the weighted sum over the faces of its nine cells."""
    own_x, own_y, own_z = here[3 * face, x], here[3 * face + 1, x], here[3 * face + 2, x]
    if own_z == 0:
        return
    own_shape = 2 * (cells[y, x] & RISING) + face
    weight = (1.0 - threshold) ** 2
    total_x, total_y, total_z = weight * own_x, weight * own_y, weight * own_z
    for row in range(3):
        normals_of_row = south if row == 0 else (here if row == 1 else normals[y + 1])
        for column in range(3):
            for other in range(2):
                if row == 1 and column == 1 and other == face:
                    continue
                shape = 2 * (cells[y - 1 + row, x - 1 + column] & RISING) + other
                if not _TOUCH[row, column, own_shape, shape]:
                    continue
                nx = normals_of_row[3 * other, x - 1 + column]
                ny = normals_of_row[3 * other + 1, x - 1 + column]
                nz = normals_of_row[3 * other + 2, x - 1 + column]
                above = own_x * nx + own_y * ny + own_z * nz - threshold
                if above > 0:
                    total_x += above * above * nx
                    total_y += above * above * ny
                    total_z += above * above * nz
    length = np.sqrt(total_x * total_x + total_y * total_y + total_z * total_z)
    if length > 0:
        total_x, total_y, total_z = total_x / length, total_y / length, total_z / length
    normals[y, 3 * face, x] = total_x
    normals[y, 3 * face + 1, x] = total_y
    normals[y, 3 * face + 2, x] = total_z


@compiled()
def _smooth_row(  # pragma: no cover - compiled
    normals: NDArray[np.float32],
    cells: NDArray[np.uint8],
    before: NDArray[np.float32],
    y: int,
    threshold: np.float32,
    scratch: NDArray[np.float32],
) -> None:
    """Replace the normals of one row; ``before`` holds this row and the one to the south."""
    here, south = before[y % 2], before[1 - y % 2]
    last = normals.shape[2] - 2
    for start in range(1, last + 1, _BLOCK):
        n = min(_BLOCK, last + 1 - start)
        end = start + n
        for plane in range(6):
            copy_run(here[plane, start - 1 : end + 1], scratch[plane * _STEP :])
        for plane in range(3):
            copy_run(south[3 + plane, start:end], scratch[(6 + plane) * _STEP + 1 :])
            copy_run(normals[y + 1, plane, start:end], scratch[(9 + plane) * _STEP + 1 :])
        copy_cut(cells[y, start - 1 : end + 1], scratch[12 * _STEP :])
        _smooth_block(scratch, n, threshold)
        for plane in range(6):
            copy_run(scratch[_RESULT + plane * _STEP + 1 :][:n], normals[y, plane, start:])


@compiled(error_model="numpy")
def _smooth_block(  # pragma: no cover - compiled
    s: NDArray[np.float32], n: int, threshold: np.float32
) -> None:
    """Smooth cells 1 … n of the scratch memory.

    Planes: 0-2 first face, 3-5 second, 6-8 second of the cell to the south, 9-11 first of the
    cell to the north, 12 the cut (1 where it rises); the result from ``_RESULT`` on. Choices are
    written as products with 0 or 1, which are exact and which the compiler can vectorise.
    """
    for i in range(1, n + 1):
        ax, ay, az = s[i], s[_STEP + i], s[2 * _STEP + i]
        bx, by, bz = s[3 * _STEP + i], s[4 * _STEP + i], s[5 * _STEP + i]
        sx, sy, sz = s[6 * _STEP + i], s[7 * _STEP + i], s[8 * _STEP + i]
        nx, ny, nz = s[9 * _STEP + i], s[10 * _STEP + i], s[11 * _STEP + i]
        # Across the west edge lies the face that holds the east edge of its cell.
        is_first = s[12 * _STEP + i - 1]
        is_second = _ONE - is_first
        wx = is_first * s[i - 1] + is_second * s[3 * _STEP + i - 1]
        wy = is_first * s[_STEP + i - 1] + is_second * s[4 * _STEP + i - 1]
        wz = is_first * s[2 * _STEP + i - 1] + is_second * s[5 * _STEP + i - 1]
        is_second = s[12 * _STEP + i + 1]
        is_first = _ONE - is_second
        ex = is_first * s[i + 1] + is_second * s[3 * _STEP + i + 1]
        ey = is_first * s[_STEP + i + 1] + is_second * s[4 * _STEP + i + 1]
        ez = is_first * s[2 * _STEP + i + 1] + is_second * s[5 * _STEP + i + 1]
        # The first face of a rising cell looks east, of a falling one west.
        rises = s[12 * _STEP + i]
        falls = _ONE - rises
        px, py, pz = rises * ex + falls * wx, rises * ey + falls * wy, rises * ez + falls * wz
        qx, qy, qz = rises * wx + falls * ex, rises * wy + falls * ey, rises * wz + falls * ez
        to_self = (_ONE - threshold) * (_ONE - threshold)
        between = _weight(ax * bx + ay * by + az * bz, threshold)
        to_p = _weight(ax * px + ay * py + az * pz, threshold)
        to_s = _weight(ax * sx + ay * sy + az * sz, threshold)
        ux = to_self * ax + between * bx + to_p * px + to_s * sx
        uy = to_self * ay + between * by + to_p * py + to_s * sy
        uz = to_self * az + between * bz + to_p * pz + to_s * sz
        unit = _per_length(ux * ux + uy * uy + uz * uz)
        s[_RESULT + i] = ux * unit
        s[_RESULT + _STEP + i] = uy * unit
        s[_RESULT + 2 * _STEP + i] = uz * unit
        to_q = _weight(bx * qx + by * qy + bz * qz, threshold)
        to_n = _weight(bx * nx + by * ny + bz * nz, threshold)
        vx = to_self * bx + between * ax + to_q * qx + to_n * nx
        vy = to_self * by + between * ay + to_q * qy + to_n * ny
        vz = to_self * bz + between * az + to_q * qz + to_n * nz
        unit = _per_length(vx * vx + vy * vy + vz * vz)
        s[_RESULT + 3 * _STEP + i] = vx * unit
        s[_RESULT + 4 * _STEP + i] = vy * unit
        s[_RESULT + 5 * _STEP + i] = vz * unit


@compiled()
def _weight(cosine: np.float32, threshold: np.float32) -> np.float32:  # pragma: no cover - compiled
    """Weigh a neighbour by the cosine between the normals."""
    above = cosine - threshold
    return above * above if above > _ZERO else _ZERO


@compiled(error_model="numpy")
def _per_length(square: np.float32) -> np.float32:  # pragma: no cover - compiled
    """Give the factor that makes a vector of this squared length a unit vector; 0 stays 0."""
    return np.float32(_ONE / np.sqrt(square if square > _TINY else _TINY))
