"""Co-occurrence of grey levels in a window that slides along a row, compiled.

All that is kept of a window are whole numbers: what enters is added, what leaves is taken off, and
nothing is rounded on the way. So a pixel has the same bits whichever block it is computed in, and
alone. What is linear in the pairs is summed up column by column, once for all windows of a row;
only the matrix itself is followed pair by pair.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from landcover.compiled import compiled

INVALID = -1
"""Level of a pixel that has none."""
N_ANGLES, N_TEXTURES = 4, 6
HOMOGENEITY_STEPS = 1 << 40
"""Steps of 1 / (1 + d²), so that it is summed up as whole numbers: off by 5e-13 at most."""

# Of the pairs of an angle: their number, Σ|i-j|, Σ1/(1+(i-j)²), Σ(i+j), Σ(i²+j²), Σij.
_COUNT, _DISSIMILARITY, _HOMOGENEITY, _SUM, _SQUARES, _PRODUCTS = range(6)
_N_SUMS = 6


def dense_textures(levels: Any, window: int, n_levels: int, closeness: Any, found: Any) -> None:
    """Write the six textures of the window around every pixel.

    Args:
        levels: Grey levels below ``n_levels``, int16, (y + window − 1, x + window − 1), −1 where
            there is none.
        window: Side of the window, odd.
        n_levels: Number of levels.
        closeness: 1 / (1 + d²) in steps, int64, (n_levels).
        found: float32, (texture, y, x).
    """
    cells = np.empty((*levels.shape, N_ANGLES), np.int32)
    _cells_of_pairs(levels, n_levels, cells)
    counts = np.zeros((N_ANGLES, n_levels * n_levels), np.int32)
    columns = np.zeros((N_ANGLES, levels.shape[1], _N_SUMS), np.int64)
    _slide(levels, cells, window, closeness, counts, columns, found)


@compiled()
def _cells_of_pairs(  # pragma: no cover - compiled
    levels: Any, n_levels: int, cells: Any
) -> None:
    """Write the cell of each pair: twice its place, one more on the diagonal; −1 for none.

    A pair stands at its right member, and of two in a column at the upper one. Angles are counted
    as scikit-image does: 45 degrees is one row down and one column right.
    """
    height, width = levels.shape
    for row in range(height):
        for column in range(width):
            for angle in range(N_ANGLES):
                i, j = _members(levels, row, column, angle)
                low, high = min(i, j), max(i, j)
                cell = 2 * (low * n_levels + high) + (low == high)
                cells[row, column, angle] = cell if low >= 0 else INVALID


@compiled()
def _members(  # pragma: no cover - compiled
    levels: Any, row: int, column: int, angle: int
) -> tuple[int, int]:
    """Give the levels of a pair; −1 for one that lies outside."""
    height = levels.shape[0]
    before, below = column - 1, row + 1
    if (angle != 2 and before < 0) or (angle != 0 and below >= height):
        return INVALID, INVALID
    if angle == 0:
        return levels[row, before], levels[row, column]
    if angle == 1:
        return levels[row, before], levels[below, column]
    if angle == 2:
        return levels[row, column], levels[below, column]
    return levels[below, before], levels[row, column]


@compiled()
def _slide(  # pragma: no cover - compiled
    levels: Any,
    cells: Any,
    window: int,
    closeness: Any,
    counts: Any,
    columns: Any,
    found: Any,
) -> None:
    height, width = found.shape[1:]
    sums = np.zeros((N_ANGLES, _N_SUMS), np.int64)
    squares = np.zeros(N_ANGLES, np.int64)
    means = np.empty(N_TEXTURES)
    for top in range(height):
        _follow_columns(levels, top, window, closeness, columns)
        rows = cells[top : top + window]
        sums[:] = 0
        for column in range(window):
            _enter(rows, column, column >= 1, counts, squares)
            _add_column(columns, column, column >= 1, sums)
        for left in range(width):
            _averages(sums, squares, window, means)
            for texture in range(N_TEXTURES):
                found[texture, top, left] = means[texture]
            _leave(rows, left, True, counts, squares)
            if left + 1 < width:
                _enter(rows, left + window, True, counts, squares)
                _add_column(columns, left + window, True, sums)
                _take_column(columns, left, sums)
        # What is left of the last window leaves with its columns.
        for left in range(width, width + window - 1):
            has_right = left + 2 < width + window
            _leave(rows, left, has_right, counts, squares)


@compiled()
def _follow_columns(  # pragma: no cover - compiled
    levels: Any, top: int, window: int, closeness: Any, columns: Any
) -> None:
    """Bring the sums of each column's pairs to the rows of a window that begins at ``top``."""
    for column in range(levels.shape[1]):
        for angle in range(N_ANGLES):
            n_rows = window if angle == 0 else window - 1
            of = columns[angle, column]
            if top == 0:
                for row in range(n_rows):
                    i, j = _members(levels, row, column, angle)
                    _add_pair(of, closeness, i, j, 1)
            else:
                i, j = _members(levels, top - 1, column, angle)
                _add_pair(of, closeness, i, j, -1)
                i, j = _members(levels, top - 1 + n_rows, column, angle)
                _add_pair(of, closeness, i, j, 1)


