"""Grids of the cells of a map, by their names."""

from __future__ import annotations

import re
from math import ceil, floor

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.recipe.mosaic import CELL_SIDE, ZONE_CELL_M, MosaicRecipe

CELL = re.compile(r"^(\d+)_(?:([EW])(\d+)([NS])(\d+)|([NS])(\d\d)([EW])(\d\d\d))$")


def cell_grid(cell: str, how: MosaicRecipe, halo: int = 0) -> Grid:
    """Give the grid of a cell, with so many pixels more on each side.

    Raises:
        InputError: It is not a cell of the recipe's target grid.
    """
    match = CELL.match(cell)
    if match is None or how.grid != f"EPSG:{match[1]}":
        raise InputError(f"{cell!r} is not a cell of the grid {how.grid}. Plan the run again.")
    column, row = _column_and_row(match)
    side, count = CELL_SIDE[how.grid], how.cell_pixels
    pixel = side / count
    return Grid(
        crs=how.grid,
        ulx=column * side - halo * pixel,
        uly=(row + 1) * side + halo * pixel,
        pixel=pixel,
        width=count + 2 * halo,
        height=count + 2 * halo,
    )


def on_lattice(grid: Grid, first: Grid) -> Grid:
    """Move a grid of one pixel size to the lattice of another one, by half a pixel at most."""
    columns = round((grid.ulx - first.ulx) / grid.pixel)
    rows = round((first.uly - grid.uly) / grid.pixel)
    return grid.model_copy(
        update={"ulx": first.ulx + columns * grid.pixel, "uly": first.uly - rows * grid.pixel}
    )


def zone_cell_grid(cell: str, lattice: Grid) -> Grid:
    """Give the grid of a cell of a zone: the pixels of a lattice whose centres lie in it.

    Args:
        cell: Name, see :func:`zone_cells_of`.
        lattice: A grid of the zone; its corner and pixel are those of the lattice.

    Raises:
        InputError: It is not a cell of the lattice's zone.
    """
    match = CELL.match(cell)
    if match is None or match[2] is None or lattice.crs != f"EPSG:{match[1]}":
        raise InputError(f"{cell!r} is not a cell of {lattice.crs}. Plan the run again.")
    x, y = (number * ZONE_CELL_M for number in _column_and_row(match))
    size = lattice.pixel
    left, right = (
        ceil((edge - lattice.ulx) / size - 0.5) for edge in (x, x + ZONE_CELL_M)
    )  # fmt: skip
    top, bottom = (
        floor((lattice.uly - edge) / size - 0.5) + 1 for edge in (y + ZONE_CELL_M, y)
    )  # fmt: skip
    return Grid(
        crs=lattice.crs,
        ulx=lattice.ulx + left * size,
        uly=lattice.uly - top * size,
        pixel=size,
        width=right - left,
        height=bottom - top,
    )


def cell_name(crs: str, column: int, row: int) -> str:
    """Name a cell by column and row, counted from the origin of its CRS."""
    east, north = "E" if column >= 0 else "W", "N" if row >= 0 else "S"
    epsg = crs.removeprefix("EPSG:")
    if crs == "EPSG:4326":
        return f"{epsg}_{north}{abs(row):02d}{east}{abs(column):03d}"
    return f"{epsg}_{east}{abs(column)}{north}{abs(row)}"


def _column_and_row(match: re.Match[str]) -> tuple[int, int]:
    if match[2]:
        return (
            int(match[3]) * (1 if match[2] == "E" else -1),
            int(match[5]) * (1 if match[4] == "N" else -1),
        )
    return (
        int(match[9]) * (1 if match[8] == "E" else -1),
        int(match[7]) * (1 if match[6] == "N" else -1),
    )
