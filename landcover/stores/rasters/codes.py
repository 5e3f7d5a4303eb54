"""Read rasters of class codes onto another grid: nearest neighbour, never a code in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, Resampling
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds

from landcover.errors import InputError
from landcover.nouns.colour import hex_of
from landcover.nouns.grid import Grid, Window
from landcover.stores.rasters.opening import open_named
from landcover.stores.rasters.reading import (
    GDAL_OPTIONS,
    RasterReader,
    open_raster,
    rasterio_window,
    reading,
)

_WARP_MEMORY_MB = 64


def read_codes(path: str | Path, grid: Grid, window: Window | None = None) -> NDArray[np.uint8]:
    """Read the first band of a raster of codes, moved onto another grid.

    Where the grid is coarser than the raster, the overview that is still as fine is read: of a
    class map of ours each of its pixels holds the commonest class below it.

    Args:
        path: The raster, uint8, in any CRS.
        grid: The wanted grid.
        window: A part of the wanted grid; all of it if None.

    Returns:
        Codes, uint8, (y, x); 0 outside the raster and where it has its nodata value.

    Raises:
        InputError: The raster is absent or damaged, has no CRS or is not uint8.
    """
    with open_raster(path) as raster:
        source = raster.dataset
        if source.crs is None or source.dtypes[0] != "uint8":
            raise InputError(
                f"{path}: expected class codes (uint8) with a CRS, found {source.dtypes[0]}"
                f"{'' if source.crs else ' without a CRS'}."
            )
        raster.compare_once()
        level = _overview(raster, grid)
        nodata = source.nodata
    options: dict[str, Any] = {} if level is None else {"overview_level": level}
    with (
        rasterio.Env(**GDAL_OPTIONS),
        reading(str(path), lambda: open_named(path, **options)) as chosen,
        WarpedVRT(
            chosen,
            crs=CRS.from_user_input(grid.crs),
            transform=Affine(*grid.transform),
            width=grid.width,
            height=grid.height,
            resampling=Resampling.nearest,
            src_nodata=nodata,
            nodata=0 if nodata is None else nodata,
            warp_mem_limit=_WARP_MEMORY_MB,
        ) as warped,
    ):
        rectangle = rasterio_window(window)
        codes = np.asarray(reading(str(path), lambda: warped.read(1, window=rectangle)))
    if nodata:
        codes = np.where(codes == nodata, 0, codes)
    return codes.astype(np.uint8, copy=False)


def _overview(raster: RasterReader, grid: Grid) -> int | None:
    """Choose the coarsest overview that is as fine as the grid; None for the raster itself."""
    source = raster.dataset
    left, _, right, _ = transform_bounds(
        CRS.from_user_input(grid.crs), source.crs, *grid.bounds, densify_pts=5
    )
    factor = (right - left) / grid.width / source.transform.a
    fitting = [k for k, zoom in enumerate(source.overviews(1)) if zoom <= factor * (1 + 1e-6)]
    return fitting[-1] if fitting else None


@dataclass(frozen=True)
class CodeNames:
    """What a class map says of its codes."""

    names: Mapping[int, str]
    """Code → name, as the file tells; empty where it does not."""
    colours: Mapping[int, str]
    """Code → ``#RRGGBB`` of those that have a name."""
    is_simulated: bool
    """True where the file says that its products were simulated."""


def read_code_names(path: str | Path) -> CodeNames:
    """Read names and colours of the codes from a class map of ours.

    A virtual raster over several files tells what the first of them does.

    Raises:
        InputError: The file is absent or damaged.
    """
    with open_raster(path) as raster:
        source = raster.dataset
        if source.driver == "VRT" and len(source.files) > 1:
            return read_code_names(source.files[1])
        tags = source.tags(1)
        names = {
            int(key.removeprefix("class_")): value
            for key, value in tags.items()
            if key.startswith("class_") and key != "class_0"
        }
        has_colours = source.colorinterp[0] == ColorInterp.palette
        palette = source.colormap(1) if has_colours else {}
        return CodeNames(
            names=dict(sorted(names.items())),
            colours={k: hex_of(palette[k]) for k in sorted(names) if k in palette},
            is_simulated=source.tags().get("simulated") == "yes",
        )
