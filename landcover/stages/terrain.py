"""Terrain: elevation, slope and aspect of a tile on its work grid (docs/methods/terrain.md)."""

from __future__ import annotations

from landcover.parts.mapping.work_windows import windows_of
from landcover.parts.preparation.tile_terrain import need_terrain
from landcover.parts.task import Task
from landcover.parts.work_grid import tile_work_grid


def terrain(task: Task) -> None:
    """Make elevation, slope and aspect of the unit's tile."""
    tile = str(task.unit.tile)
    grid = tile_work_grid(task, tile)
    task.windows = windows_of(task, tile, grid)
    need_terrain(task, tile, grid)
