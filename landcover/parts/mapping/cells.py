"""The files of a map: cells of 100 km, or of one degree, or zones, and the tiles they touch."""

from __future__ import annotations

import re
from functools import cache
from math import ceil, floor
from pathlib import Path
from typing import TYPE_CHECKING

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.parts.prepared import prepared, prepared_tiles
from landcover.parts.task import Task
from landcover.parts.work_grid import composites_of, work_grid, zone_of
from landcover.recipe.mosaic import CELL_SIDE, MOST_TILES_IN_A_FILE, ZONE_CELL_M, MosaicRecipe
from landcover.tiling import tile_grid

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from landcover.raster.resample import Project

CELL = re.compile(r"^(\d+)_(?:([EW])(\d+)([NS])(\d+)|([NS])(\d\d)([EW])(\d\d\d))$")


def plan_cells(task: Task) -> list[str]:
    """Name the zones, or the cells of them or of the target grid, that prepared tiles touch.

    How many files a zone has follows from the tiles of the run, prepared or not: a tile that is
    added later changes no name.
    """
    how = task.recipe.mosaic
    if how.grid != "utm":
        return sorted({c for grid in prepared(task).grids.values() for c in cells_of(grid, how)})
    zones: dict[str, list[str]] = {}
    for tile in prepared_tiles(task):
        zones.setdefault(tile_zone(task, tile), []).append(tile)
    named = [tile_grid(tile).crs.removeprefix("EPSG:") for tile in task.run.arguments.tiles]
    found = set()
    for zone, tiles in zones.items():
        if is_one_file(how, max(len(tiles), named.count(zone))):
            found.add(zone)
        else:
            own = [grid for tile, grid in prepared(task).grids.items() if tile in tiles]
            found.update(c for grid in own for c in zone_cells_of(on_lattice(grid, own[0])))
    return sorted(found)


def is_one_file(how: MosaicRecipe, n_tiles: int) -> bool:
    """Tell whether a zone of so many tiles is one file, not cells."""
    return how.cells == "zone" or (how.cells == "auto" and n_tiles <= MOST_TILES_IN_A_FILE)


def tile_zone(task: Task, tile: str) -> str:
    """Name the zone of a prepared tile: its EPSG code."""
    return zone_of(work_grid(next(iter(composites_of(task, tile).values()))))


def cells_of(grid: Grid, how: MosaicRecipe) -> set[str]:
    """Name the cells of the recipe's target grid that a tile touches.

    Args:
        grid: Grid of the tile, UTM.
        how: The recipe's mosaic section; its grid is not ``utm``.

    Returns:
        ``3035_E43N32`` is the cell whose lower left corner lies 4,300 km east and 3,200 km north
        of the CRS's origin; ``4326_N40W004`` the one at 40° north, 4° west.
    """
    import shapely

    side, found = CELL_SIDE[how.grid], set()
    for piece in shapely.get_parts(footprint_in(grid, how.grid)):
        left, bottom, right, top = piece.bounds
        for column in range(floor(left / side), ceil(right / side)):
            for row in range(floor(bottom / side), ceil(top / side)):
                x, y = column * side, row * side
                if shapely.intersection(piece, shapely.box(x, y, x + side, y + side)).area > 0:
                    found.add(_name(how.grid, column, row))
    return found


def cell_grid(cell: str, how: MosaicRecipe, halo: int = 0) -> Grid:
    """Give the grid of a cell, with so many pixels more on each side.

    Raises:
        InputError: It is no cell of the recipe's target grid.
    """
    match = CELL.match(cell)
    if match is None or how.grid != f"EPSG:{match[1]}":
        raise InputError(f"{cell!r} is no cell of the grid {how.grid}. Plan the run again.")
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


