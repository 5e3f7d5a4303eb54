"""The feature stack of a tile: what both sampling and classification compute from.

One graph of reads and computations serves both, so they cannot drift apart
(docs/methods/features.md#feature-sets-and-tables). Layers are found by name; those that no feature
needs are never opened. What a feature is, its kind says (:mod:`landcover.features.contract`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.features.contract import Computation, Input
from landcover.features.first_pass import look_at_tile
from landcover.features.graph import Graph
from landcover.features.pixels import PixelPass
from landcover.features.plan import source_of
from landcover.features.readers import (
    LayerReader,
    NothingReader,
    OwnGridReader,
    PlainReader,
    Reader,
)
from landcover.features.reads import (
    Layer,
    LayerOfFewestGaps,
    Observations,
    OwnGridRaster,
    Read,
    Terrain,
)
from landcover.features.windows import WindowPass
from landcover.nouns.grid import Grid, Window
from landcover.nouns.holes import missing_percent
from landcover.nouns.model import FeatureSet
from landcover.nouns.output import Output
from landcover.parts.task import Task
from landcover.raster.windows import BYTES_PER_GB
from landcover.stores.rasters import ReadingPool

Values = NDArray[np.float32]
Positions = NDArray[np.integer]
Documents = dict[Computation, Mapping[str, Any]]
TERRAIN_FILES = {"slope": "slope.tif", "aspect": "aspect.tif", "dem": "elevation.tif"}
_READING_BYTES = 8
"""Of a pixel, what a thread holds of a file while it reads: stored numbers (4 bytes measured) and
the block that is decoded."""
_RESERVE_BYTES = 32
"""Of a pixel, in reserve: strips of formulas, and what was freed but not given back."""


class FeatureStack:
    """The features of one tile, computed window by window or pixel by pixel."""

    def __init__(
        self,
        task: Task,
        grid: Grid,
        composites: Mapping[str, Output],
        terrain: Output | None,
        features: FeatureSet,
        documents: Documents | None = None,
    ) -> None:
        """Say what is computed; nothing is opened yet.

        Args:
            task: The unit: where files lie, how the recipe makes features, what the job may use.
            grid: Work grid of the tile.
            composites: Period label → composite.
            terrain: Terrain of the tile; None where there is none.
            features: What is computed, in order.
            documents: What first passes over this tile ended in; several stacks may share it.
        """
        self._task = task
        self._grid = grid
        self._composites = composites
        self._terrain = terrain
        self._features = features.features
        self._documents = {} if documents is None else documents

    @property
    def bytes_per_pixel(self) -> float:
        """Memory of a pixel of a window, bytes.

        The features, as much again for what is made of them, and what the kinds hold of the season
        that holds most.
        """
        threads = self._task.job.threads
        most = 0.0
        for _, graph, sources in self._groups:
            dates = self._most_dates(graph)
            most = max(most, graph.bytes_per_pixel(set(sources), threads, dates))
        return 8.0 * len(self._features) + most + _READING_BYTES * threads + _RESERVE_BYTES

    @property
    def kept_gb(self) -> float:
        """Memory that is kept for the tile as a whole, whatever the windows, GB."""
        steps = {s for _, graph, _ in self._groups for level in graph.computed for s in level}
        height, width = self._grid.shape
        return sum(step.bytes_of_tile for step in steps) * height * width / BYTES_PER_GB

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
        for numbers, graph, sources in self._prepared():
            one = WindowPass(graph, self._readers, self._documents, self._grid.shape, window)
            planes = (stack[number] for number in numbers)
            one.fill(pool, list(zip(sources, planes, strict=True)))
        return stack

    def read_at(self, rows: Positions, columns: Positions) -> Values:
        """Compute the features of single pixels, by the same computations as :meth:`read`.

        Only the blocks of the files that hold one of the pixels, or of those around them that a
        feature looks at, are read, each once.

        Args:
            rows: Row of each pixel on the work grid, integer, (n,).
            columns: Its column.

        Returns:
            float32 (feature, n), NaN where any input is nodata; equal to the pixels of
            :meth:`read` in every bit.
        """
        stack = np.empty((len(self._features), len(rows)), np.float32)
        at = rows.astype(np.int64), columns.astype(np.int64)
        for numbers, graph, sources in self._prepared():
            one = PixelPass(graph, self._readers, self._documents, self._grid.shape)
            with ReadingPool(self._task.job.threads) as pool:
                for number, values in zip(numbers, one.planes(pool, sources, *at), strict=True):
                    stack[number] = values
        return stack

    @property
    def chosen_seasons(self) -> dict[str, str | None]:
        """Layer → season that it is taken of in this tile, where the recipe leaves the choice."""
        reads = {read for _, graph, _ in self._groups for read in graph.reads}
        chosen = [read for read in reads if isinstance(read, LayerOfFewestGaps)]
        return {read.name: self._season_of(read) for read in chosen}

    @cached_property
    def _groups(self) -> list[tuple[list[int], Graph, list[Input]]]:
        """Put the features of a period together: their numbers, what is done, where they are."""
        found = []
        for period in dict.fromkeys(feature.period for feature in self._features):
            numbers = [i for i, f in enumerate(self._features) if f.period == period]
            sources = [source_of(self._features[i], self._task.recipe) for i in numbers]
            found.append((numbers, Graph.of(sources), sources))
        return found

    @cached_property
    def _readers(self) -> dict[Read, Reader]:
        return {read: self._reader(read) for _, graph, _ in self._groups for read in graph.reads}

    def _prepared(self) -> Iterator[tuple[list[int], Graph, Sequence[Input]]]:
        """Give the groups, once the first passes of their computations are done."""
        for numbers, graph, sources in self._groups:
            look_at_tile(graph, self._readers, self._documents, self._grid.shape, self._task.job)
            yield numbers, graph, sources

    def _most_dates(self, graph: Graph) -> int:
        series = [read for read in graph.reads if isinstance(read, Observations)]
        return max((self._readers[read].leading[0] for read in series), default=0)

    def _reader(self, read: Read) -> Reader:
        check = self._task.job.check
        if isinstance(read, Layer):
            return self._layer_reader(read)
        if isinstance(read, LayerOfFewestGaps):
            period = self._season_of(read)
            return self._layer_reader(Layer(period, read.name)) if period else NothingReader()
        if isinstance(read, Terrain):
            if self._terrain is None:
                return NothingReader()
            return PlainReader(self._task.href(self._terrain, TERRAIN_FILES[read.name]), check)
        if isinstance(read, OwnGridRaster):
            return OwnGridReader(read.href, read.grid, read.band, read.nodata, self._grid, check)
        from landcover.features.observations import series_reader

        tile = str(self._task.unit.tile)
        return series_reader(self._task, tile, read.period, read.band, self._grid)

    def _season_of(self, read: LayerOfFewestGaps) -> str | None:
        """Find the season that has a layer with the fewest gaps, the earlier of two alike."""
        min_clear = self._task.recipe.composite.min_clear
        found = [
            (missing_percent(output.stats["coverage"], min_clear), place, period)
            for place, period in enumerate(read.periods)
            if (output := self._composites.get(period)) and read.name in output.stats["layers"]
        ]
        # Where another tile has the layer and this one does not, it is nodata here.
        return min(found)[2] if found else None

    def _layer_reader(self, read: Layer) -> Reader:
        output = self._composites.get(read.period)
        if output is None:
            raise InputError(f"{self._task.unit.label}: there is no composite of {read.period}.")
        document = output.stats["layers"].get(read.name)
        if document is None:
            # Another tile has the layer, this one does not: nodata here.
            return NothingReader()
        ratio = Grid.from_document(document).ratio_to(self._grid)
        href = self._task.href(output, f"{read.name}.tif")
        return LayerReader(href, read.name, ratio, self._task.job.check)
