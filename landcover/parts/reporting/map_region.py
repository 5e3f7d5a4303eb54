"""What a map is called, and where it ends: the region of a run, else its tiles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from landcover.parts.region import RegionOnGrid, region_of
from landcover.parts.task import Task
from landcover.publish.zone_files import CLASSES, REGION
from landcover.stores.rasters import RasterStyle, clip_raster, create_raster, describe

_MOST_NAMED = 3
"""Tiles that a title names."""


def map_title(task: Task) -> str:
    """Name a map: the title of its recipe, and the region or the tiles that it shows."""
    region = region_of(task)
    return f"{task.recipe.title}: {region.name if region else _tiles(task.run.arguments.tiles)}"


def _tiles(tiles: tuple[str, ...]) -> str:
    if len(tiles) > _MOST_NAMED:
        return f"{len(tiles)} tiles, {tiles[0]} to {tiles[-1]}"
    return f"{'tile' if len(tiles) == 1 else 'tiles'} {', '.join(tiles)}"


@contextmanager
def clipped(task: Task, whole: Path) -> Iterator[tuple[Path | None, int]]:
    """Clip the rasters of a mosaic to the region of the run, if it has one.

    Args:
        task: The run.
        whole: Folder of the mosaic.

    Yields:
        Folder with the files to publish, and how many of their pixels lie outside the region; no
        folder where the region has no pixel of the mosaic.
    """
    region = region_of(task)
    grid = describe(whole / CLASSES).grid if (whole / CLASSES).is_file() else None
    if region is None or grid is None:
        yield whole, 0
        return
    place = RegionOnGrid(region, grid)
    if place.part.is_empty:
        yield None, 0
        return
    with TemporaryDirectory(prefix="landcover-region-") as folder:
        for source in sorted(whole.glob("*.tif")):
            task.job.check()
            # The composite behind the map is a picture, and shows what lies around as well.
            is_map = not source.name.startswith("B") and describe(source).nodata is not None
            clip_raster(
                source, Path(folder) / source.name, place.part, place.inside if is_map else None
            )
        n_outside, style = 0, RasterStyle("uint8", None)
        with create_raster(Path(folder) / REGION, grid.cut(place.part), style) as raster:
            for window in place.part.pieces(2048, 2048):
                is_inside = place.inside(window)
                n_outside += int((~is_inside).sum())
                raster.write(is_inside.astype(np.uint8), window.within(place.part))
        yield Path(folder), n_outside
