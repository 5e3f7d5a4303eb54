"""Write rasters: one writer per file, so that the bytes do not depend on threads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.io import DatasetWriter

from landcover.errors import InputError, UnavailableError
from landcover.nouns.grid import Grid, Window
from landcover.stores.rasters.block_checksums import NAMESPACE, BlockChecksums
from landcover.stores.rasters.reading import GDAL_OPTIONS, Array, open_raster, rasterio_window

FINE_BLOCK = 512


COARSE_BLOCK = 256
_LAG_PX = 1024
"""Rows by which a sparse raster is written behind its windows: those of one row may begin on
different lines, none of them so far apart."""


@dataclass(frozen=True)
class RasterStyle:
    """What a written raster says about its numbers."""

    dtype: str
    nodata: float | None
    descriptions: Sequence[str] = ()
    scale: float = 1.0
    offset: float = 0.0
    tags: Mapping[str, str] | None = None
    colours: Mapping[int, tuple[int, int, int, int]] | None = None
    categories: Mapping[int, str] | None = None


class RasterWriter:
    """A raster being written, window by window, by one thread.

    Windows may have any size: rows of blocks are put together here and written from the top, so
    that each block is compressed once and the bytes do not depend on the windows. Memory is that
    of the rows from the first unfinished block to the end of the window, at full width.

    Of a sparse raster, blocks without any value are not stored: they read as nodata, or as 0 where
    the raster declares none.
    """

    def __init__(self, path: str, dataset: DatasetWriter, *, is_sparse: bool = False) -> None:
        self._path = path
        self._dataset = dataset
        self._is_sparse = is_sparse
        self._block = int(dataset.block_shapes[0][0])
        self._top = 0
        self._rows: Array = self._empty(0)
        self.checksums = BlockChecksums(dataset.shape, dataset.block_shapes[0], dataset.count)
        """Of the blocks that were written."""

    def write(self, array: Array, window: Window | None = None) -> None:
        """Write (y, x) or (band, y, x) pixels into a window; windows come from top to bottom.

        Raises:
            UnavailableError: The disk is full.
        """
        bands = array[None] if array.ndim == 2 else array
        place = window or Window(0, 0, self._dataset.height, self._dataset.width)
        self._pass_on(self._first_open(place))
        if place.row < self._top or (not self._rows.size and self._is_whole_rows(place)):
            # Rows that are in the file already, or that need nothing beside them.
            self._pass_on(self._dataset.height)
            self._put(bands, place)
            self._top = max(self._top, place.row + place.height)
            return
        self._reach(place.row + place.height)
        rows, columns = place._replace(row=place.row - self._top).slices
        self._rows[:, rows, columns] = bands

    def finish(self) -> None:
        """Write what is left.

        Raises:
            UnavailableError: The disk is full.
        """
        self._pass_on(self._dataset.height)

    def _first_open(self, place: Window) -> int:
        """Give the first row that this window or later ones may still write."""
        first = place.row // self._block * self._block
        return max(0, first - _LAG_PX) if self._is_sparse else first

    def _pass_on(self, top: int) -> None:
        """Write the rows above ``top``; what nobody wrote there stays nodata."""
        self._write_held(top)
        # Rows of blocks that nobody wrote into are not even held.
        while self._is_sparse and not self._rows.size and self._top < top:
            height = min(self._block, top - self._top)
            rows = Window(self._top, 0, height, self._dataset.width)
            self.checksums.add(self._empty(height), rows)
            self._top += height

    def _write_held(self, top: int) -> None:
        ready = self._rows[:, : max(0, top - self._top)]
        if not ready.size:
            return
        self._put(ready, Window(self._top, 0, ready.shape[1], ready.shape[2]))
        self._top += ready.shape[1]
        self._rows = self._rows[:, ready.shape[1] :].copy()

    def _is_whole_rows(self, window: Window) -> bool:
        bottom = window.row + window.height
        ends = bottom % self._block == 0 or bottom == self._dataset.height
        return window.row == self._top and window.width == self._dataset.width and ends

    def _reach(self, bottom: int) -> None:
        """Hold the rows down to the end of the blocks that ``bottom`` lies in."""
        ends = min(-(-bottom // self._block) * self._block, self._dataset.height)
        missing = ends - self._top - self._rows.shape[1]
        if missing > 0:
            more = self._empty(missing)
            self._rows = np.concatenate([self._rows, more], axis=1) if self._rows.size else more

    def _put(self, bands: Array, window: Window) -> None:
        # Numbers of another type are converted by GDAL: what it made of them is read back.
        is_same = bands.dtype == np.dtype(self._dataset.dtypes[0])
        self.checksums.add(bands if is_same else bands[:0], window)
        try:
            self._dataset.write(bands, window=rasterio_window(window))
        except RasterioError as error:
            raise unwritable(self._path, error) from error

    def _empty(self, rows: int) -> Array:
        fill = self._dataset.nodata or 0
        shape = (self._dataset.count, rows, self._dataset.width)
        return np.full(shape, fill, dtype=self._dataset.dtypes[0])


@contextmanager
def create_raster(
    path: str | Path, grid: Grid, style: RasterStyle, *, is_sparse: bool = False
) -> Iterator[RasterWriter]:
    """Create a tiled GeoTIFF (ZSTD level 1, horizontal or float predictor) and write into it.

    The bytes depend on the pixels and the style only. The finest grids get 512 px blocks, small
    and coarse ones 256 px.

    Args:
        path: The file.
        grid: Its grid.
        style: What it says about its numbers.
        is_sparse: Leave out blocks without any value.

    Raises:
        UnavailableError: The disk is full.
    """
    profile = _profile(grid, style) | ({"sparse_ok": True} if is_sparse else {})
    with rasterio.Env(**GDAL_OPTIONS):
        try:
            dataset = rasterio.open(path, "w", **profile)
        except RasterioError as error:
            raise unwritable(str(path), error) from error
        try:
            with dataset:
                _write_style(dataset, style)
                writer = RasterWriter(str(path), dataset, is_sparse=is_sparse)
                yield writer
                writer.finish()
                missing = list(writer.checksums.missing())
                if not missing:
                    dataset.update_tags(ns=NAMESPACE, **writer.checksums.tags)
            if missing:
                _add_checksums(path, writer.checksums, missing)
        except RasterioError as error:
            raise unwritable(str(path), error) from error
    _check_written(Path(path), grid)


def _add_checksums(
    path: str | Path, checksums: BlockChecksums, missing: Sequence[tuple[int, Window]]
) -> None:
    """Read back the blocks that were written in parts, for their checksums."""
    with rasterio.open(path, "r+") as dataset:
        for band, window in missing:
            pixels = dataset.read(band + 1, window=rasterio_window(window))
            checksums.set(band, window, pixels)
        dataset.update_tags(ns=NAMESPACE, **checksums.tags)


def write_raster(path: str | Path, array: Array, grid: Grid, style: RasterStyle) -> None:
    """Write a whole raster that is at hand."""
    with create_raster(path, grid, style) as raster:
        raster.write(array)


def unwritable(path: str, error: Exception) -> UnavailableError:
    """Say that a raster could not be written."""
    reason = str(error.__cause__ or error).splitlines()[0].rstrip(".")
    return UnavailableError(
        f"{path}: the raster could not be written ({reason}). Free disk space, then run again."
    )


def _check_written(path: Path, grid: Grid) -> None:
    # GDAL may report a full disk only when the file is closed, where the report is lost: read
    # the last block back, which a file that was cut short does not have.
    last = Window(grid.height - 1, grid.width - 1, 1, 1)
    try:
        with open_raster(path) as raster:
            raster.read(last)
    except InputError as error:
        raise UnavailableError(
            f"{path}: the raster was cut short while it was written. "
            "Free disk space, then run again."
        ) from error


def _profile(grid: Grid, style: RasterStyle) -> dict[str, Any]:
    block = FINE_BLOCK if max(grid.shape) > 2 * COARSE_BLOCK else COARSE_BLOCK
    is_float = np.issubdtype(np.dtype(style.dtype), np.floating)
    predictor = 3 if is_float else 1 if style.categories or style.colours else 2
    return {
        "driver": "GTiff",
        "dtype": style.dtype,
        "count": max(1, len(style.descriptions)),
        "height": grid.height,
        "width": grid.width,
        "crs": CRS.from_user_input(grid.crs),
        "transform": Affine(*grid.transform),
        "nodata": style.nodata,
        "tiled": True,
        "blockxsize": block,
        "blockysize": block,
        "compress": "ZSTD",
        "zstd_level": 1,
        "predictor": predictor,
        "bigtiff": "IF_SAFER",
    }


def _write_style(dataset: DatasetWriter, style: RasterStyle) -> None:
    for number, description in enumerate(style.descriptions, start=1):
        dataset.set_band_description(number, description)
    if (style.scale, style.offset) != (1.0, 0.0):
        dataset.scales = [style.scale] * dataset.count
        dataset.offsets = [style.offset] * dataset.count
    if style.colours:
        dataset.write_colormap(1, dict(style.colours))
    if style.tags:
        dataset.update_tags(**style.tags)
    if style.categories:
        named = {f"class_{code}": name for code, name in style.categories.items()}
        dataset.update_tags(1, **named)
