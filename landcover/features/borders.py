"""What lies beyond the edge of a tile, the same for windows and for single pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.features.contract import Border
from landcover.nouns.grid import Window

Values = NDArray[np.float32]
Positions = NDArray[np.int64]
_PADDING: dict[Border, dict[str, Any]] = {
    "nodata": {"mode": "constant", "constant_values": np.nan},
    "reflect": {"mode": "symmetric"},
    "nearest": {"mode": "edge"},
}


def around(
    values: Values, held: Window, wanted: Window, shape: tuple[int, int], border: Border
) -> Values:
    """Cut a window, which may reach beyond the tile, out of what is held.

    Args:
        values: float32, (…, y, x), all of ``held``.
        held: Window inside the tile; it holds what of ``wanted`` lies inside.
        wanted: The window.
        shape: Rows and columns of the tile.
        border: What lies beyond.

    Returns:
        float32, (…, y, x) of ``wanted``; a view where all of it lies inside.
    """
    top, left = max(0, wanted.row), max(0, wanted.column)
    bottom = min(shape[0], wanted.row + wanted.height)
    right = min(shape[1], wanted.column + wanted.width)
    rows = slice(top - held.row, bottom - held.row)
    columns = slice(left - held.column, right - held.column)
    inside = values[..., rows, columns]
    if inside.shape[-2:] == (wanted.height, wanted.width):
        return inside
    pads = (
        *((0, 0) for _ in values.shape[:-2]),
        (top - wanted.row, wanted.row + wanted.height - bottom),
        (left - wanted.column, wanted.column + wanted.width - right),
    )
    return np.asarray(np.pad(inside, pads, **_PADDING[border]))


def inner_positions(positions: Positions, size: int, border: Border) -> Positions:
    """Say which pixel of an axis stands for each position, which may lie beyond it.

    Args:
        positions: Any rows or columns, int64.
        size: Pixels of the axis.
        border: What lies beyond.

    Returns:
        Positions inside, int64; -1 where there is nothing.
    """
    if border == "reflect":
        turned = positions % (2 * size)
        return np.where(turned < size, turned, 2 * size - 1 - turned)
    if border == "nearest":
        return np.clip(positions, 0, size - 1)
    return np.where((positions >= 0) & (positions < size), positions, -1)
