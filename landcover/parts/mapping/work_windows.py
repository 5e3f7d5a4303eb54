"""What of a tile a run with a region works on (docs/methods/tiles.md#windows-of-a-region)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from math import ceil

import numpy as np
import pyarrow.parquet as pq

from landcover.features.plan import wanted_features
from landcover.features.reach import reach_of
from landcover.labels.placement import place_points
from landcover.ledger import tables
from landcover.nouns.grid import Grid, Window
from landcover.nouns.model import Feature
from landcover.nouns.product import Product
from landcover.nouns.work_windows import ALIGNMENT_PX, Block, WorkWindows
from landcover.parts.mapping.halos import margin_of
from landcover.parts.region import RegionOnGrid, region_of
from landcover.parts.task import Task
from landcover.parts.training.run_model import load_model
from landcover.recipe import Recipe
from landcover.stores import layout

log = logging.getLogger(__name__)


def windows_of(
    task: Task, tile: str, grid: Grid, *, alignment: int | None = None
) -> WorkWindows | None:
    """Find the blocks of a tile that the run's region touches or that hold one of its labels.

    The pixels that the mosaic looks at around the region belong to it. Around the blocks is a
    halo: what features look at.

    Args:
        task: A unit of the tile.
        tile: Tile id, for the log.
        grid: Work grid of the tile.
        alignment: Side of a block, px; None for 1,536.

    Returns:
        The windows; None where the whole tile is worked on: the run has no region, every block is
        needed or none is, or a feature or a correction looks at the whole tile first.

    Raises:
        InputError: The record of the region or the labels is gone, or a feature cannot be made.
    """
    region = region_of(task)
    if region is None:
        return None
    reach = None if _is_tile_wide(task.recipe) else reach_of(_features(task), task.recipe)
    if reach is None:
        log.info("%s: whole, because a step of the recipe looks at the whole tile", tile)
        return None
    side = alignment or ALIGNMENT_PX
    whole = Window.whole(grid.shape)
    around, margin = RegionOnGrid(region, grid), margin_of(task.recipe.mosaic)
    found = {
        (block.row // side, block.column // side)
        for block in whole.pieces(side, side)
        if around.touches(block.padded(margin))
    }
    found.update(_of_labels(task, grid, side))
    if not found:
        log.warning("%s: whole, because neither region nor labels lie in it", tile)
    if len(found) in (0, len(list(whole.pieces(side, side)))):
        return None
    blocks = tuple(Block(row=row, column=column) for row, column in sorted(found))
    return WorkWindows(alignment=side, pixel=grid.pixel, blocks=blocks, halo=reach)


def prepared_windows(task: Task, products: Sequence[Product]) -> WorkWindows | None:
    """Find what of the unit's tile is composited; see :func:`windows_of`.

    Args:
        task: A unit of a tile and span.
        products: Its products, on whose finest grid the composites will lie.
    """
    layers = task.recipe.composite.layers
    grids = [file.grid for one in products for file in one.files if file.layer in layers]
    if not grids:
        return None
    return windows_of(task, str(task.unit.tile), min(grids, key=lambda grid: grid.pixel))


def mask_windows(task: Task, products: Sequence[Product]) -> WorkWindows | None:
    """Find what of the unit's products is masked: what a ladder of growths looks at too."""
    found, ladder = prepared_windows(task, products), task.recipe.composite.ladder
    if found is None or ladder is None:
        return found
    return found.widened(ceil(max(ladder.growths_m) / found.pixel))


def mapped_windows(task: Task, tile: str, grid: Grid) -> WorkWindows | None:
    """Find what of a tile is classified: the blocks without what features look at."""
    found = windows_of(task, tile, grid)
    return found and found.inner


def _is_tile_wide(recipe: Recipe) -> bool:
    """Tell whether composites are corrected by figures of the whole tile, or inpainted."""
    return recipe.restore is not None or recipe.composite.topography is not None


def _features(task: Task) -> Iterable[Feature]:
    if task.run.arguments.model is not None:
        return load_model(task)[1].features.features
    return wanted_features(task.recipe)


def _of_labels(task: Task, grid: Grid, side: int) -> Iterator[tuple[int, int]]:
    """Give the blocks that hold a pixel of a label, or of those around it that train too."""
    label_id = task.run.label_id
    if label_id is None:
        return
    # Read without pandas, which a plan would have to load for it.
    with (
        tables.local(task.workspace, "labels", label_id, layout.labels(label_id)) as path,
        pq.ParquetFile(path) as file,
    ):
        points = file.read(columns=["lon", "lat"])
    # To which tile a label belongs depends on all tiles; here it is enough that it lies in this.
    lon, lat = (np.array(points[name].to_pylist(), np.float64) for name in ("lon", "lat"))
    own = place_points(lon, lat, {"": grid})[""]
    around = task.recipe.labels.neighbourhood // 2
    for down in (-around, around):
        for right in (-around, around):
            rows = (own.rows + down).clip(0, grid.height - 1) // side
            columns = (own.columns + right).clip(0, grid.width - 1) // side
            yield from set(zip(map(int, rows), map(int, columns), strict=True))
