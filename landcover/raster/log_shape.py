"""The shape of a spectrum: how bright each band is beside the others, whatever the light."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from landcover.compiled import compiled
from landcover.errors import InputError

Values = NDArray[np.float32]


def log_shape(bands: Mapping[str, Values]) -> dict[str, Values]:
    """Take ln ρ of each band less the mean of ln ρ over the bands.

    Method: docs/methods/features.md#log-shape.

    A factor on all bands, such as more or less light on a slope, drops out. The shapes of a pixel
    add up to 0.

    Args:
        bands: Reflectance by band, float32, one shape, NaN where nodata; their order is that of
            the sum.

    Returns:
        By band, float32, same shape; NaN where a band is NaN or its reflectance is 0 or below,
        which has no logarithm: the mean is that of all bands or none.

    Raises:
        InputError: Fewer than two bands, other types, or shapes that differ.
    """
    sizes = {values.shape for values in bands.values()}
    types = {values.dtype for values in bands.values()}
    if len(bands) < 2 or len(sizes) > 1 or types != {np.dtype(np.float32)}:
        raise InputError(
            "Log-shape: expected at least two bands of float32 reflectance on one grid, found "
            f"{', '.join(f'{name} {v.dtype} {v.shape}' for name, v in bands.items()) or 'none'}."
        )
    spectra = np.stack([values.ravel() for values in bands.values()])
    # One pixel after the other, by the logarithm of the C library: a window and a single pixel
    # agree in every bit, whatever the layout of their arrays.
    _shape(spectra)
    size = sizes.pop()
    return {name: row.reshape(size) for name, row in zip(bands, spectra, strict=True)}


@compiled()
def _shape(spectra):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    bands, pixels = spectra.shape
    logs = np.empty(bands, dtype=np.float64)
    for pixel in range(pixels):
        total = 0.0
        for band in range(bands):
            value = spectra[band, pixel]
            # NaN is not above 0 either.
            logs[band] = math.log(value) if value > 0 else math.nan
            total += logs[band]
        mean = total / bands
        for band in range(bands):
            spectra[band, pixel] = logs[band] - mean
