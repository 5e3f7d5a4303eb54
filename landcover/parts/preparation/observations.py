"""A product with its mask: harmonised values, and what must not be used of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.nouns.grid import Grid, Window
from landcover.nouns.output import Output
from landcover.nouns.product import Product, ProductFile
from landcover.parts.preparation.masking import mask_name
from landcover.parts.preparation.shared_masks import SharedMasks
from landcover.parts.task import Task
from landcover.products.numbers import as_numbers
from landcover.raster.clouds import (
    CLOUD_BIT,
    DEFECTIVE_BIT,
    GROWN_BIT,
    NODATA_BIT,
    SHADOW_BIT,
    SNOW_BIT,
)
from landcover.raster.reflectance import NODATA, harmonise, stored_units
from landcover.stores.rasters import Opened

BITS = {
    "grown": GROWN_BIT,
    "cloud": CLOUD_BIT,
    "shadow": SHADOW_BIT,
    "snow": SNOW_BIT,
    "defective": DEFECTIVE_BIT,
}
# Digital numbers, harmonised numbers, mask and sorting planes of one observation of one pixel are
# 12 bytes; as many again are held by decoders and by what was freed but not given back (measured:
# windows of 1 GB by the 12 bytes made a process of 2.4 GB, 0.5 of it before the first window).
BYTES_PER_OBSERVATION = 24
# The other half of a job's memory is for what the libraries, decoders and writers hold.
SHARE_OF_WINDOWS = 0.5


Values = NDArray[np.int16]
Hidden = NDArray[np.bool_]


@dataclass(frozen=True)
class Observation:
    """One product with its mask."""

    product: Product
    mask: Output


def excluded_bits(task: Task) -> int:
    """Sum the mask bits that the recipe leaves out; nodata always is."""
    return NODATA_BIT + sum(BITS[name] for name in task.recipe.mask.excluded)


@dataclass(frozen=True)
class Source:
    """One observation of one layer: what to open and how to read it."""

    file: ProductFile
    mask: str
    ratio: int
    """Pixels of the layer along one side of a pixel of the mask."""
    name: str
    """What a message calls it."""

    @classmethod
    def of(cls, task: Task, layer: str, grid: Grid, observation: Observation) -> Source:
        """Find file and mask of a layer in an observation.

        Raises:
            InputError: It has no such layer.
        """
        file = observation.product.file(layer)
        if file is None:
            raise InputError(f"{task.unit.label}: {observation.product.name} has no {layer}.")
        mask, ratio = _mask_of(task, observation, grid)
        return cls(file, mask, ratio, f"{task.unit.label}: {observation.product.name} {layer}")

    def read(
        self,
        opened: Opened,
        *,
        window: Window,
        masks: SharedMasks,
        values: Values,
        hidden: Hidden,
    ) -> None:
        """Fill the place of the observation in a stack; nodata where nothing of it is used."""
        coarse = window.coarsened(self.ratio)
        found = masks.hidden(opened, self.mask, coarse)
        if self.ratio == 1:
            hidden[:] = found.pixels
        else:
            from landcover.raster.spreading import spread_into  # compiled: a plan needs none of it

            whole = coarse.refined(self.ratio)
            row, column = window.row - whole.row, window.column - whole.column
            spread_into(found.pixels, self.ratio, row, column, hidden)
        if found.is_all:
            values.fill(NODATA)
            return
        try:
            numbers = opened(self.file.href).read(window, band=self.file.band_number)
        except InputError as error:
            rows = f"{window.row} to {window.row + window.height - 1}"
            columns = f"{window.column} to {window.column + window.width - 1}"
            raise InputError(f"{self.name}, rows {rows}, columns {columns}: {error}") from error
        harmonised(self.file, numbers, out=values)


def harmonised(file: ProductFile, pixels: NDArray[Any], out: Values | None = None) -> Values:
    """Turn digital numbers of a file into stored units, int16, nodata -32768.

    Args:
        file: What was read.
        pixels: Pixels in the file's own type, any shape.
        out: Where they go, contiguous; a new array if None.
    """
    return harmonise(
        as_numbers(file, pixels),
        offset=file.offset,
        scale=file.scale,
        stored_per_unit=stored_units(file.layer),
        out=out,
    )


def mask_for(observation: Observation, grid: Grid) -> tuple[str, Grid]:
    """Find the mask file for a grid, and the grid that it lies on.

    A refined mask may be as fine as the grid; otherwise finer bands repeat that of the scene
    classification.
    """
    own = next((f.grid for f in observation.product.files if f.layer == "SCL"), grid)
    has_grid = any(file.name == mask_name(grid) for file in observation.mask.files)
    found = grid if grid.pixel >= own.pixel or has_grid else own
    return mask_name(found), found


def _mask_of(task: Task, observation: Observation, grid: Grid) -> tuple[str, int]:
    """Find the mask for a grid, and how many pixels of the grid lie along one of its pixels."""
    name, found = mask_for(observation, grid)
    return task.href(observation.mask, name), 1 if found is grid else found.ratio_to(grid)


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
