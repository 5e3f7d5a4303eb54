"""Light and shade of slopes taken out of products before they are composited.

Method: docs/methods/composites.md#topographic-correction.

The sun stands where a product's metadata say on the mean. How a band answers to it is fitted over
the clear, steep ground of the whole tile first; that reads every band once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.nouns.grid import Grid, Window
from landcover.nouns.output import Output
from landcover.nouns.product import Product
from landcover.parts.preparation.observation_stacks import stacks
from landcover.parts.preparation.observations import Observation
from landcover.parts.preparation.tile_terrain import need_terrain
from landcover.parts.task import Task
from landcover.raster.topography import (
    Method,
    c_of_sums,
    correct_topography,
    illumination,
    mean_orientation,
    regression_sums,
)
from landcover.recipe import AUXILIARY
from landcover.stores.rasters import open_raster

_STRIP_ROWS = 64
"""Rows of a band's grid whose terrain is read at once: it is finer, up to 36 times."""
Floats = NDArray[np.float64]


class Relief:
    """The ground under a tile's products, and how their bands answer to its light and shade."""

    def __init__(self, task: Task, terrain: Output, method: Method) -> None:
        """Take what is there; nothing is read yet.

        Args:
            task: The unit whose products are corrected.
            terrain: Output of :func:`landcover.parts.preparation.tile_terrain.need_terrain`.
            method: ``c`` or ``scs+c``.
        """
        self.terrain = terrain
        self._task = task
        self._grid = Grid.from_document(terrain.wanted.params["grid"])
        self._convention = terrain.wanted.params["aspect"]
        self._method: Method = method
        self._c: dict[tuple[str, str], float | None] = {}

    def fit(self, layer: str, grid: Grid, usable: Sequence[Observation]) -> None:
        """Fit a layer of all observations; one without bands' reflectance is left alone.

        Args:
            layer: Layer name.
            grid: Grid of the layer.
            usable: Observations that have it.

        Raises:
            InputError: A product does not tell where the sun stood.
        """
        if layer in AUXILIARY:
            return
        suns = [_sun(o.product) for o in usable]
        sums = np.zeros((len(usable), 5), dtype=np.int64)
        for window, values, hidden in stacks(self._task, layer, grid, list(usable)):
            for rows, slope, aspect in self._strips(grid, window):
                for number, (zenith, azimuth) in enumerate(suns):
                    cos_i = illumination(slope, aspect, zenith, azimuth)
                    sums[number] += regression_sums(
                        values[number][rows], cos_i, slope, hidden[number][rows]
                    )
        for observation, of_product in zip(usable, sums, strict=True):
            self._c[observation.product.name, layer] = c_of_sums(of_product)

    def levelled(
        self, product: Product, layer: str, values: NDArray[np.int16], grid: Grid, window: Window
    ) -> NDArray[np.int16]:
        """Bring a window of a product's layer to level ground.

        Args:
            product: The product.
            layer: Layer name; one that was not fitted stays as it is.
            values: Harmonised numbers, int16, (y, x), −32768 where nodata.
            grid: Grid of the layer.
            window: Window of the grid.

        Returns:
            The numbers, int16, (y, x), −32768 where nodata. Unchanged in shadow, where the terrain
            is unknown, and where reflectance does not rise with illumination.
        """
        c = self._c.get((product.name, layer))
        if c is None:
            return values
        zenith, azimuth = _sun(product)
        result = np.empty_like(values)
        for rows, slope, aspect in self._strips(grid, window):
            cos_i = illumination(slope, aspect, zenith, azimuth)
            result[rows], _ = correct_topography(
                values[rows], cos_i, slope, zenith, c, method=self._method
            )
        return result

    def to_documents(self) -> list[dict[str, Any]]:
        """Give C of every product and band for the record; None where a band is not corrected."""
        found: dict[str, dict[str, Any]] = {}
        for (product, layer), c in sorted(self._c.items()):
            entry = found.setdefault(product, {"product": product})
            entry[layer] = None if c is None else round(c, 6)
        return list(found.values())

    def _strips(self, grid: Grid, window: Window) -> Iterator[tuple[slice, Floats, Floats]]:
        """Read slope and compass aspect of a window of a band's grid, degrees, in strips."""
        ratio = grid.ratio_to(self._grid)
        for strip in window.pieces(_STRIP_ROWS, window.width):
            fine = strip.refined(ratio)
            slope, aspect = mean_orientation(
                self._read("slope.tif", fine),
                self._read("aspect.tif", fine),
                ratio,
                convention=self._convention,
            )
            yield strip.within(window).slices[0], slope, aspect

    def _read(self, name: str, window: Window) -> NDArray[np.float32]:
        """Read a window of the terrain; where a coarse grid reaches beyond it, nothing is known."""
        values = np.full((window.height, window.width), np.nan, np.float32)
        inside = window.meet(Window.whole(self._grid.shape))
        with open_raster(self._task.href(self.terrain, name)) as raster:
            values[inside.within(window).slices] = raster.read(inside, band=1)
        return values


def need_relief(
    task: Task, tile: str, observations: Sequence[Observation], method: Method
) -> Relief:
    """Make the terrain under a tile's products, or find it, before they are composited.

    Args:
        task: The unit whose products are corrected.
        tile: Tile id.
        observations: Its products.
        method: ``c`` or ``scs+c``.

    Raises:
        InputError: The run has no elevation, or a product does not tell where the sun stood.
    """
    if task.run.arguments.dem is None:
        raise InputError(
            f"{task.unit.label}: composite.topography needs an elevation, and the run has none. "
            "Name one with --dem, or leave the option out."
        )
    for observation in observations:
        _sun(observation.product)
    layers = task.recipe.composite.layers
    grids = [f.grid for o in observations for f in o.product.files if f.layer in layers]
    # A task of its own: what the unit has at this stage is its composite.
    apart = replace(task, made=[], n_reused=0)
    terrain = need_terrain(apart, tile, min(grids, key=lambda grid: grid.pixel))
    return Relief(task, terrain, method)


def _sun(product: Product) -> tuple[float, float]:
    if product.sun_zenith is None or product.sun_azimuth is None:
        raise InputError(
            f"{product.name}: the metadata do not tell where the sun stood, which "
            "composite.topography needs. Leave the product or the option out."
        )
    return product.sun_zenith, product.sun_azimuth
