"""The true-colour picture of a mosaic: composites of one season joined."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.parts.prepared import PreparedComposite, prepared
from landcover.parts.task import Task
from landcover.raster.windows import plan_windows
from landcover.stores.rasters import OpenRasters, RasterStyle, create_raster

if TYPE_CHECKING:
    from landcover.parts.mapping.tile_windows import Source


def clearest(task: Task, tiles: list[str]) -> tuple[str, dict[str, PreparedComposite]]:
    """Choose the period whose composites have fewest holes, for the true-colour picture.

    Args:
        task: The mosaic.
        tiles: Prepared tiles of the whole zone, so that all its cells choose alike.

    Returns:
        Label of the period; tile → its composite of it.

    Raises:
        InputError: The composites are of several years.
    """
    known = prepared(task).composites
    by_tile = {tile: known[tile] for tile in tiles}
    periods = list(next(iter(by_tile.values())))
    holes = {
        period: sum(by_tile[tile][period].missing_percent for tile in tiles) for period in periods
    }
    best = min(periods, key=lambda period: (round(holes[period], 1), periods.index(period)))
    names = {tile: by_tile[tile][best].period for tile in tiles}
    other = next((tile for tile in tiles if names[tile] != names[tiles[0]]), None)
    if other is not None:
        raise InputError(
            f"{task.unit.label}: the composite of {tiles[0]} is of {names[tiles[0]]}, {other} of "
            f"{names[other]}; join tiles of one year."
        )
    return best, {tile: by_tile[tile][best] for tile in tiles}


def join_layer(
    task: Task, sources: list[Source], target: Grid, layer: str, path: Path, style: RasterStyle
) -> None:
    """Write a layer of the composites joined: each pixel from the tile in which it lies deepest."""
    # Compiled loops: who only chooses a season needs none.
    from landcover.parts.mapping.tile_windows import find_place
    from landcover.raster.mosaic import blend_primary

    windows = plan_windows(
        *target.shape, bytes_per_pixel=12 * len(sources) + 40, memory_gb=task.job.memory_gb
    )
    nodata = float(style.nodata or 0)
    with create_raster(path, target, style) as raster, OpenRasters() as opened:
        for window in windows:
            task.job.check()
            placed = ((source, find_place(source, target, window, opened)) for source in sources)
            present = [(source, found) for source, found in placed if found]
            if present:
                values = [place.take(s.paths[layer], nodata) for s, (place, _) in present]
                margins = [margin for _, (_, margin) in present]
                raster.write(blend_primary(values, margins, nodata), window)
