"""The files of a composite: one raster a layer, how many observations, which rung."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from landcover.nouns.grid import Grid
from landcover.raster.ladder import NO_RUNG
from landcover.raster.reflectance import NODATA, stored_units
from landcover.stores.rasters import RasterStyle, RasterWriter, create_raster


def clear_name(grid: Grid) -> str:
    """Name the file that counts clear observations on a grid."""
    return f"n_clear_{grid.pixel:g}m.tif"


def rung_name(grid: Grid) -> str:
    """Name the file that tells the rung of each pixel of a grid, 0 = strictest, 255 = none."""
    return f"rung_{grid.pixel:g}m.tif"


def layer_file(
    path: Path, layer: str, grid: Grid, *, is_sparse: bool = False
) -> AbstractContextManager[RasterWriter]:
    """Open the file of a layer for writing, stored units, int16, nodata -32768."""
    scale = 1 / stored_units(layer)
    style = RasterStyle(dtype="int16", nodata=NODATA, descriptions=(layer,), scale=scale)
    return create_raster(path / f"{layer}.tif", grid, style, is_sparse=is_sparse)


def real_file(
    path: Path, layer: str, grid: Grid, *, is_sparse: bool = False
) -> AbstractContextManager[RasterWriter]:
    """Open the file of a layer that is no reflectance for writing, float32, nodata NaN."""
    style = RasterStyle(dtype="float32", nodata=float("nan"), descriptions=(layer,))
    return create_raster(path / f"{layer}.tif", grid, style, is_sparse=is_sparse)


def clear_file(
    path: Path, grid: Grid, *, is_sparse: bool = False
) -> AbstractContextManager[RasterWriter]:
    """Open the file that counts clear observations for writing, uint8."""
    style = RasterStyle(dtype="uint8", nodata=None, descriptions=("clear",))
    return create_raster(path / clear_name(grid), grid, style, is_sparse=is_sparse)


def rung_file(
    path: Path, grid: Grid, *, is_sparse: bool = False
) -> AbstractContextManager[RasterWriter]:
    """Open the file of rungs for writing, uint8, 0 = strictest, 255 = none leaves enough."""
    style = RasterStyle(dtype="uint8", nodata=NO_RUNG, descriptions=("rung",))
    return create_raster(path / rung_name(grid), grid, style, is_sparse=is_sparse)
