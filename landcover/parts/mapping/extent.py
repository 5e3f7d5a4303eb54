"""What a mosaic covers: a UTM zone, a cell of it or of a target grid, and the tiles it needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from landcover.errors import InputError, MissingDataError
from landcover.ledger import outputs
from landcover.nouns.grid import Grid
from landcover.nouns.output import Output
from landcover.parts.mapping.cell_grids import cell_grid, on_lattice, zone_cell_grid
from landcover.parts.mapping.cells import tile_zone
from landcover.parts.mapping.footprints import do_touch
from landcover.parts.mapping.halos import halo_of
from landcover.parts.prepared import prepared, prepared_tiles
from landcover.parts.task import Task
from landcover.parts.work_grid import zone_of
from landcover.tiling import tile_grid


@dataclass(frozen=True)
class Extent:
    """The tiles of a mosaic."""

    target: Grid | None
    """Grid of the cell of a target grid; None for a zone or a cell of it, whose lattice is that
    of its tiles."""
    part: str | None
    """Name of the cell of a zone; None for the others."""
    tiles: list[str]
    """Prepared tiles, sorted."""
    whole: list[str]
    """Prepared tiles of the whole zone, sorted, which all its cells go by; ``tiles`` where it is
    no cell of a zone."""
    maps: dict[str, Output]
    """Tile → its class map, of the prepared tiles."""
    neighbours: dict[str, Output]
    """Tile of another zone that overlaps one of them → its class map; none for a cell of a target
    grid."""
    absent: list[str]
    """Tiles of the run that lie here and have no class map, where others have one."""
    lattice: Grid | None
    """Grid of the first mapped tile of the whole zone; None without maps or for a target grid."""

    @property
    def is_cell(self) -> bool:
        """Whether it has a grid of its own, beyond which its tiles may reach."""
        return self.target is not None or self.part is not None


def extent_of(task: Task) -> Extent:
    """Find the tiles of the unit's zone or cell.

    Raises:
        MissingDataError: None was prepared.
        InputError: Their maps were made with several models.
    """
    how, cell = task.recipe.mosaic, str(task.unit.cell)
    maps = {tile: made[0] for tile, made in task.made_by_tile("classify").items()}
    zone, _, part = cell.partition("_")
    if how.grid != "utm":
        found = _of_target(task, maps)
    elif part:
        found = _of_part(task, zone, maps)
    else:
        found = _of_zone(task, zone, maps)
    if not found.tiles:
        where = "that touches this cell" if found.is_cell else "of this zone"
        raise MissingDataError(f"{task.unit.label}: no tile {where} was prepared.")
    _require_one_model(task, {**found.maps, **found.neighbours})
    return found


def _of_target(task: Task, maps: dict[str, str]) -> Extent:
    how, cell = task.recipe.mosaic, str(task.unit.cell)
    target, wide = cell_grid(cell, how), cell_grid(cell, how, halo_of(how))
    grids = prepared(task).grids
    tiles = [tile for tile in sorted(grids) if do_touch(grids[tile], wide)]
    own = _load(task, maps, tiles)
    absent = _absent(task, maps, target) if own else []
    return Extent(target, None, tiles, tiles, own, {}, absent, None)


def _of_zone(task: Task, zone: str, maps: dict[str, str]) -> Extent:
    grids = prepared(task).grids
    tiles = [tile for tile in prepared_tiles(task) if tile_zone(task, tile, grids) == zone]
    own = _load(task, maps, tiles)
    lattice = grids[min(own)] if own else None
    near = _overlapping(grids, own, sorted(maps.keys() & grids.keys()))
    absent = _absent(task, maps, None) if own else []
    return Extent(None, None, tiles, tiles, own, _load(task, maps, near), absent, lattice)


def _of_part(task: Task, zone: str, maps: dict[str, str]) -> Extent:
    cell, how = str(task.unit.cell), task.recipe.mosaic
    all_grids = prepared(task).grids
    grids = {tile: grid for tile, grid in sorted(all_grids.items()) if zone_of(grid) == zone}
    mapped = sorted(maps.keys() & grids.keys())
    tiles = []
    if grids:
        first = next(iter(grids.values()))
        wide = zone_cell_grid(cell, first).padded(halo_of(how))
        tiles = [t for t, grid in grids.items() if _do_meet(on_lattice(grid, first), wide)]
    own = _load(task, maps, tiles)
    if not own:
        return Extent(None, cell, tiles, list(grids), {}, {}, [], None)
    lattice = grids[mapped[0]]
    wide = zone_cell_grid(cell, lattice).padded(halo_of(how))
    others = sorted(tile for tile in maps.keys() & all_grids.keys() if tile not in grids)
    near = [t for t in _overlapping(all_grids, own, others) if do_touch(all_grids[t], wide)]
    absent = _absent(task, maps, zone_cell_grid(cell, lattice))
    around = _load(task, maps, near)
    return Extent(None, cell, tiles, list(grids), own, around, absent, lattice)


def _load(task: Task, maps: dict[str, str], tiles: Iterable[str]) -> dict[str, Output]:
    """Load the class maps of tiles that have one; what does not touch the unit is not read."""
    return {tile: outputs.load(task.workspace, maps[tile]) for tile in tiles if tile in maps}


def _do_meet(one: Grid, other: Grid) -> bool:
    """Tell whether two grids of one CRS have an area in common."""
    left, bottom, right, top = one.bounds
    west, south, east, north = other.bounds
    return left < east and west < right and bottom < north and south < top


def _overlapping(grids: Mapping[str, Grid], own: Iterable[str], others: Iterable[str]) -> list[str]:
    mine = [grids[tile] for tile in own]
    return [
        tile
        for tile in others
        if tile not in own and any(do_touch(grids[tile], grid) for grid in mine)
    ]


def _absent(task: Task, maps: dict[str, str], target: Grid | None) -> list[str]:
    """List tiles of the run without a map: of the zone where it is one, that touch the target."""
    zone, is_zone = (
        f"EPSG:{str(task.unit.cell).partition('_')[0]}",
        task.recipe.mosaic.grid == "utm",
    )
    missing = [tile for tile in task.run.arguments.tiles if tile not in maps]
    grids = {tile: tile_grid(tile) for tile in missing}
    return [
        tile
        for tile, grid in grids.items()
        if (grid.crs == zone or not is_zone) and (target is None or do_touch(grid, target))
    ]


def _require_one_model(task: Task, maps: dict[str, Output]) -> None:
    models = {str(output.wanted.inputs.get("model")): tile for tile, output in sorted(maps.items())}
    if len(models) > 1:
        first, second, *_ = sorted(models.values())
        raise InputError(
            f"{task.unit.label}: the maps of {first} and {second} were made with different models, "
            "so their classes cannot be joined; classify both with one model (--model)."
        )
