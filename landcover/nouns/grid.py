"""A raster's place on the ground, and a window of it."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, floor, isclose
from typing import NamedTuple

from pydantic import Field

from landcover.errors import InputError
from landcover.nouns.base import Noun


class Window(NamedTuple):
    """A rectangle of pixels; it may reach beyond the raster that it is counted on."""

    row: int
    column: int
    height: int
    width: int

    @classmethod
    def between(cls, row: int, column: int, bottom: int, right: int) -> Window:
        """Make a window from its first pixel and the first one beyond it, below and to the right.

        Where these leave nothing, the window has no pixel: its sides are 0 or negative.
        """
        return cls(row, column, bottom - row, right - column)

    @classmethod
    def whole(cls, shape: tuple[int, int]) -> Window:
        """Make the window of all rows and columns of a raster."""
        return cls(0, 0, *shape)

    @property
    def bottom(self) -> int:
        """The first row below."""
        return self.row + self.height

    @property
    def right(self) -> int:
        """The first column to the right."""
        return self.column + self.width

    @property
    def is_empty(self) -> bool:
        """True where it has no pixel."""
        return self.height <= 0 or self.width <= 0

    def padded(self, halo: int) -> Window:
        """Enlarge it by so many pixels on each side, beyond the raster too."""
        return Window(
            self.row - halo, self.column - halo, self.height + 2 * halo, self.width + 2 * halo
        )

    def widened(self, halo: int, shape: tuple[int, int]) -> Window:
        """Enlarge it by so many pixels on each side, as far as a raster of that shape reaches."""
        return self.padded(halo).meet(Window.whole(shape))

    def meet(self, other: Window) -> Window:
        """Give the pixels that both have; :attr:`is_empty` where there are none."""
        return Window.between(
            max(self.row, other.row),
            max(self.column, other.column),
            min(self.bottom, other.bottom),
            min(self.right, other.right),
        )

    def shifted(self, rows: int, columns: int) -> Window:
        """Move it down and to the right."""
        return self._replace(row=self.row + rows, column=self.column + columns)

    def within(self, outer: Window) -> Window:
        """Count the same pixels from the first one of another window."""
        return self.shifted(-outer.row, -outer.column)

    def coarsened(self, ratio: int) -> Window:
        """Give the smallest window of a coarser grid that covers it.

        Args:
            ratio: Pixels of this grid along one side of a coarse one, at least 1.
        """
        return Window.between(
            self.row // ratio,
            self.column // ratio,
            -(-self.bottom // ratio),
            -(-self.right // ratio),
        )

    def refined(self, ratio: int) -> Window:
        """Give the same ground on a finer grid.

        Args:
            ratio: Pixels of the finer grid along one side of one of this grid, at least 1.
        """
        return Window(*(ratio * number for number in self))

    def pieces(self, rows: int, columns: int) -> Iterator[Window]:
        """Cover each pixel once with windows of at most ``rows`` × ``columns``, row by row."""
        for row in range(self.row, self.bottom, rows):
            for column in range(self.column, self.right, columns):
                yield Window.between(
                    row, column, min(row + rows, self.bottom), min(column + columns, self.right)
                )

    @property
    def slices(self) -> tuple[slice, slice]:
        """The window as (row, column) slices of an array."""
        return (
            slice(self.row, self.row + self.height),
            slice(self.column, self.column + self.width),
        )


class Grid(Noun):
    """A north-up raster grid of square pixels.

    Pixel (row, column) covers [ulx + column·s, ulx + (column+1)·s) ×
    (uly − (row+1)·s, uly − row·s].
    """

    crs: str
    """Coordinate reference system, ``EPSG:n``."""
    ulx: float = Field(allow_inf_nan=False)
    """Easting (or longitude) of the outer corner of the top-left pixel, CRS unit."""
    uly: float = Field(allow_inf_nan=False)
    """Northing (or latitude) of the outer corner of the top-left pixel, CRS unit."""
    pixel: float = Field(gt=0, allow_inf_nan=False)
    """Side of a square pixel, CRS unit (metres on UTM)."""
    width: int = Field(ge=1)
    """Number of columns."""
    height: int = Field(ge=1)
    """Number of rows."""

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.height, self.width

    @property
    def transform(self) -> tuple[float, float, float, float, float, float]:
        """Affine coefficients in rasterio's order."""
        return (self.pixel, 0.0, self.ulx, 0.0, -self.pixel, self.uly)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(left, bottom, right, top), CRS unit."""
        return (
            self.ulx,
            self.uly - self.height * self.pixel,
            self.ulx + self.width * self.pixel,
            self.uly,
        )

    def pixel_at(self, x: float, y: float) -> tuple[int, int]:
        """Name the (row, column) that holds a coordinate; it may lie outside the grid."""
        return floor((self.uly - y) / self.pixel), floor((x - self.ulx) / self.pixel)

    def centre_of(self, row: int, column: int) -> tuple[float, float]:
        """Give the (x, y) of a pixel's centre."""
        return self.ulx + (column + 0.5) * self.pixel, self.uly - (row + 0.5) * self.pixel

    def ratio_to(self, finer: Grid) -> int:
        """Count how many pixels of a finer grid lie along one side of a pixel of this one.

        Raises:
            InputError: The grids differ in CRS, corner or extent, or the ratio is not whole.
        """
        ratio = self.pixel / finer.pixel
        whole = round(ratio)
        same_place = (
            self.crs == finer.crs
            and isclose(self.ulx, finer.ulx, abs_tol=1e-3 * finer.pixel)
            and isclose(self.uly, finer.uly, abs_tol=1e-3 * finer.pixel)
        )
        covers = (
            ceil(finer.width / max(whole, 1)) == self.width
            and ceil(finer.height / max(whole, 1)) == self.height
        )
        if not (same_place and covers and whole >= 1 and isclose(ratio, whole, rel_tol=1e-9)):
            raise InputError(
                f"Grids do not nest: {self.describe()} against {finer.describe()}. "
                "All rasters of one tile must share CRS, upper-left corner and extent."
            )
        return whole

    def padded(self, halo: int) -> Grid:
        """Give the grid with so many pixels more on each side."""
        return self.cut(Window.whole(self.shape).padded(halo))

    def cut(self, window: Window) -> Grid:
        """Give the grid of a window, which may reach beyond this one."""
        return self.model_copy(
            update={
                "ulx": self.ulx + window.column * self.pixel,
                "uly": self.uly - window.row * self.pixel,
                "width": window.width,
                "height": window.height,
            }
        )

    def describe(self) -> str:
        """Say the grid in a few words, for a message."""
        return (
            f"{self.crs} {self.width}x{self.height} px of {self.pixel:.10g} "
            f"at ({self.ulx:.10g}, {self.uly:.10g})"
        )

    def windows(self, rows: int, columns: int) -> Iterator[Window]:
        """Cover each pixel once with windows of at most ``rows`` × ``columns``, row by row.

        Raises:
            InputError: ``rows`` or ``columns`` is below 1.
        """
        if rows < 1 or columns < 1:
            raise InputError(f"Windows need 1 row and 1 column at least, got {rows}x{columns}.")
        yield from Window.whole(self.shape).pieces(rows, columns)
