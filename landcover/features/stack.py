"""The feature stack of a window: what both sampling and classification compute from.

One function serves both, so they cannot drift apart
(docs/methods/features.md#feature-sets-and-tables). Layers are found by name; those that no feature
needs are never opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.nouns.grid import Grid, Window
from landcover.nouns.model import Feature, FeatureKind, FeatureSet, feature_set
from landcover.nouns.output import Output
from landcover.parts.task import Task
from landcover.raster.indices import required_bands, spectral_index
from landcover.raster.layer_units import fill_layer, layer_values
from landcover.raster.log_shape import log_shape
from landcover.raster.neighbourhood import NeighbourMean, box_mean, offsets
from landcover.raster.windows import cover, cut
from landcover.recipe import AUXILIARY, INDICES, Recipe
from landcover.stores.rasters import Opened, ReadingPool, open_raster

Values = NDArray[np.float32]
Positions = NDArray[np.integer]
TERRAIN_FILES = {"slope": "slope.tif", "aspect": "aspect.tif", "dem": "elevation.tif"}
_COMPUTED = {"index", "neighbourhood", "shape"}
"""Kinds of features that no file holds."""
_STRIP_PIXELS = 1 << 15


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
    variant, temporal = recipe.features.index_variant, recipe.composite.temporal_layers
    for season in recipe.seasons:
        layers = available.get(season.name, set())
        for layer in recipe.composite.all_layers:
            kind: FeatureKind = "auxiliary" if layer in AUXILIARY else "band"
            kind = "temporal" if layer in temporal else kind
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
        shape = recipe.features.log_shape
        for own in shape.names() if shape else ():
            feature = Feature(
                name=f"{season.name}_{own}", period=season.name, layer=own, kind="shape"
            )
            _put(features, missing, feature, set(shape_of(own)[1]) <= layers)
    if not features:
        raise InputError("No feature is left: the products have none of the recipe's layers.")
    return feature_set(features), tuple(missing)


def around_of(name: str) -> tuple[str, int]:
    """Give the layer and the radius of a neighbourhood mean: ``B04_mean3`` → B04, 1 pixel."""
    layer, size = name.rsplit("_mean", 1)
    return layer, int(size) // 2


def shape_of(name: str) -> tuple[str, tuple[str, ...]]:
    """Give suffix and bands of a log-shape: ``B04_shape_02-04`` → _shape_02-04, (B02, B04)."""
    suffix = name[name.index("_shape_") :]
    return suffix, tuple(f"B{band}" for band in suffix.removeprefix("_shape_").split("-"))


def reads_index(feature: Feature) -> bool:
    """Tell whether the formula of an index is behind a feature: ``ndvi``, ``ndvi_p05_mean3``."""
    return feature.layer.split("_")[0] in INDICES


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
        seasons = {feature.period for feature in self._features if feature.period is not None}
        season = max([32, *(self._planes_of(period) for period in seasons)])
        return 4 * (2 * len(self._features) + season)

    def _planes_of(self, period: str) -> int:
        """Count the layers of a season that are held at once, and what is on the way to them."""
        mine = [feature for feature in self._features if feature.period == period]
        shapes = {shape_of(feature.layer) for feature in mine if feature.kind == "shape"}
        # Spectra are put together as copies, and become as many planes.
        spectra = 2 * sum(len(bands) for _, bands in shapes)
        return len(self._layers_of(mine)) + spectra + 8

    def read(
        self, window: Window, pool: ReadingPool | None = None, buffer: Values | None = None
    ) -> Values:
        """Compute the features of a window.

        Args:
            window: Rectangle of the work grid.
            pool: Reads and computes; for many windows of one tile, whose files it keeps open.
            buffer: Memory for the result, float32, (n,), at least features × pixels: for many
                windows one after the other.

        Returns:
            float32 (feature, y, x): reflectance 0-1, AOT, WVP (cm), indices, degrees, metres, days,
            shares 0-1; NaN where any input is nodata.
        """
        if pool is None:
            with ReadingPool(1) as own:
                return self.read(window, own, buffer)
        shape = (len(self._features), window.height, window.width)
        size = shape[0] * shape[1] * shape[2]
        stack = np.empty(shape, np.float32) if buffer is None else buffer[:size].reshape(shape)
        for period in dict.fromkeys(feature.period for feature in self._features):
            mine = [(f, stack[i]) for i, f in enumerate(self._features) if f.period == period]
            if period is None:
                _wait(
                    pool.submit(partial(self._fill_terrain, feature.layer, window, plane))
                    for feature, plane in mine
                )
            else:
                self._read_season(pool, period, mine, window)
        return stack

    def _read_season(
        self, pool: ReadingPool, period: str, mine: list[tuple[Feature, Values]], window: Window
    ) -> None:
        """Fill the features of a season: layers from files first, then what is made of them."""
        features = [feature for feature, _ in mine]
        # A layer that is a feature too is read to where it belongs.
        layers = {f.layer: plane for f, plane in mine if f.kind not in _COMPUTED}
        for layer in self._layers_of(features):
            if layer not in layers:
                layers[layer] = np.empty((window.height, window.width), np.float32)
        _wait(
            pool.submit(partial(self._fill_layer, period, layer, window, plane))
            for layer, plane in layers.items()
        )
        shapes = self._shapes(features, layers)
        indices = []
        for feature, plane in mine:
            if feature.kind == "neighbourhood":
                plane[:] = self._read_around(period, feature.layer, window)
            elif feature.kind == "shape":
                plane[:] = shapes[feature.layer]
            elif feature.kind == "index":
                indices.append((feature.layer, plane))
        # What lies between the steps of a formula stays in the cache.
        height = max(1, _STRIP_PIXELS // window.width)
        _wait(
            pool.submit(partial(self._fill_indices, indices, layers, slice(top, top + height)))
            for top in range(0, window.height, height)
        )

    def _fill_indices(
        self,
        indices: Sequence[tuple[str, Values]],
        layers: Mapping[str, Values],
        rows: slice,
        _opened: Opened,
    ) -> None:
        strip = {layer: plane[rows] for layer, plane in layers.items()}
        for name, plane in indices:
            plane[rows] = spectral_index(name, strip, variant=self._variant)

    def _fill_layer(
        self, period: str, layer: str, window: Window, plane: Values, opened: Opened
    ) -> None:
        output, document = self._stored(period, layer)
        if document is None:
            # Another tile has the layer, this one does not: nodata here.
            plane[:] = np.nan
            return
        ratio = Grid.from_document(document).ratio_to(self._grid)
        coarse = cover(window, ratio)
        stored = opened(self._task.href(output, f"{layer}.tif")).read(coarse, band=1)
        corner = window.row - ratio * coarse.row, window.column - ratio * coarse.column
        fill_layer(stored, layer, ratio, corner, plane)

    def _fill_terrain(self, layer: str, window: Window, plane: Values, opened: Opened) -> None:
        if self._terrain is None:
            plane[:] = np.nan
            return
        href = self._task.href(self._terrain, TERRAIN_FILES[layer])
        plane[:] = opened(href).read(window, band=1)

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
            layers |= self._shapes([f for _, f in mine], layers)
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
        return layer_values(stored, layer)

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
            elif feature.kind == "shape":
                needed.update(dict.fromkeys(shape_of(feature.layer)[1]))
            else:
                needed[feature.layer] = None
        return list(needed)

    def _shapes(self, features: list[Feature], layers: Mapping[str, Values]) -> dict[str, Values]:
        """Compute the log-shapes among some features from their bands, each spectrum once."""
        found: dict[str, Values] = {}
        for suffix, bands in dict.fromkeys(
            shape_of(feature.layer) for feature in features if feature.kind == "shape"
        ):
            shapes = log_shape({band: layers[band] for band in bands})
            found.update({f"{band}{suffix}": values for band, values in shapes.items()})
        return found

    def _stored(self, period: str, layer: str) -> tuple[Output, dict[str, Any] | None]:
        """Find a layer: its composite, and its grid where this tile has it."""
        output = self._composites.get(period)
        if output is None:
            raise InputError(f"{self._task.unit.label}: there is no composite of {period}.")
        return output, output.stats["layers"].get(layer)

    def _read_around(self, period: str, name: str, window: Window) -> Values:
        layer, radius = around_of(name)
        height, width = self._grid.shape
        top, left = max(0, window.row - radius), max(0, window.column - radius)
        bottom = min(height, window.row + window.height + radius)
        right = min(width, window.column + window.width + radius)
        wide = Window(top, left, bottom - top, right - left)
        values = np.empty((wide.height, wide.width), np.float32)
        with ReadingPool(1) as pool:
            _wait([pool.submit(partial(self._fill_layer, period, layer, wide, values))])
        return cut(box_mean(values, radius), window, wide, 1)

    def _gather_around(self, period: str, name: str, rows: Positions, columns: Positions) -> Values:
        layer, radius = around_of(name)
        height, width = self._grid.shape
        mean = NeighbourMean(self._gather(period, layer, rows, columns))
        for row, column in offsets(radius):
            there, aside = rows + row, columns + column
            here = (there >= 0) & (there < height) & (aside >= 0) & (aside < width)
            mean.add(self._gather(period, layer, there[here], aside[here]), here)
        return mean.result()


def _wait(futures: Iterable[Future[None]]) -> None:
    """Wait until all is done."""
    for future in list(futures):
        future.result()


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
