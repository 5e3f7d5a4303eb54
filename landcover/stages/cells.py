"""The files of a target grid: cells of 100 km, or of one degree, and the tiles that they touch."""

from __future__ import annotations

import re
from functools import cache
from math import ceil, floor
from pathlib import Path
from typing import TYPE_CHECKING

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.recipe.mosaic import CELL_SIDE, MosaicRecipe
from landcover.stages.grids import composites_of, work_grid, zone_of
from landcover.stages.prepared import prepared, prepared_tiles
from landcover.stages.task import Task

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from landcover.raster.resample import Project

CELL = re.compile(r"^(\d+)_(?:([EW])(\d+)([NS])(\d+)|([NS])(\d\d)([EW])(\d\d\d))$")


def plan_cells(task: Task) -> list[str]:
    """Name the zones, or the cells of the target grid, that the run's prepared tiles touch."""
    how = task.recipe.mosaic
    if how.grid == "utm":
        return sorted({tile_zone(task, tile) for tile in prepared_tiles(task)})
    return sorted({c for grid in prepared(task).grids.values() for c in cells_of(grid, how)})


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
    if match[2]:
        column = int(match[3]) * (1 if match[2] == "E" else -1)
        row = int(match[5]) * (1 if match[4] == "N" else -1)
    else:
        column = int(match[9]) * (1 if match[8] == "E" else -1)
        row = int(match[7]) * (1 if match[6] == "N" else -1)
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


def write_vrts(folder: Path, how: MosaicRecipe) -> None:
    """Write virtual rasters over all cells: maps, confidence and, where there is one, second level.

    Args:
        folder: The report; files are named relative to it, so that it can be moved.
        how: The recipe's mosaic section; the zones of ``utm`` have no common grid, so nothing is
            written for them.
    """
    from landcover.stores.rasters import write_vrt

    epsg = how.grid.removeprefix("EPSG:")
    for what in ("map", "confidence", "second"):
        names = sorted(path.name for path in folder.glob(f"{what}_{epsg}_*.tif"))
        if names:
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


def _name(crs: str, column: int, row: int) -> str:
    east, north = "E" if column >= 0 else "W", "N" if row >= 0 else "S"
    epsg = crs.removeprefix("EPSG:")
    if crs == "EPSG:4326":
        return f"{epsg}_{north}{abs(row):02d}{east}{abs(column):03d}"
    return f"{epsg}_{east}{abs(column)}{north}{abs(row)}"