@compiled()
def _add_pair(  # pragma: no cover - compiled
    sums: Any, closeness: Any, i: int, j: int, step: int
) -> None:
    """Add a pair of levels to sums (step 1), or take it off (-1)."""
    if i < 0 or j < 0:
        return
    apart = abs(i - j)
    sums[_COUNT] += step
    sums[_DISSIMILARITY] += step * apart
    sums[_HOMOGENEITY] += step * closeness[apart]
    sums[_SUM] += step * (i + j)
    sums[_SQUARES] += step * (i * i + j * j)
    sums[_PRODUCTS] += step * i * j


@compiled()
def _add_column(  # pragma: no cover - compiled
    columns: Any, column: int, has_left: bool, sums: Any
) -> None:
    """Add the sums of a column's pairs, of those to its left only where they are inside."""
    for angle in range(N_ANGLES):
        if angle == 2 or has_left:
            for number in range(_N_SUMS):
                sums[angle, number] += columns[angle, column, number]


@compiled()
def _take_column(  # pragma: no cover - compiled
    columns: Any, left: int, sums: Any
) -> None:
    """Take off the pairs whose left member, or both, lie in column ``left``."""
    for angle in range(N_ANGLES):
        column = left if angle == 2 else left + 1
        for number in range(_N_SUMS):
            sums[angle, number] -= columns[angle, column, number]


@compiled()
def _enter(  # pragma: no cover - compiled
    rows: Any, column: int, has_left: bool, counts: Any, squares: Any
) -> None:
    """Count the pairs whose right member, or both, lie in a column of the window."""
    at_0, at_45, at_90, at_135 = squares[0], squares[1], squares[2], squares[3]
    short = len(rows) - 1
    for row in range(len(rows)):
        if has_left:
            at_0 += _count(rows[row, column, 0], counts[0])
        if row < short:
            at_90 += _count(rows[row, column, 2], counts[2])
            if has_left:
                at_45 += _count(rows[row, column, 1], counts[1])
                at_135 += _count(rows[row, column, 3], counts[3])
    squares[0], squares[1], squares[2], squares[3] = at_0, at_45, at_90, at_135


@compiled()
def _leave(  # pragma: no cover - compiled
    rows: Any, column: int, has_right: bool, counts: Any, squares: Any
) -> None:
    """Forget the pairs whose left member, or both, lie in the first column of the window."""
    at_0, at_45, at_90, at_135 = squares[0], squares[1], squares[2], squares[3]
    short, right = len(rows) - 1, column + 1
    for row in range(len(rows)):
        if has_right:
            at_0 -= _forget(rows[row, right, 0], counts[0])
        if row < short:
            at_90 -= _forget(rows[row, column, 2], counts[2])
            if has_right:
                at_45 -= _forget(rows[row, right, 1], counts[1])
                at_135 -= _forget(rows[row, right, 3], counts[3])
    squares[0], squares[1], squares[2], squares[3] = at_0, at_45, at_90, at_135


