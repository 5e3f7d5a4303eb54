"""Small pictures of a composite or a map, for a page that shows one tile."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image

from landcover.stores.rasters import open_raster, read_overview

_LEAST = -32000
"""Least value that is a measurement: below are the codes of missing ones."""


def colour_picture(paths: Sequence[str], side: int) -> bytes:
    """Draw a composite in its natural colours.

    Args:
        paths: B04, B03 and B02, int16 reflectance × 1e-4; below -32000 no data.
        side: Longer side of the picture, px.

    Returns:
        A PNG, transparent where a band has no data.

    Raises:
        InputError: A file is absent or damaged.
    """
    from landcover.publish.plots import stretch

    # The nearest pixel: an average would need every pixel of 120 million.
    bands = np.stack([read_overview(path, side) for path in paths])
    is_nodata = np.any(bands < _LEAST, axis=0)
    shown = stretch(bands, is_nodata)
    return _png(np.dstack([shown, np.where(is_nodata, 0, 255).astype(np.uint8)]))


def class_picture(path: str, side: int) -> bytes:
    """Draw a map of classes in the colours that its file has.

    Args:
        path: The map, uint8 class codes with a colour table, 0 no data.
        side: Longer side of the picture, px.

    Returns:
        A PNG, transparent where there is no class.

    Raises:
        InputError: The file is absent or damaged.
    """
    codes = read_overview(path, side)
    table = np.zeros((256, 4), np.uint8)
    with open_raster(path) as raster:
        for code, colour in raster.dataset.colormap(1).items():
            table[code] = colour
    table[0] = 0
    return _png(table[codes])


def _png(pixels: np.ndarray) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels, "RGBA").save(buffer, "PNG")
    return buffer.getvalue()
