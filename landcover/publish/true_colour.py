"""The true colours of a composite, as bytes and small enough for the preview."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from landcover.errors import InputError
from landcover.nouns.grid import Grid, Window
from landcover.publish.zone_files import NODATA, TRUE_COLOUR, read_colour_bands
from landcover.stores.rasters import (
    RasterStyle,
    create_raster,
    describe,
    open_raster,
    read_codes,
    write_cog,
)

MOST_PX = 5600
"""Most rows or columns that the preview shows: a whole tile at 20 m."""
QUALITY = 75
"""Of a picture in WebP, 0-100: about 10 kB a tile, a tenth of a PNG."""
_STRIP = 512
"""Rows that are averaged at once, px of the result."""

Stored = NDArray[np.int16]
Bytes = NDArray[np.uint8]


def keep_colours(mosaic: Path, folder: Path, name: str) -> tuple[Path, ...]:
    """Write the true colours of a mosaic as bytes: averaged where too fine, with overviews.

    Args:
        mosaic: Folder with B04, B03 and B02, int16, -32768 nodata.
        folder: Where the files go.
        name: What they are called, without number and ending.

    Returns:
        A file for red, green and blue, uint8, 0 where any band is nodata; as bright as the
        picture of the composite.

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
    factor = -(-max(grid.shape) // MOST_PX)
    small = grid.model_copy(
        update={
            "pixel": grid.pixel * factor,
            "width": -(-grid.width // factor),
            "height": -(-grid.height // factor),
        }
    )
    plain = [folder / f"{name}-{number}.plain.tif" for number in range(3)]
    for number, path in enumerate(plain):
        with create_raster(path, small, RasterStyle("uint8", 0)) as raster:
            for window in small.windows(_STRIP, small.width):
                bands = np.stack([_averaged(p, grid, window, factor) for p in sources])
                is_nodata = (bands == NODATA).any(axis=0)
                bright = np.maximum(stretch(bands, is_nodata, ends)[..., number], 1)
                raster.write(np.where(is_nodata, np.uint8(0), bright), window)
    found = tuple(folder / f"{name}-{number}.tif" for number in range(3))
    for path, target in zip(plain, found, strict=True):
        write_cog(path, target, resampling="AVERAGE", tags={})
        path.unlink()
    return found


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


def read_colours(layers: Sequence[Sequence[Path]], grid: Grid) -> Bytes | None:
    """Read the colours of maps on another grid.

    Args:
        layers: Files of :func:`write_colours` of each map; where two overlap, the first is shown.
        grid: The wanted grid.

    Returns:
        uint8, (y, x, 4), transparent where there is none; None where there is none at all.
    """
    found = np.zeros((*grid.shape, 4), np.uint8)
    for bands in layers:
        read = np.stack([read_codes(path, grid) for path in bands], axis=-1)
        is_new = (found[..., 3] == 0) & read.all(axis=-1)
        found[is_new] = np.concatenate([read[is_new], np.full((is_new.sum(), 1), 255, np.uint8)], 1)
    return found if found[..., 3].any() else None


def write_picture(path: Path, colours: Bytes) -> None:
    """Write colours, uint8 (y, x, 4), as a WebP picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(colours, "RGBA").save(path, "WEBP", quality=QUALITY, method=4)
