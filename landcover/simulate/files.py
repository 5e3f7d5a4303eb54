"""Write the rasters of the simulator: the only file of it that knows a raster library.

Kept apart from the library's own store on purpose, so that a fault in writing there cannot hide
itself by being made here too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import floor, log2
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine
from rasterio.shutil import copy
from rasterio.windows import Window

Transform = tuple[float, float, float, float, float, float]
CACHE_BYTES = 128 * 2**20
"""Room for blocks in passing, bytes: the library's own choice grows with the machine."""
_PLAIN_BLOCK = 512
"""Side of the blocks in which a large raster waits to be encoded, pixels."""
Array = npt.NDArray[np.uint8] | npt.NDArray[np.uint16] | npt.NDArray[np.int16]


def small_cache() -> rasterio.Env:
    """Hold the raster library to `CACHE_BYTES` as long as the context lasts."""
    return rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES)


class Canvas:
    """A JPEG 2000 in the making: filled by rectangles in any order, then encoded.

    The encoder wants a whole raster to copy from: a plain GeoTIFF beside the file, gone afterwards.
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, ...],
        dtype: np.dtype[np.generic],
        crs: str,
        transform: Transform,
    ) -> None:
        self._path, self._shape, self._dtype = path, shape, dtype
        self._plain = path.with_suffix(".tif")
        blocks: dict[str, Any] = {}
        if min(shape) > _PLAIN_BLOCK:
            blocks = {"tiled": True, "blockxsize": _PLAIN_BLOCK, "blockysize": _PLAIN_BLOCK}
        self._target = rasterio.open(
            self._plain,
            "w",
            driver="GTiff",
            height=shape[0],
            width=shape[1],
            count=1,
            dtype=dtype,
            crs=crs,
            transform=Affine(*transform),
            BIGTIFF="IF_SAFER",
            **blocks,
        )

    def __enter__(self) -> Canvas:
        return self

    def __exit__(self, *_: object) -> None:
        self._target.close()
        self._plain.unlink(missing_ok=True)

    def write(self, array: Array, row: int, column: int) -> None:
        """Fill the rectangle whose first pixel is given."""
        rows, columns = array.shape
        self._target.write(array, 1, window=Window(column, row, columns, rows))

    def encode(self) -> None:
        """Make the file; nothing can be written afterwards."""
        self._target.close()
        rows, columns = self._shape
        copy(
            self._plain,
            self._path,
            driver="JP2OpenJPEG",
            REVERSIBLE="YES",
            QUALITY="100",
            YCBCR420="NO",
            RESOLUTIONS=str(_resolutions(min(rows, columns))),
            NBITS="8" if self._dtype == np.uint8 else "15",
            BLOCKXSIZE=str(min(1024, columns)),
            BLOCKYSIZE=str(min(1024, rows)),
        )
        self._plain.unlink()


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
    pieces = [(0, array)]
    shape, dtype = (array.shape[0], array.shape[1]), array.dtype
    write_tiff_by_strips(path, pieces, shape, dtype, crs, transform, nodata, tags, colormap)


def write_tiff_by_strips(
    path: Path,
    strips: Iterable[tuple[int, Array]],
    shape: tuple[int, int],
    dtype: np.dtype[Any],
    crs: str,
    transform: Transform,
    nodata: int,
    tags: Mapping[str, str],
    colormap: Mapping[int, tuple[int, int, int]] | None = None,
) -> None:
    """Write a deflated GeoTIFF from (first row, array of the full width) pairs."""
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=shape[0],
        width=shape[1],
        count=1,
        dtype=dtype,
        crs=crs,
        transform=Affine(*transform),
        nodata=nodata,
        compress="deflate",
        predictor=2 if dtype == np.int16 else 1,
        zlevel=1,
    ) as target:
        for row, array in strips:
            target.write(array, 1, window=Window(0, row, array.shape[1], array.shape[0]))
        target.update_tags(**tags)
        if colormap:
            target.write_colormap(1, {value: (*rgb, 255) for value, rgb in colormap.items()})


def _resolutions(side: int) -> int:
    """Give six resolutions, or fewer where the coarsest would have under eight pixels."""
    return max(1, min(6, floor(log2(max(side, 8) / 8)) + 1))
