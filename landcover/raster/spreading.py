"""Pixels of a coarse mask repeated on a finer grid, straight into their place, compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from landcover.compiled import compiled


def spread_into(
    coarse: NDArray[np.bool_], ratio: int, row: int, column: int, out: NDArray[np.bool_]
) -> None:
    """Repeat each pixel ratio × ratio times and cut a window out of that.

    Equal to ``upsample_nearest`` and a cut, without the arrays between.

    Args:
        coarse: Mask, bool, (y, x).
        ratio: Fine pixels along one side of a coarse one.
        row: Fine rows above the window.
        column: Fine columns left of it.
        out: The window, bool, (y, x), overwritten; within what the coarse pixels cover.
    """
    _spread(np.ascontiguousarray(coarse), ratio, row, column, out)


@compiled()
def _spread(  # pragma: no cover - compiled
    coarse: NDArray[np.bool_], ratio: int, row: int, column: int, out: NDArray[np.bool_]
) -> None:
    height, width = out.shape
    wide = np.empty(coarse.shape[1] * ratio, dtype=np.bool_)
    last = -1
    for y in range(height):
        above = (y + row) // ratio
        if above != last:
            last = above
            if ratio == 2:
                for x in range(coarse.shape[1]):
                    wide[2 * x] = coarse[above, x]
                    wide[2 * x + 1] = coarse[above, x]
            else:
                for x in range(coarse.shape[1]):
                    for i in range(ratio):
                        wide[x * ratio + i] = coarse[above, x]
        for x in range(width):
            out[y, x] = wide[column + x]
