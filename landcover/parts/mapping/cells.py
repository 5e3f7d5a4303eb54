"""The files of a map: cells of 100 km, or of one degree, or zones, and the tiles they touch."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor

from landcover.nouns.grid import Grid
from landcover.parts.mapping.cell_grids import cell_name, on_lattice
from landcover.parts.mapping.footprints import footprint_in
from landcover.parts.prepared import prepared, prepared_tiles
from landcover.parts.task import Task
from landcover.parts.work_grid import composites_of, work_grid, zone_of
from landcover.recipe.mosaic import CELL_SIDE, MOST_TILES_IN_A_FILE, ZONE_CELL_M, MosaicRecipe
from landcover.tiling import tile_grid


def plan_cells(task: Task) -> list[str]:
    """Name the zones, or the cells of them or of the target grid, that prepared tiles touch.

    How many files a zone has follows from the tiles of the run, prepared or not: a tile that is
    added later changes no name.
    """
    how = task.recipe.mosaic
    if how.grid != "utm":
        return sorted({c for grid in prepared(task).grids.values() for c in cells_of(grid, how)})
    zones: dict[str, list[str]] = {}
    grids = prepared(task).grids
    for tile in prepared_tiles(task):
        zones.setdefault(tile_zone(task, tile, grids), []).append(tile)
    named = [tile_grid(tile).crs.removeprefix("EPSG:") for tile in task.run.arguments.tiles]
    found = set()
    for zone, tiles in zones.items():
        if is_one_file(how, max(len(tiles), named.count(zone))):
            found.add(zone)
        else:
            own = [grids[tile] for tile in tiles if tile in grids]
            found.update(c for grid in own for c in zone_cells_of(on_lattice(grid, own[0])))
    return sorted(found)


def is_one_file(how: MosaicRecipe, n_tiles: int) -> bool:
    """Tell whether a zone of so many tiles is one file, not cells."""
    return how.cells == "zone" or (how.cells == "auto" and n_tiles <= MOST_TILES_IN_A_FILE)


def tile_zone(task: Task, tile: str, grids: Mapping[str, Grid]) -> str:
    """Name the zone of a prepared tile, its EPSG code, by the work grids of all."""
    grid = grids.get(tile)
    # A tile whose seasons disagree has no work grid; its first composite names the zone.
    return zone_of(grid or work_grid(next(iter(composites_of(task, tile).values()))))


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
                    found.add(cell_name(how.grid, column, row))
    return found


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
    return {cell_name(grid.crs, column, row) for column in columns for row in rows}
