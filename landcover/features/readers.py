"""How each kind of read comes out of files: a window of it, or single pixels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from landcover.nouns.grid import Grid, Window
from landcover.raster.layer_units import fill_layer, layer_values
from landcover.stores.rasters import Opened

Values = NDArray[np.float32]
Positions = NDArray[np.int64]
Check = Callable[[], None]


class Reader(ABC):
    """Reads one thing, on the work grid of a tile."""

    leading: tuple[int, ...] = ()
    """Axes before those of the pixels: the dates of observations."""
    days: NDArray[np.int64] | None = None
    """Days of the dates since 1970-01-01, int64."""

    @abstractmethod
    def fill(self, window: Window, out: Values, opened: Opened) -> None:
        """Read a window into ``out``, float32, (…, y, x), NaN where nodata."""

    @abstractmethod
    def pick(self, rows: Positions, columns: Positions, opened: Opened) -> Values:
        """Read single pixels: float32, (…, n), equal to those of a window in every bit."""


class NothingReader(Reader):
    """What the tile lacks: nodata everywhere."""

    def fill(self, window: Window, out: Values, opened: Opened) -> None:
        """Fill with NaN."""
        out[:] = np.nan

    def pick(self, rows: Positions, columns: Positions, opened: Opened) -> Values:
        """Give NaN."""
        return np.full(len(rows), np.nan, np.float32)


@dataclass
class LayerReader(Reader):
    """A layer of a composite, on its own grid, which nests in the work grid."""

    href: str
    layer: str
    ratio: int
    """Work pixels along one side of a pixel of the layer."""
    check: Check
    """Stops where the job was stopped."""

    def fill(self, window: Window, out: Values, opened: Opened) -> None:
        """Read the cover of the window, and repeat it."""
        coarse = window.coarsened(self.ratio)
        stored = opened(self.href).read(coarse, band=1)
        corner = window.row - self.ratio * coarse.row, window.column - self.ratio * coarse.column
        fill_layer(stored, self.layer, self.ratio, corner, out)

    def pick(self, rows: Positions, columns: Positions, opened: Opened) -> Values:
        """Read the pixels that lie under the work pixels."""
        stored = pick_pixels(
            opened, self.href, rows // self.ratio, columns // self.ratio, self.check
        )
        return layer_values(stored, self.layer)


@dataclass
class PlainReader(Reader):
    """A float32 raster on the work grid: terrain."""

    href: str
    check: Check
    """Stops where the job was stopped."""

    def fill(self, window: Window, out: Values, opened: Opened) -> None:
        """Read the window."""
        out[:] = opened(self.href).read(window, band=1)

    def pick(self, rows: Positions, columns: Positions, opened: Opened) -> Values:
        """Read the pixels."""
        found = pick_pixels(opened, self.href, rows, columns, self.check)
        return np.asarray(found, dtype=np.float32)


@dataclass
class OwnGridReader(Reader):
    """A raster on a grid of its own: of each work pixel's centre, the pixel that holds it."""

    href: str
    own: Grid
    band: int
    nodata: float | None
    work: Grid
    check: Check
    """Stops where the job was stopped."""

    def fill(self, window: Window, out: Values, opened: Opened) -> None:
        """Read what lies under the window."""
        rows, columns = np.mgrid[window.slices]
        found, inside = self._locate(rows.ravel(), columns.ravel())
        out[:] = np.nan
        if not inside.any():
            return
        rows, columns = found[0][inside], found[1][inside]
        top, left = int(rows.min()), int(columns.min())
        under = Window.between(top, left, int(rows.max()) + 1, int(columns.max()) + 1)
        values = self._values(opened(self.href).read(under, band=self.band))
        # The caller's memory may be a view of something larger, so it has no flat form.
        out[inside.reshape(out.shape)] = values[rows - top, columns - left]

    def pick(self, rows: Positions, columns: Positions, opened: Opened) -> Values:
        """Read the pixels under the centres."""
        found, inside = self._locate(rows, columns)
        values = np.full(len(rows), np.nan, np.float32)
        values[inside] = self._values(
            pick_pixels(
                opened, self.href, found[0][inside], found[1][inside], self.check, self.band
            )
        )
        return values

    def _locate(
        self, rows: Positions, columns: Positions
    ) -> tuple[tuple[Positions, Positions], NDArray[np.bool_]]:
        """Find the raster's pixels under the centres of work pixels, and whether there is one."""
        work, own = self.work, self.own
        x = work.ulx + (columns + 0.5) * work.pixel
        y = work.uly - (rows + 0.5) * work.pixel
        if own.crs != work.crs:
            from pyproj import Transformer

            x, y = Transformer.from_crs(work.crs, own.crs, always_xy=True).transform(x, y)
        column = np.floor((x - own.ulx) / own.pixel)
        row = np.floor((own.uly - y) / own.pixel)
        inside = (row >= 0) & (row < own.height) & (column >= 0) & (column < own.width)
        # What cannot be transformed is infinite, and inside nothing.
        found = (np.where(inside, part, 0).astype(np.int64) for part in (row, column))
        return cast(tuple[Positions, Positions], tuple(found)), inside

    def _values(self, stored: NDArray[Any]) -> Values:
        values = stored.astype(np.float32)
        if self.nodata is not None:
            values[stored == stored.dtype.type(self.nodata)] = np.nan
        return values


def pick_pixels(
    opened: Opened,
    href: str,
    rows: Positions,
    columns: Positions,
    check: Check,
    band: int = 1,
) -> NDArray[Any]:
    """Read single pixels of a raster; each block of its file that holds one is decoded once.

    Args:
        opened: Opens rasters.
        href: The raster.
        rows: Rows on its own grid, int64, (n,).
        columns: Columns.
        check: Called before each block: stops where the job was stopped.
        band: Band, counted from 1.

    Returns:
        The pixels, (n,), in the type of the file.
    """
    raster = opened(href)
    info = raster.info

    def read(window: Window) -> NDArray[Any]:
        check()
        return raster.read(window, band=band)

    found = np.empty(len(rows), dtype=info.dtype)
    fill_from_blocks(found, read, info.shape, info.block, rows, columns)
    return found


def fill_from_blocks(
    out: NDArray[Any],
    read: Callable[[Window], NDArray[Any]],
    shape: tuple[int, int],
    block: tuple[int, int],
    rows: Positions,
    columns: Positions,
) -> None:
    """Fill single pixels from the blocks that hold them, each read once.

    Args:
        out: The pixels, (…, n).
        read: Reads a window, (…, y, x).
        shape: Rows and columns of what is read.
        block: Rows and columns of its blocks.
        rows: Row of each pixel, int64, (n,).
        columns: Its column.
    """
    high, wide = block
    number = (rows // high) * (shape[1] // wide + 1) + columns // wide
    order = np.argsort(number, kind="stable")
    starts = np.flatnonzero(np.diff(number[order], prepend=-1))
    for chosen in np.split(order, starts[1:]):
        if not chosen.size:
            continue
        row, column = rows[chosen[0]] // high * high, columns[chosen[0]] // wide * wide
        window = Window(int(row), int(column), high, wide).meet(Window.whole(shape))
        out[..., chosen] = read(window)[..., rows[chosen] - row, columns[chosen] - column]
