"""Digital numbers of a product's raster, whatever type a delivery writes them in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.nouns.product import ProductFile

_LEAST, _MOST = 1, 65535
"""The least number that is not nodata, and the largest one."""


def as_numbers(file: ProductFile, pixels: NDArray[Any]) -> NDArray[np.uint16]:
    """Give digital numbers as ESA writes them: 0 is nodata.

    Args:
        file: What was read; one that names its band may say another nodata.
        pixels: Pixels in the file's own type, any shape.

    Returns:
        Digital numbers, uint16, same shape. A number below 1 that the file does not declare as
        nodata becomes 1 where the file declares one, and 0 (nodata) where it declares none.
    """
    if file.band is None or (pixels.dtype == np.uint16 and not file.nodata):
        return pixels.astype(np.uint16, copy=False)
    least = 0 if file.nodata is None else _LEAST
    numbers: NDArray[np.uint16] = np.clip(pixels, least, _MOST).astype(np.uint16)
    if file.nodata is not None:
        numbers[pixels == file.nodata] = 0
    return numbers


def as_classes(file: ProductFile, pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Give classes of the scene classification, uint8, 0 nodata, same shape."""
    classes: NDArray[np.uint8] = pixels.astype(np.uint8, copy=file.nodata is not None)
    if file.nodata is None:
        return classes
    classes[pixels == file.nodata] = 0
    return classes