@compiled()
def _count(cell: Any, counts: Any) -> Any:  # pragma: no cover - compiled
    """Count a pair; give by how much the sum of squares grows.

    Σ S² of the symmetric matrix S is 2 Σ c², and 4 Σ c² on its diagonal; half of it is kept.
    """
    if cell < 0:
        return 0
    place = np.uint32(cell) >> np.uint32(1)
    before = counts[place]
    counts[place] = before + 1
    return (2 * before + 1) << (cell & 1)


@compiled()
def _forget(cell: Any, counts: Any) -> Any:  # pragma: no cover - compiled
    """Forget a pair; give by how much the sum of squares shrinks."""
    if cell < 0:
        return 0
    place = np.uint32(cell) >> np.uint32(1)
    before = counts[place]
    counts[place] = before - 1
    return (2 * before - 1) << (cell & 1)


@compiled(error_model="numpy")
def _averages(  # pragma: no cover - compiled
    sums: Any, squares: Any, window: int, found: Any
) -> None:
    """Average the six textures over the angles; NaN where an angle lacks half of its pairs."""
    found[:] = 0.0
    short = window - 1
    for angle in range(N_ANGLES):
        of = sums[angle]
        pairs = of[_COUNT]
        whole = short * (short if angle % 2 else window)
        if 2 * pairs < whole or pairs == 0:
            found[:] = np.nan
            return
        share = 1.0 / pairs
        asm = squares[angle] * (0.5 * share) * share
        # N times the sums less their squares, N = 2 pairs: whole numbers, 0 where all are equal.
        spread = 2 * pairs * of[_SQUARES] - of[_SUM] * of[_SUM]
        together = 4 * pairs * of[_PRODUCTS] - of[_SUM] * of[_SUM]
        found[0] += (of[_SQUARES] - 2 * of[_PRODUCTS]) * share
        found[1] += of[_DISSIMILARITY] * share
        found[2] += of[_HOMOGENEITY] * (share / HOMOGENEITY_STEPS)
        found[3] += np.sqrt(asm)
        found[4] += 1.0 if spread == 0 else together / spread
        found[5] += asm
    for texture in range(N_TEXTURES):
        found[texture] *= 0.25


@compiled(error_model="numpy")
def square_textures(  # pragma: no cover - compiled
    levels: Any, side: int, found: Any
) -> None:
    """Write the six textures of squares that do not overlap: distance 1, angle 0, symmetric.

    Args:
        levels: Grey levels 0-255, int16, (y, x).
        side: Side of a square.
        found: float64, (texture, y // side, x // side).
    """
    pairs = side * (side - 1)
    codes = np.empty(2 * pairs, np.int64)
    for row in range(found.shape[1]):
        for column in range(found.shape[2]):
            place, homogeneity = 0, 0.0
            dissimilarity: Any = 0
            total: Any = 0
            squares: Any = 0
            products: Any = 0
            for y in range(row * side, (row + 1) * side):
                for x in range(column * side, (column + 1) * side - 1):
                    i, j = np.int64(levels[y, x]), np.int64(levels[y, x + 1])
                    codes[place], codes[place + 1] = 256 * i + j, 256 * j + i
                    place += 2
                    dissimilarity += abs(i - j)
                    homogeneity += 1.0 / (1 + (i - j) * (i - j))
                    total += i + j
                    squares += i * i + j * j
                    products += i * j
            asm = _squared_counts(codes) / (4.0 * pairs * pairs)
            spread = 2 * pairs * squares - total * total
            together = 4 * pairs * products - total * total
            found[0, row, column] = (squares - 2 * products) / pairs
            found[1, row, column] = dissimilarity / pairs
            found[2, row, column] = homogeneity / pairs
            found[3, row, column] = np.sqrt(asm)
            found[4, row, column] = 1.0 if spread == 0 else together / spread
            found[5, row, column] = asm


@compiled()
def _squared_counts(codes: Any) -> int:  # pragma: no cover - compiled
    """Sum the squares of how often each code occurs."""
    ordered = np.sort(codes)
    total, run = 0, 1
    for place in range(1, ordered.size + 1):
        if place < ordered.size and ordered[place] == ordered[place - 1]:
            run += 1
        else:
            total += run * run
            run = 1
    return total
