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
