"""What a mosaic covers: a UTM zone or a cell of a target grid, and the tiles that belong to it."""

from __future__ import annotations

from dataclasses import dataclass

from landcover.errors import InputError, MissingDataError
from landcover.nouns.grid import Grid
from landcover.nouns.output import Output
from landcover.stages.cells import cell_grid, do_touch, tile_zone
from landcover.stages.cleaning import halo_of
from landcover.stages.prepared import prepared, prepared_tiles
from landcover.stages.task import Task
from landcover.tiling import tile_grid


@dataclass(frozen=True)
class Extent:
    """The tiles of a mosaic."""

    target: Grid | None
    """Grid of the cell; None for a zone, whose grid is that of its tiles."""
    tiles: list[str]
    """Prepared tiles, sorted."""
    maps: dict[str, Output]
    """Tile → its class map, of the prepared tiles."""
    neighbours: dict[str, Output]
    """Tile of another zone that overlaps one of them → its class map; none for a cell."""
    absent: list[str]
    """Tiles of the run that lie here and have no class map, where others have one."""


def extent_of(task: Task) -> Extent:
    """Find the tiles of the unit's zone or cell.

    Raises:
        MissingDataError: None was prepared.
        InputError: Their maps were made with several models.
    """
    how, cell = task.recipe.mosaic, str(task.unit.cell)
    maps = {str(unit.tile): output for unit, output in task.all_outputs("classify")}
    target = None if how.grid == "utm" else cell_grid(cell, how)
    if target is None:
        tiles = [tile for tile in prepared_tiles(task) if tile_zone(task, tile) == cell]
    else:
        wide = cell_grid(cell, how, halo_of(how))
        grids = prepared(task).grids
        tiles = [tile for tile in sorted(grids) if do_touch(grids[tile], wide)]
    if not tiles:
        where = "of this zone" if target is None else "that touches this cell"
        raise MissingDataError(f"{task.unit.label}: no tile {where} was prepared.")
    own = {tile: output for tile, output in maps.items() if tile in tiles}
    others = {} if target is not None else _overlapping(own, maps)
    _require_one_model(task, {**own, **others})
    return Extent(target, tiles, own, others, _absent(task, maps, target) if own else [])


def _overlapping(own: dict[str, Output], maps: dict[str, Output]) -> dict[str, Output]:
    mine = [_map_grid(output) for output in own.values()]
    return {
        tile: output
        for tile, output in sorted(maps.items())
        if tile not in own and any(do_touch(_map_grid(output), grid) for grid in mine)
    }


def _map_grid(output: Output) -> Grid:
    return Grid.from_document(output.stats["grid"])


def _absent(task: Task, maps: dict[str, Output], target: Grid | None) -> list[str]:
    zone = f"EPSG:{task.unit.cell}"
    missing = [tile for tile in task.run.arguments.tiles if tile not in maps]
    grids = {tile: tile_grid(tile) for tile in missing}
    return [
        tile
        for tile, grid in grids.items()
        if (grid.crs == zone if target is None else do_touch(grid, target))
    ]


def _require_one_model(task: Task, maps: dict[str, Output]) -> None:
    models = {str(output.wanted.inputs.get("model")): tile for tile, output in sorted(maps.items())}
    if len(models) > 1:
        first, second, *_ = sorted(models.values())
        raise InputError(
            f"{task.unit.label}: the maps of {first} and {second} were made with different models, "
            "so their classes cannot be joined; classify both with one model (--model)."
        )
