"""The feature stack of a window: what both sampling and classification compute from.

One function serves both, so they cannot drift apart (DESIGN §3.3). Layers are found by name;
those that no feature needs are never opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.nouns.grid import Grid, Window
from landcover.nouns.model import Feature, FeatureKind, FeatureSet, feature_set
from landcover.nouns.output import Output
from landcover.raster.clouds import upsample_nearest
from landcover.raster.indices import required_bands, spectral_index
from landcover.raster.neighbourhood import NeighbourMean, box_mean, offsets
from landcover.raster.reflectance import stored_units, to_physical
from landcover.raster.windows import cover, cut
from landcover.recipe import AUXILIARY, Recipe
from landcover.stages.task import Task
from landcover.stores.rasters import open_raster

Values = NDArray[np.float32]
Positions = NDArray[np.integer]
TERRAIN_FILES = {"slope": "slope.tif", "aspect": "aspect.tif", "dem": "elevation.tif"}


def plan_features(
    recipe: Recipe, available: Mapping[str, set[str]], *, has_terrain: bool
) -> tuple[FeatureSet, tuple[str, ...]]:
    """List the features that can be computed.

    Args:
        recipe: Layers, indices and terrain that are wanted.
        available: Period label → layers that at least one tile has.
        has_terrain: Whether there is a terrain.

    Returns:
        The feature set in the order of the paper's table (terrain, then each season's layers
        and indices), and the names of what is left out because no product has it.

    Raises:
        InputError: Nothing is left.
    """
    features: list[Feature] = []
    missing: list[str] = []
    for name in recipe.features.terrain:
        terrain = Feature(name=name, period=None, layer=name, kind="terrain")
        _put(features, missing, terrain, has_terrain)
    variant = recipe.features.index_variant
    for season in recipe.seasons:
        layers = available.get(season.name, set())
        for layer in recipe.composite.all_layers:
            kind: FeatureKind = "auxiliary" if layer in AUXILIARY else "band"
            feature = Feature(
                name=f"{season.name}_{layer}", period=season.name, layer=layer, kind=kind
            )
            _put(features, missing, feature, layer in layers)
        for index in recipe.features.indices:
            needed = set(required_bands(index, variant))
            feature = Feature(
                name=f"{season.name}_{index}", period=season.name, layer=index, kind="index"
            )
            _put(features, missing, feature, needed <= layers)
        around = recipe.features.neighbourhood
        for mean in around.names() if around else ():
            feature = Feature(
                name=f"{season.name}_{mean}", period=season.name, layer=mean, kind="neighbourhood"
            )
            _put(features, missing, feature, around_of(mean)[0] in layers)
    if not features:
        raise InputError("No feature is left: the products have none of the recipe's layers.")
    return feature_set(features), tuple(missing)


def around_of(name: str) -> tuple[str, int]:
    """Give the layer and the radius of a neighbourhood mean: ``B04_mean3`` → B04, 1 pixel."""
    layer, size = name.rsplit("_mean", 1)
    return layer, int(size) // 2


def _put(features: list[Feature], missing: list[str], feature: Feature, is_there: bool) -> None:
    if is_there:
        features.append(feature)
    else:
        missing.append(feature.name)


class FeatureStack:
    """The features of one tile, computed window by window."""

    def __init__(
        self,
        task: Task,
        grid: Grid,
        composites: Mapping[str, Output],
        terrain: Output | None,
        features: FeatureSet,
    ) -> None:
        self._task = task
        self._grid = grid
        self._composites = composites
        self._terrain = terrain
        self._features = features.features
        self._variant = task.recipe.features.index_variant

    @property
    def bytes_per_pixel(self) -> int:
        """Memory of one pixel: the stack, as much again on the way to it, one season's layers."""
        return 4 * (2 * len(self._features) + 32)

    def read(self, window: Window) -> Values:
        """Compute the features of a window.

        Args:
            window: Rectangle of the work grid.

        Returns:
            float32 (feature, y, x): reflectance 0-1, AOT, WVP (cm), indices, degrees, metres; NaN
            where any input is nodata.
        """
        stack = np.empty((len(self._features), window.height, window.width), np.float32)
        for period in dict.fromkeys(feature.period for feature in self._features):
            mine = [(i, f) for i, f in enumerate(self._features) if f.period == period]
            if period is None:
                for i, feature in mine:
                    stack[i] = self._read_terrain(feature.layer, window)
                continue
            layers = self._read_layers(period, [f for _, f in mine], window)
            for i, feature in mine:
                if feature.kind == "neighbourhood":
                    stack[i] = self._read_around(period, feature.layer, window)
                elif feature.kind == "index":
                    stack[i] = spectral_index(feature.layer, layers, variant=self._variant)
                else:
                    stack[i] = layers[feature.layer]
        return stack

    def read_at(self, rows: Positions, columns: Positions) -> Values:
        """Compute the features of single pixels, as :meth:`read` does for all of a window.

        Only the blocks of the files that hold one of the pixels are read, each once.

        Args:
            rows: Row of each pixel on the work grid, integer, (n,).
            columns: Its column.

        Returns:
            float32 (feature, n), NaN where any input is nodata.
        """
        stack = np.empty((len(self._features), len(rows)), np.float32)
        for period in dict.fromkeys(feature.period for feature in self._features):
            mine = [(i, f) for i, f in enumerate(self._features) if f.period == period]
            if period is None:
                for i, feature in mine:
                    stack[i] = self._gather_terrain(feature.layer, rows, columns)
                continue
            needed = self._layers_of([feature for _, feature in mine])
            layers = {layer: self._gather(period, layer, rows, columns) for layer in needed}
            for i, feature in mine:
                if feature.kind == "neighbourhood":
                    stack[i] = self._gather_around(period, feature.layer, rows, columns)
                elif feature.kind == "index":
                    stack[i] = spectral_index(feature.layer, layers, variant=self._variant)
                else:
                    stack[i] = layers[feature.layer]
        return stack

    def _gather(self, period: str, layer: str, rows: Positions, columns: Positions) -> Values:
        output, document = self._stored(period, layer)
        if document is None:
            return np.full(len(rows), np.nan, np.float32)
        ratio = Grid.from_document(document).ratio_to(self._grid)
        href = self._task.href(output, f"{layer}.tif")
        stored = _pick(self._task, href, rows // ratio, columns // ratio)
        return to_physical(stored, 1 / stored_units(layer))

    def _gather_terrain(self, layer: str, rows: Positions, columns: Positions) -> Values:
        if self._terrain is None:
            return np.full(len(rows), np.nan, np.float32)
        href = self._task.href(self._terrain, TERRAIN_FILES[layer])
        return np.asarray(_pick(self._task, href, rows, columns), dtype=np.float32)

    def _layers_of(self, features: list[Feature]) -> list[str]:
        needed: dict[str, None] = {}
        for feature in features:
            if feature.kind == "neighbourhood":
                continue  # read with what lies around the window
            if feature.kind == "index":
                needed.update(dict.fromkeys(required_bands(feature.layer, self._variant)))
            else:
                needed[feature.layer] = None
        return list(needed)

    def _stored(self, period: str, layer: str) -> tuple[Output, dict[str, Any] | None]:
        """Find a layer: its composite, and its grid where this tile has it."""
        output = self._composites.get(period)
        if output is None:
            raise InputError(f"{self._task.unit.label}: there is no composite of {period}.")
        return output, output.stats["layers"].get(layer)

    def _read_layers(
        self, period: str, features: list[Feature], window: Window
    ) -> dict[str, Values]:
        needed = self._layers_of(features)
        return {layer: self._read_layer(period, layer, window) for layer in needed}

    def _read_layer(self, period: str, layer: str, window: Window) -> Values:
        output, document = self._stored(period, layer)
        if document is None:
            # Another tile has the layer, this one does not: nodata here.
            return np.full((window.height, window.width), np.nan, np.float32)
        ratio = Grid.from_document(document).ratio_to(self._grid)
        coarse = cover(window, ratio)
        with open_raster(self._task.href(output, f"{layer}.tif")) as raster:
            stored = raster.read(coarse, band=1)
        values = to_physical(stored, 1 / stored_units(layer))
        return cut(upsample_nearest(values, ratio), window, coarse, ratio)

    def _read_around(self, period: str, name: str, window: Window) -> Values:
        layer, radius = around_of(name)
        height, width = self._grid.shape
        top, left = max(0, window.row - radius), max(0, window.column - radius)
        bottom = min(height, window.row + window.height + radius)
        right = min(width, window.column + window.width + radius)
        wide = Window(top, left, bottom - top, right - left)
        means = box_mean(self._read_layer(period, layer, wide), radius)
        return cut(means, window, wide, 1)

    def _gather_around(self, period: str, name: str, rows: Positions, columns: Positions) -> Values:
        layer, radius = around_of(name)
        height, width = self._grid.shape
        mean = NeighbourMean(self._gather(period, layer, rows, columns))
        for row, column in offsets(radius):
            there, aside = rows + row, columns + column
            here = (there >= 0) & (there < height) & (aside >= 0) & (aside < width)
            mean.add(self._gather(period, layer, there[here], aside[here]), here)
        return mean.result()

    def _read_terrain(self, layer: str, window: Window) -> Values:
        if self._terrain is None:
            return np.full((window.height, window.width), np.nan, np.float32)
        with open_raster(self._task.href(self._terrain, TERRAIN_FILES[layer])) as raster:
            return np.asarray(raster.read(window, band=1), dtype=np.float32)


def _pick(task: Task, href: str, rows: Positions, columns: Positions) -> NDArray[Any]:
    """Read single pixels of a raster, block by block of its file."""
    with open_raster(href) as raster:
        info = raster.info
        high, wide = info.block
        found = np.empty(len(rows), dtype=info.dtype)
        block = (rows // high) * (info.shape[1] // wide + 1) + columns // wide
        order = np.argsort(block, kind="stable")
        starts = np.flatnonzero(np.diff(block[order], prepend=-1))
        for chosen in np.split(order, starts[1:]):
            if not chosen.size:
                continue
            task.job.check()
            row, column = rows[chosen[0]] // high * high, columns[chosen[0]] // wide * wide
            window = Window(
                row=int(row),
                column=int(column),
                height=int(min(high, info.shape[0] - row)),
                width=int(min(wide, info.shape[1] - column)),
            )
            pixels = raster.read(window, band=1)
            found[chosen] = pixels[rows[chosen] - row, columns[chosen] - column]
    return found
