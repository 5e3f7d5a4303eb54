"""A raster's place on the ground, and a window of it."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, floor, isclose
from typing import NamedTuple

from pydantic import Field

from landcover.errors import InputError
from landcover.nouns.base import Noun


class Window(NamedTuple):
    """A rectangle of pixels."""

    row: int
    column: int
    height: int
    width: int

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

    def contains_pixel(self, row: int, column: int) -> bool:
        """Tell whether a (row, column) lies on the grid."""
        return 0 <= row < self.height and 0 <= column < self.width

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
        for row in range(0, self.height, rows):
            for column in range(0, self.width, columns):
                yield Window(
                    row, column, min(rows, self.height - row), min(columns, self.width - column)
                )
