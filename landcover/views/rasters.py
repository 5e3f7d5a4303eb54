"""Rasters that are read by window when somebody computes with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from landcover.nouns.grid import Grid, Window
from landcover.raster.clouds import upsample_nearest
from landcover.raster.layer_units import layer_values
from landcover.raster.windows import cut
from landcover.stores.rasters import open_raster


class ReadArray(BackendArray):
    """An array whose last axes are (y, x): what an index names is read, and nothing else."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        """Read what an index names."""
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC, self._read_basic
        )

    def _read_basic(self, key: tuple[int | slice, ...]) -> Any:
        ranges = [
            range(*part.indices(size)) if isinstance(part, slice) else range(part, part + 1)
            for part, size in zip(key, self.shape, strict=True)
        ]
        if not all(ranges):
            pixels = np.empty([len(part) for part in ranges], self.dtype)
        else:
            rows, columns = ((min(part), max(part) + 1) for part in ranges[-2:])
            window = Window.between(rows[0], columns[0], rows[1], columns[1])
            pixels = self._read_planes([list(part) for part in ranges[:-2]], window)
            down = [row - rows[0] for row in ranges[-2]]
            across = [column - columns[0] for column in ranges[-1]]
            pixels = pixels[..., down, :][..., across]
        drop = tuple(0 if isinstance(part, int | np.integer) else slice(None) for part in key)
        return pixels[drop]

    def _read_planes(self, chosen: Sequence[Sequence[int]], window: Window) -> NDArray[Any]:
        """Read a window of the planes that are chosen along each axis before (y, x)."""
        raise NotImplementedError


class RasterArray(ReadArray):
    """One band of a raster, (y, x)."""

    def __init__(self, path: str, grid: Grid, dtype: str) -> None:
        self.shape = grid.shape
        self.dtype = np.dtype(dtype)
        self._path = path

    def _read_planes(self, chosen: Sequence[Sequence[int]], window: Window) -> NDArray[Any]:
        return self.read(window)

    def read(self, window: Window) -> NDArray[Any]:
        """Read a window, (y, x)."""
        with open_raster(self._path) as raster:
            return raster.read(window, band=1)


class StoredArray(RasterArray):
    """A raster of ours on a finer grid.

    Physical values of a composite's layer, or the codes of a map where the layer has no name.
    """

    def __init__(self, path: str, own: Grid, grid: Grid, layer: str) -> None:
        super().__init__(path, grid, "float32" if layer else "uint8")
        self._ratio = own.ratio_to(grid)
        self._layer = layer

    def read(self, window: Window) -> NDArray[Any]:
        """Read a window, (y, x)."""
        coarse = window.coarsened(self._ratio)
        values = super().read(coarse)
        if self._layer:
            values = layer_values(values, self._layer)
        return cut(upsample_nearest(values, self._ratio), window, coarse, self._ratio)


class TimeArray(ReadArray):
    """Rasters of one grid one after the other in time, (time, y, x), float32."""

    def __init__(self, rasters: Sequence[RasterArray | None], grid: Grid) -> None:
        """Put rasters together; None where a time has none, which is nodata."""
        self.shape = (len(rasters), *grid.shape)
        self.dtype = np.dtype(np.float32)
        self._rasters = tuple(rasters)

    def _read_planes(self, chosen: Sequence[Sequence[int]], window: Window) -> NDArray[Any]:
        planes = np.full((len(chosen[0]), window.height, window.width), np.nan, np.float32)
        for plane, time in zip(planes, chosen[0], strict=True):
            raster = self._rasters[time]
            if raster is not None:
                plane[:] = raster.read(window)
        return planes
