"""What a composite reads: harmonised values and masks of every product, window by window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.nouns.grid import Grid, Window
from landcover.nouns.output import Output
from landcover.nouns.product import Product, ProductFile
from landcover.raster.clouds import (
    CLOUD_BIT,
    DEFECTIVE_BIT,
    GROWN_BIT,
    NODATA_BIT,
    SHADOW_BIT,
    SNOW_BIT,
    is_excluded,
    upsample_nearest,
)
from landcover.raster.reflectance import harmonise, stored_units
from landcover.raster.windows import cover, cut, plan_windows, window_block
from landcover.stages.mask import mask_name
from landcover.stages.task import Task
from landcover.stores.rasters import open_raster

BITS = {
    "grown": GROWN_BIT,
    "cloud": CLOUD_BIT,
    "shadow": SHADOW_BIT,
    "snow": SNOW_BIT,
    "defective": DEFECTIVE_BIT,
}
# Digital numbers, harmonised numbers, mask and sorting planes of one observation of one pixel.
BYTES_PER_OBSERVATION = 12


@dataclass(frozen=True)
class Observation:
    """One product with its mask."""

    product: Product
    mask: Output


def stacks(
    task: Task, layer: str, grid: Grid, usable: list[Observation]
) -> Iterator[tuple[Window, NDArray[np.int16], NDArray[np.bool_]]]:
    """Read a layer of all observations, window by window.

    Args:
        task: Unit and job; its memory decides the windows.
        layer: Layer name.
        grid: Grid of the layer in every product.
        usable: Observations that have the layer.

    Yields:
        Window, harmonised values (n, height, width) int16, and what must not be used, bool of
        the same shape.
    """
    files = [file for o in usable if (file := o.product.file(layer))]
    # Windows follow the file's own blocks, so that no JPEG 2000 block is decoded twice.
    block = max(file.block[0] for file in files)
    windows = plan_windows(
        *grid.shape,
        bytes_per_pixel=BYTES_PER_OBSERVATION * len(files),
        memory_gb=task.job.memory_gb,
        block=window_block(block),
    )
    excluded = excluded_bits(task)
    for window in windows:
        task.job.check()
        values = np.stack([read_harmonised(file, window) for file in files])
        hidden = np.stack([read_hidden(task, o, grid, window, excluded) for o in usable])
        yield window, values, hidden


def excluded_bits(task: Task) -> int:
    """Sum the mask bits that the recipe leaves out; nodata always is."""
    return NODATA_BIT + sum(BITS[name] for name in task.recipe.mask.excluded)


def read_harmonised(file: ProductFile, window: Window) -> NDArray[np.int16]:
    """Read a window of a layer in stored units, int16, nodata -32768."""
    with open_raster(file.href) as raster:
        numbers = raster.read(window, band=1)
    return harmonise(
        numbers.astype(np.uint16, copy=False),
        offset=file.offset,
        scale=file.scale,
        stored_per_unit=stored_units(file.layer),
    )


def read_hidden(
    task: Task, observation: Observation, grid: Grid, window: Window, excluded: int
) -> NDArray[np.bool_]:
    """Read where an observation must not be used, on the grid of a layer."""
    own = next((f.grid for f in observation.product.files if f.layer == "SCL"), grid)
    if grid.pixel >= own.pixel:
        with open_raster(task.href(observation.mask, mask_name(grid))) as raster:
            return is_excluded(raster.read(window, band=1), excluded)
    ratio = own.ratio_to(grid)
    coarse = cover(window, ratio)
    with open_raster(task.href(observation.mask, mask_name(own))) as raster:
        bits = raster.read(coarse, band=1)
    return cut(upsample_nearest(is_excluded(bits, excluded), ratio), window, coarse, ratio)


def common_grid(task: Task, layer: str, usable: list[Observation]) -> Grid:
    """Find the one grid that a layer has in all observations.

    Raises:
        InputError: It lies on different grids.
    """
    grids = {file.grid for o in usable if (file := o.product.file(layer))}
    if len(grids) > 1:
        places = "; ".join(sorted(grid.describe() for grid in grids))
        raise InputError(f"{task.unit.label}: {layer} lies on different grids ({places}).")
    return grids.pop()
