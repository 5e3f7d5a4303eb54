"""The features of a tile or window as files: GeoTIFF, Cloud Optimized GeoTIFF, or a Zarr cube."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import numpy as np
import xarray

from landcover.errors import InputError
from landcover.features.stack import FeatureStack
from landcover.nouns.grid import Grid, Window
from landcover.nouns.model import FeatureSet
from landcover.raster.windows import plan_windows
from landcover.stores.rasters import RasterStyle, create_raster
from landcover.stores.rasters.cog import write_cog
from landcover.views.conventions import PLACE, coordinates

Format = Literal["geotiff", "cog", "zarr"]
CUBE = "features.zarr"
CHUNK = 512
"""Side of a chunk of the cube, px; each feature has its own."""


class Part:
    """What of a tile is exported, and how much memory its windows take."""

    def __init__(self, grid: Grid, window: Window | None, memory_gb: float) -> None:
        self._inner = window or Window.whole(grid.shape)
        self._memory_gb = memory_gb
        self.grid = grid.cut(self._inner)

    def windows(self, stack: FeatureStack) -> list[Window]:
        """Cover it with windows, counted from its own corner."""
        return plan_windows(
            *self.grid.shape,
            bytes_per_pixel=stack.bytes_per_pixel,
            memory_gb=self._memory_gb / 2 - stack.kept_gb,
        )

    def of_tile(self, window: Window) -> Window:
        """Place one of its windows in the tile."""
        return window.shifted(self._inner.row, self._inner.column)


def write_rasters(
    stack: FeatureStack, names: Sequence[str], part: Part, folder: Path, form: Format
) -> list[Path]:
    """Write one file a feature, float32, NaN nodata; files appear when they are whole."""
    paths = [folder / f"{name}.tif" for name in names]
    parts = [path.with_suffix(".part.tif") for path in paths]
    try:
        with ExitStack() as open_files:
            writers = [
                open_files.enter_context(create_raster(one, part.grid, _style(name)))
                for one, name in zip(parts, names, strict=True)
            ]
            for window in part.windows(stack):
                values = stack.read(part.of_tile(window))
                for writer, plane in zip(writers, values, strict=True):
                    writer.write(plane, window)
        for one, path in zip(parts, paths, strict=True):
            if form == "cog":
                cloud = path.with_suffix(".cog.part.tif")
                write_cog(one, cloud, resampling="AVERAGE", tags={"feature": path.stem})
                one.unlink()
                one = cloud
            one.replace(path)
    finally:
        for path in (*parts, *(p.with_suffix(".cog.part.tif") for p in paths)):
            path.unlink(missing_ok=True)
    return paths


def begin_cube(folder: Path, features: FeatureSet, part: Part, told: dict[str, str]) -> Path:
    """Make an empty cube: ``features`` (feature, y, x), float32, NaN, with names and places.

    Args:
        folder: Where ``features.zarr`` goes.
        features: Its features, in order.
        part: Its place.
        told: Attributes of the cube.

    Raises:
        InputError: There is one already.
    """
    import zarr

    path = folder / CUBE
    if path.exists():
        raise InputError(f"{path}: exists already. Remove it, or name another folder.")
    places = {"feature": list(features.names), **coordinates(part.grid)}
    # Format 2: GDAL and xarray of every age read texts in it.
    xarray.Dataset(coords=places, attrs=told).to_zarr(path, zarr_format=2, consolidated=False)
    group = zarr.open_group(str(path), mode="a", zarr_format=2)
    height, width = part.grid.shape
    group.create_array(
        "features",
        shape=(len(features.names), height, width),
        chunks=(1, min(CHUNK, height), min(CHUNK, width)),
        dtype="float32",
        fill_value=float("nan"),
        attributes={
            "_ARRAY_DIMENSIONS": ["feature", "y", "x"],
            "grid_mapping": PLACE,
            "long_name": "features of a classifier",
        },
    )
    return path


def fill_cube(path: Path, first: Sequence[int], stack: FeatureStack, part: Part) -> None:
    """Write some features of a cube, by their numbers, window by window."""
    import zarr

    cube = zarr.open_group(str(path), mode="r+", zarr_format=2)["features"]
    for window in part.windows(stack):
        values = stack.read(part.of_tile(window))
        rows, columns = window.slices
        for number, plane in zip(first, values, strict=True):
            cube[number, rows, columns] = np.ascontiguousarray(plane)  # type: ignore[index]


def finish_cube(path: Path) -> None:
    """Put what the cube says of itself into one file, so that it opens at once."""
    import zarr

    zarr.consolidate_metadata(str(path), zarr_format=2)


def drop_cube(path: Path) -> None:
    """Remove a cube that is not whole."""
    shutil.rmtree(path, ignore_errors=True)


def _style(name: str) -> RasterStyle:
    return RasterStyle(dtype="float32", nodata=float("nan"), descriptions=(name,))