def zone_cells_of(grid: Grid) -> set[str]:
    """Name the cells of its zone in which a grid has pixels.

    Args:
        grid: Grid of the tile, UTM, on the lattice of the zone's mosaic.

    Returns:
        ``32630_E7N43`` is the cell of zone 30 north from 700 to 800 km east and from 4,300 to
        4,400 km north, by the coordinates of the CRS (south of the equator with its 10,000 km).
    """
    (left, top), (right, bottom) = (
        grid.centre_of(0, 0), grid.centre_of(grid.height - 1, grid.width - 1)
    )  # fmt: skip
    columns, rows = (
        range(floor(low / ZONE_CELL_M), floor(high / ZONE_CELL_M) + 1)
        for low, high in ((left, right), (bottom, top))
    )
    return {_name(grid.crs, column, row) for column in columns for row in rows}


def zone_cell_grid(cell: str, lattice: Grid) -> Grid:
    """Give the grid of a cell of a zone: the pixels of a lattice whose centres lie in it.

    Args:
        cell: Name, see :func:`zone_cells_of`.
        lattice: A grid of the zone; its corner and pixel are those of the lattice.

    Raises:
        InputError: It is no cell of the lattice's zone.
    """
    match = CELL.match(cell)
    if match is None or match[2] is None or lattice.crs != f"EPSG:{match[1]}":
        raise InputError(f"{cell!r} is no cell of {lattice.crs}. Plan the run again.")
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


def with_halo(grid: Grid, halo: int) -> Grid:
    """Give a grid with so many pixels more on each side."""
    return grid.model_copy(
        update={
            "ulx": grid.ulx - halo * grid.pixel,
            "uly": grid.uly + halo * grid.pixel,
            "width": grid.width + 2 * halo,
            "height": grid.height + 2 * halo,
        }
    )


def write_vrts(folder: Path) -> None:
    """Write virtual rasters over all cells of a grid or zone: maps, confidence and second level.

    Args:
        folder: The report; files are named relative to it, so that it can be moved. The file of
            a whole zone needs none, and several zones have no common grid.
    """
    from landcover.stores.rasters import write_vrt

    for what in ("map", "confidence", "second"):
        by_grid: dict[str, list[str]] = {}
        for path in sorted(folder.glob(f"{what}_*_*.tif")):
            by_grid.setdefault(path.name.split("_")[1], []).append(path.name)
        for epsg, names in by_grid.items():
            write_vrt(folder / f"{what}_{epsg}.vrt", names)


@cache
def footprint_in(grid: Grid, crs: str) -> BaseGeometry:
    """Draw the footprint of a UTM tile in another CRS, its sides densified.

    Args:
        grid: Grid of the tile, UTM.
        crs: The other CRS.

    Returns:
        A polygon, or several where the antimeridian cuts it.
    """
    import numpy as np
    import shapely
    from shapely.geometry import shape

    from landcover.publish.outlines import outline_of

    outline = shape(outline_of(grid))
    if crs == "EPSG:4326":
        return outline
    project = projection("EPSG:4326", crs)

    return shapely.transform(outline, lambda points: np.column_stack(project(*points.T)))


def do_touch(grid: Grid, target: Grid) -> bool:
    """Tell whether a UTM tile has an area in common with a grid of any CRS."""
    import shapely

    return bool(
        shapely.intersection(footprint_in(grid, target.crs), shapely.box(*target.bounds)).area > 0
    )


@cache
def projection(origin: str, goal: str) -> Project:
    """Give the function from (x, y) of one CRS to (x, y) of another, infinite where there is none.

    Args:
        origin: CRS of the coordinates, ``EPSG:n``.
        goal: CRS that is wanted.
    """
    from pyproj import Transformer

    return Transformer.from_crs(origin, goal, always_xy=True).transform


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


def _name(crs: str, column: int, row: int) -> str:
    east, north = "E" if column >= 0 else "W", "N" if row >= 0 else "S"
    epsg = crs.removeprefix("EPSG:")
    if crs == "EPSG:4326":
        return f"{epsg}_{north}{abs(row):02d}{east}{abs(column):03d}"
    return f"{epsg}_{east}{abs(column)}{north}{abs(row)}"
