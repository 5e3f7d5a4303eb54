"""A part of a raster as a file of its own, with nodata where something else ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.windows import Window as RasterioWindow

from landcover.errors import InputError
from landcover.nouns.grid import Window
from landcover.stores.rasters.reading import GDAL_OPTIONS, open_raster

_AT_ONCE = 2048
"""Rows and columns that are copied at once, px: whole blocks of 512."""


def clip_raster(
    source: str | Path,
    path: str | Path,
    part: Window,
    is_inside: Callable[[Window], NDArray[np.bool_]] | None = None,
) -> None:
    """Copy a window of a raster, with its colours, names and scale.

    Args:
        source: A GeoTIFF of ours.
        path: Where the part goes.
        part: Window of the source.
        is_inside: Tells of a window of the source which pixels are kept, bool, (y, x); the others
            become nodata. None keeps all.

    Raises:
        InputError: The raster has no place, or no nodata for pixels that are left out.
    """
    with open_raster(source) as reader, rasterio.Env(**GDAL_OPTIONS):
        dataset, grid = reader.dataset, reader.info.grid
        if grid is None:
            raise InputError(f"{source}: it has no georeference, so it cannot be clipped.")
        if is_inside is not None and dataset.nodata is None:
            raise InputError(f"{source}: it has no nodata value, so it cannot be clipped.")
        profile = {
            **dataset.profile,
            "width": part.width,
            "height": part.height,
            "transform": Affine(*grid.cut(part).transform),
        }
        with rasterio.open(path, "w", **profile) as target:
            target.update_tags(**dataset.tags())
            target.descriptions = dataset.descriptions
            target.scales, target.offsets = dataset.scales, dataset.offsets
            for band in dataset.indexes:
                target.update_tags(band, **dataset.tags(band))
            if dataset.colorinterp[0].name == "palette":
                target.write_colormap(1, dataset.colormap(1))
            for window in part.pieces(_AT_ONCE, _AT_ONCE):
                pixels = reader.read(window)
                if is_inside is not None:
                    pixels[..., ~is_inside(window)] = dataset.nodata
                target.write(pixels, window=_of_rasterio(window.within(part)))


def _of_rasterio(window: Window) -> RasterioWindow:
    return RasterioWindow(window.column, window.row, window.width, window.height)
