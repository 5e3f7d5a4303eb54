"""The numbers of a composite's layer in physical units, however they are stored."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.compiled import compiled
from landcover.raster.reflectance import NODATA, stored_units, to_physical


def layer_values(stored: NDArray[Any], layer: str) -> NDArray[np.float32]:
    """Turn what the file of a layer holds into physical units.

    Args:
        stored: int16 with nodata −32768 (bands, AOT, WVP and their statistics), or float32 with
            NaN, which is physical already (statistics of indices, metrics, shares).
        layer: Name of the layer, ``B04``, ``B04_p05``, ``ndvi_max``.

    Returns:
        float32, same shape, NaN where nodata: reflectance 0-1, AOT, WVP (cm), or as stored.

    Raises:
        InputError: Another type.
    """
    if stored.dtype == np.float32:
        return stored
    return to_physical(stored, 1 / stored_units(layer))


def fill_layer(
    stored: NDArray[Any], layer: str, ratio: int, corner: tuple[int, int], out: NDArray[np.float32]
) -> None:
    """Write a layer in physical units into a window of a finer grid, in one pass.

    Args:
        stored: As of :func:`layer_values`, (y, x): coarse pixels that cover the window.
        layer: Name of the layer.
        ratio: Fine pixels along one side of a coarse one, at least 1.
        corner: Row and column of the window's first pixel, fine pixels from the corner of
            ``stored``.
        out: The window, float32, (y, x): what :func:`layer_values`, repeated ratio × ratio times
            and cut, would be, bit for bit.

    Raises:
        InputError: Another type.
    """
    row, column = corner
    if stored.dtype != np.int16:
        values = layer_values(stored, layer)
        rows = (row + np.arange(out.shape[0])) // ratio
        columns = (column + np.arange(out.shape[1])) // ratio
        out[:] = values[rows[:, np.newaxis], columns]
        return
    _fill(stored, np.float32(stored_units(layer)), ratio, row, column, out)


@compiled()
def _fill(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    stored, units, ratio, row, column, out
):
    for y in range(out.shape[0]):
        if y and (row + y) % ratio:
            out[y] = out[y - 1]
            continue
        source = stored[(row + y) // ratio]
        for x in range(out.shape[1]):
            value = source[(column + x) // ratio] if ratio > 1 else source[column + x]
            out[y, x] = np.float32(np.nan) if value == NODATA else np.float32(value) / units
