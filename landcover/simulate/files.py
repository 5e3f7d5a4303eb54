"""Write the rasters of the simulator: the only file of it that knows a raster library.

Kept apart from the library's own store on purpose, so that a fault in writing there cannot hide
itself by being made here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import floor, log2
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine

Transform = tuple[float, float, float, float, float, float]
Array = npt.NDArray[np.uint8] | npt.NDArray[np.uint16] | npt.NDArray[np.int16]


def write_jp2(path: Path, array: Array, crs: str, transform: Transform) -> None:
    """Write a lossless JPEG 2000 as ESA does: blocks of 1,024, six resolutions, 15 bits.

    Args:
        path: File to make; its folder exists.
        array: Digital numbers, uint16 up to 32,767 or uint8, (y, x).
        crs: ``EPSG:n``.
        transform: Affine coefficients in rasterio's order.
    """
    rows, columns = array.shape
    with rasterio.open(
        path,
        "w",
        driver="JP2OpenJPEG",
        height=rows,
        width=columns,
        count=1,
        dtype=array.dtype,
        crs=crs,
        transform=Affine(*transform),
        REVERSIBLE="YES",
        QUALITY="100",
        YCBCR420="NO",
        RESOLUTIONS=str(_resolutions(min(rows, columns))),
        NBITS="8" if array.dtype == np.uint8 else "15",
        BLOCKXSIZE=str(min(1024, columns)),
        BLOCKYSIZE=str(min(1024, rows)),
    ) as target:
        target.write(array, 1)


def write_tiff(
    path: Path,
    array: Array,
    crs: str,
    transform: Transform,
    nodata: int,
    tags: Mapping[str, str],
    colormap: Mapping[int, tuple[int, int, int]] | None = None,
) -> None:
    """Write a deflated GeoTIFF.

    Args:
        path: File to make; its folder exists.
        array: Values, uint8 or int16, (y, x).
        crs: ``EPSG:n``.
        transform: Affine coefficients in rasterio's order.
        nodata: Value that means nothing.
        tags: Words to store with it.
        colormap: Value → red, green, blue, for uint8.
    """
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=array.shape[0],
        width=array.shape[1],
        count=1,
        dtype=array.dtype,
        crs=crs,
        transform=Affine(*transform),
        nodata=nodata,
        compress="deflate",
        predictor=2 if array.dtype == np.int16 else 1,
        zlevel=1,
    ) as target:
        target.write(array, 1)
        target.update_tags(**tags)
        if colormap:
            target.write_colormap(1, {value: (*rgb, 255) for value, rgb in colormap.items()})


def _resolutions(side: int) -> int:
    """Give six resolutions, or fewer where the coarsest would have under eight pixels."""
    return max(1, min(6, floor(log2(max(side, 8) / 8)) + 1))
