"""The true colours of a composite, small enough to be looked at in a browser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.nouns.grid import Grid, Window
from landcover.publish.zone_files import NODATA, TRUE_COLOUR, read_colour_bands
from landcover.stores.rasters import (
    RasterStyle,
    create_raster,
    describe,
    open_raster,
    write_picture_cog,
)

MOST_PX = 5600
"""Most rows or columns of the file: a whole tile at 20 m."""
BANDS = ("red", "green", "blue", "opacity")
QUALITY = 75
"""Of the pictures in WebP, 0-100: a tenth of the bytes without loss."""
_STRIP = 512
"""Rows that are averaged at once, px of the result."""

Stored = NDArray[np.int16]


def write_colours(mosaic: Path, path: Path) -> None:
    """Write the true colours of a mosaic as a Cloud Optimized GeoTIFF of WebP pictures.

    Args:
        mosaic: Folder with B04, B03 and B02, int16, -32768 nodata.
        path: The file: red, green, blue and opacity, uint8; averaged where the mosaic is too
            fine. As bright as the picture of the composite, transparent where a band is nodata.

    Raises:
        InputError: A band is damaged or has no place.
    """
    # Matplotlib, which the pictures of a report need anyway, comes with it.
    from landcover.publish.plots import brightness_range, stretch

    sources = [mosaic / f"{band}.tif" for band in TRUE_COLOUR]
    shown = np.stack(read_colour_bands(mosaic))
    ends = brightness_range(shown, (shown == NODATA).any(axis=0))
    grid = describe(sources[0]).grid
    if grid is None:
        raise InputError(f"{sources[0]}: the mosaic has no georeference. Run mosaic again.")
    factor = factor_of(grid)
    small = grid.model_copy(
        update={
            "pixel": grid.pixel * factor,
            "width": -(-grid.width // factor),
            "height": -(-grid.height // factor),
        }
    )
    plain = path.with_suffix(".plain.tif")
    with create_raster(plain, small, RasterStyle("uint8", None, BANDS)) as raster:
        for window in small.windows(_STRIP, small.width):
            bands = np.stack([_averaged(p, grid, window, factor) for p in sources])
            is_nodata = (bands == NODATA).any(axis=0)
            colours = np.moveaxis(stretch(bands, is_nodata, ends)[..., :3], -1, 0)
            opaque = np.where(is_nodata, np.uint8(0), np.uint8(255))
            raster.write(np.concatenate([np.where(is_nodata, 0, colours), opaque[None]]), window)
    write_picture_cog(plain, path, quality=QUALITY)
    plain.unlink()


def factor_of(grid: Grid) -> int:
    """Tell how many pixels of a mosaic, on a side, make one of its true colours."""
    return -(-max(grid.shape) // MOST_PX)


def _averaged(path: Path, grid: Grid, window: Window, factor: int) -> Stored:
    """Read a window of a coarser grid: the mean of the pixels that have a value."""
    fine = window.refined(factor).meet(Window.whole(grid.shape))
    with open_raster(path) as raster:
        values: Stored = raster.read(fine, band=1)
    if factor == 1:
        return values
    rows, columns = (np.arange(0, side, factor) for side in values.shape)
    is_seen = values != NODATA
    total, count = (
        np.add.reduceat(np.add.reduceat(part, rows, axis=0, dtype=np.int64), columns, axis=1)
        for part in (np.where(is_seen, values, 0), is_seen)
    )
    mean = np.where(count > 0, total // np.maximum(count, 1), NODATA)
    return mean.astype(np.int16)
