"""Replace each small integer of a raster by an entry of a table, without large temporaries."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

_Scalar = TypeVar("_Scalar", bound=np.generic)

# Elements looked up at once: numpy makes 8-byte indices, which then stay inside the cache.
_CHUNK = 1 << 17


def look_up(
    table: npt.NDArray[_Scalar], codes: npt.NDArray[np.unsignedinteger[Any]]
) -> npt.NDArray[_Scalar]:
    """Take ``table[codes]``.

    Args:
        table: One entry for every value of the codes' type (256 or 65,536), any dtype.
        codes: uint8 or uint16, any shape.

    Returns:
        The entries, dtype of the table, shape of the codes.
    """
    flat = np.ascontiguousarray(codes).reshape(-1)
    found = np.empty(flat.shape, dtype=table.dtype)
    for start in range(0, flat.size, _CHUNK):
        part = slice(start, start + _CHUNK)
        # Every code is a row of the table, so the check for bad indices is left out.
        np.take(table, flat[part], out=found[part], mode="clip")
    return found.reshape(codes.shape)


def without_gaps(
    codes: npt.NDArray[np.uint8],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Number the codes that occur, 0 … K − 1 in their order.

    Args:
        codes: uint8, any shape; 0 keeps its number and counts as occurring.

    Returns:
        The codes, ascending, (K,), the first is 0; and the number of each pixel's code, uint8,
        shape of the codes.
    """
    is_there = np.bincount(codes.reshape(-1), minlength=256) > 0
    is_there[0] = True
    return np.flatnonzero(is_there).astype(np.uint8), look_up(
        (np.cumsum(is_there) - 1).astype(np.uint8), codes
    )
