"""Rasters that are read by window when somebody computes with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from landcover.nouns.grid import Grid, Window
from landcover.raster.clouds import upsample_nearest
from landcover.raster.layer_units import layer_values
from landcover.raster.windows import cut
from landcover.stores.rasters import open_raster

BLOCK = 512
"""Side of the squares by which single pixels are read together, px."""


class ReadArray(BackendArray):
    """An array whose last axes are (y, x): what an index names is read, and nothing else."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __deepcopy__(self, memo: Any) -> ReadArray:
        """Give itself: it holds no pixels that a copy could change."""
        return self

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        """Read what an index names."""
        if isinstance(key, indexing.VectorizedIndexer):
            pixels = _pixels_of(key.tuple)
            if pixels is not None:
                shape = np.broadcast_shapes(*(part.shape for part in key.tuple))
                return np.broadcast_to(self._read_indexed(pixels), shape).copy()
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read_outer
        )

    def _read_indexed(self, pixels: _Pixels) -> NDArray[Any]:
        """Read single pixels and lay them out as their index says."""
        height, width = self.shape[-2:]
        chosen = [
            (plane % size).tolist() for plane, size in zip(pixels.planes, self.shape, strict=False)
        ]
        found = self._read_pixels(
            chosen, pixels.rows.ravel() % height, pixels.columns.ravel() % width
        )
        found = found.reshape(*map(len, chosen), *pixels.rows.shape)
        # Each plane's axis of the index has length 1 among the pixels' own axes.
        for n, axis in enumerate(pixels.axes):
            found = np.swapaxes(found, n, len(chosen) + axis)
        return found.reshape(found.shape[len(chosen) :])

    def _read_outer(self, key: tuple[int | slice | NDArray[np.integer[Any]], ...]) -> Any:
        ranges = [
            np.atleast_1d(np.arange(size)[part]) for part, size in zip(key, self.shape, strict=True)
        ]
        chosen = [part.tolist() for part in ranges[:-2]]
        if not all(part.size for part in ranges):
            pixels = np.empty([len(part) for part in ranges], self.dtype)
        else:
            rows, columns = ranges[-2:]
            window = _hull(rows, columns)
            pixels = self._read_planes(chosen, window)
            pixels = pixels[..., rows - window.row, :][..., columns - window.column]
        drop = tuple(0 if isinstance(part, int | np.integer) else slice(None) for part in key)
        return pixels[drop]

    def _read_planes(self, chosen: Sequence[Sequence[int]], window: Window) -> NDArray[Any]:
        """Read a window of the planes that are chosen along each axis before (y, x)."""
        raise NotImplementedError

    def _read_pixels(
        self, chosen: Sequence[Sequence[int]], rows: NDArray[Any], columns: NDArray[Any]
    ) -> NDArray[Any]:
        """Read single pixels of the chosen planes, (…, n), square by square."""
        found = np.empty((*map(len, chosen), rows.size), self.dtype)
        square = (rows // BLOCK) * (self.shape[-1] // BLOCK + 1) + columns // BLOCK
        order = np.argsort(square, kind="stable")
        for here in np.split(order, np.flatnonzero(np.diff(square[order])) + 1):
            if here.size:
                window = _hull(rows[here], columns[here])
                pixels = self._read_planes(chosen, window)
                at = rows[here] - window.row, columns[here] - window.column
                found[..., here] = pixels[..., at[0], at[1]]
        return found


class _Pixels(NamedTuple):
    """An index that names single pixels of whole planes."""

    planes: list[NDArray[Any]]
    """Positions along each axis before (y, x)."""
    axes: list[int]
    """Axis of the result that each of them becomes."""
    rows: NDArray[Any]
    """Row of each pixel, of the result's dimensions, 1 long where planes are."""
    columns: NDArray[Any]
    """Its column, same shape."""


def _pixels_of(key: tuple[NDArray[Any] | slice, ...]) -> _Pixels | None:
    """Read an index of arrays that are broadcast; None where it names something else."""
    if any(isinstance(part, slice) for part in key):
        return None
    *before, down, across = (_narrowed(np.asarray(part)) for part in key)
    rows, columns = np.broadcast_arrays(down, across)
    axes = []
    for plane in before:
        long = [axis for axis, size in enumerate(plane.shape) if size != 1]
        free = [axis for axis, size in enumerate(rows.shape) if size == 1 and axis not in axes]
        axis = long[0] if long else free[0] if free else None
        if len(long) > 1 or axis not in free:
            return None
        axes.append(axis)
    return _Pixels([plane.ravel() for plane in before], axes, rows, columns)


def _narrowed(part: NDArray[Any]) -> NDArray[Any]:
    """Undo a broadcast: axes along which nothing changes become 1 long."""
    for axis in range(part.ndim):
        first = part.take([0], axis) if part.shape[axis] else part
        if (part == first).all():
            part = first
    return part


def _hull(rows: NDArray[Any], columns: NDArray[Any]) -> Window:
    """Find the smallest window around pixels."""
    top, left = int(rows.min()), int(columns.min())
    return Window.between(top, left, int(rows.max()) + 1, int(columns.max()) + 1)


class RasterArray(ReadArray):
    """One band of a raster, (y, x)."""

    def __init__(self, path: str, grid: Grid, dtype: str, band: int = 1) -> None:
        self.shape = grid.shape
        self.dtype = np.dtype(dtype)
        self._path, self._band = path, band

    def _read_planes(self, chosen: Sequence[Sequence[int]], window: Window) -> NDArray[Any]:
        return self.read(window)

    def read(self, window: Window) -> NDArray[Any]:
        """Read a window, (y, x)."""
        with open_raster(self._path) as raster:
            return raster.read(window, band=self._band)


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
