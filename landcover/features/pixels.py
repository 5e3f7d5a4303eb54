"""The planes of single pixels, by the computations that make a window, on patches around them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import partial

import numpy as np
from numpy.typing import NDArray

from landcover.features.borders import inner_positions
from landcover.features.contract import Block, Computation, Input, Origin, Plane
from landcover.features.graph import Graph, step_of
from landcover.features.readers import Reader
from landcover.features.reads import Read
from landcover.features.windows import Documents
from landcover.stores.rasters import ReadingPool

Values = NDArray[np.float32]
Positions = NDArray[np.int64]
_PATCH_PIXELS = 1 << 20
"""Pixels of patches that are put together at once."""


class PixelPass:
    """Single pixels of some planes of a tile.

    A pixel is the number row · width + column. From what is wanted downwards, each step learns in
    which pixels it is needed: inside the tile, each once. Then all is read, and computed upwards.
    """

    def __init__(
        self,
        graph: Graph,
        readers: Mapping[Read, Reader],
        documents: Documents,
        shape: tuple[int, int],
    ) -> None:
        self._graph, self._readers, self._documents = graph, readers, documents
        self._shape = shape
        self._pixels: dict[Read | Computation, Positions] = {}
        self._held: dict[Input, Values] = {}

    def planes(
        self, pool: ReadingPool, sources: Sequence[Input], rows: Positions, columns: Positions
    ) -> list[Values]:
        """Give planes at pixels.

        Args:
            pool: Reads.
            sources: What is wanted.
            rows: Row of each pixel, int64, (n,).
            columns: Its column.

        Returns:
            One array for each source, float32, (n,).
        """
        wanted = rows * self._shape[1] + columns
        # Reads that only serve to look around are not needed at the pixels themselves.
        each = np.unique(wanted)
        for source in sources:
            self._need(step_of(source), each)
        levels = list(self._graph.computed)
        for step in (step for level in reversed(levels) for step in reversed(level)):
            self._need_inputs(step)
        self._read(pool)
        for step in (step for level in levels for step in level):
            self._compute(step)
        return [
            self._held[source][np.searchsorted(self._pixels[step_of(source)], wanted)]
            for source in sources
        ]

    def _need(self, step: Read | Computation, pixels: Positions) -> None:
        known = self._pixels.get(step)
        if known is None:
            self._pixels[step] = pixels
        elif known is not pixels and not np.array_equal(known, pixels):
            self._pixels[step] = np.union1d(known, pixels)

    def _need_inputs(self, step: Computation) -> None:
        pixels = self._pixels[step]
        if step.halo and pixels.size:
            found = [np.unique(patches) for _, patches in self._patches(step)]
            pixels = np.unique(np.concatenate(found))
            pixels = pixels[pixels >= 0]
        for source in step.reads:
            self._need(step_of(source), pixels)

    def _patches(self, step: Computation) -> Iterator[tuple[slice, Positions]]:
        """Give the pixels of patches, (n, y, x), some at a time; -1 is beyond the edge."""
        pixels, (height, width) = self._pixels[step], self._shape
        steps = np.arange(-step.halo, step.halo + 1)
        at_once = max(1, _PATCH_PIXELS // len(steps) ** 2)
        for first in range(0, len(pixels), at_once):
            part = slice(first, first + at_once)
            row, column = np.divmod(pixels[part], width)
            rows = inner_positions(row[:, None] + steps, height, step.border)[:, :, None]
            columns = inner_positions(column[:, None] + steps, width, step.border)[:, None, :]
            yield part, np.where((rows < 0) | (columns < 0), -1, rows * width + columns)

    def _read(self, pool: ReadingPool) -> None:
        found: list[tuple[Read, Future[Values]]] = []
        for read in self._graph.reads:
            rows, columns = np.divmod(self._pixels[read], self._shape[1])
            found.append((read, pool.submit(partial(self._readers[read].pick, rows, columns))))
        for read, future in found:
            self._held[read] = future.result()

    def _compute(self, step: Computation) -> None:
        pixels = self._pixels[step]
        planes = [np.empty(len(pixels), np.float32) for _ in range(step.n_planes)]
        for part, patches in self._patches(step):
            row, column = np.divmod(pixels[part], self._shape[1])
            block = Block(
                [self._around(source, patches) for source in step.reads],
                [
                    None if isinstance(source, Plane) else self._readers[source].days
                    for source in step.reads
                ],
                self._documents.get(step, {}),
            )
            for plane, values in zip(planes, step.compute(block, Origin(row, column)), strict=True):
                plane[part] = values[:, 0, 0]
        for number, plane in enumerate(planes):
            self._held[Plane(step, number)] = plane

    def _around(self, source: Input, patches: Positions) -> Values:
        """Put the patches of an input together, (…, n, y, x)."""
        values, pixels = self._held[source], self._pixels[step_of(source)]
        if patches.shape[1:] == (1, 1) and np.array_equal(patches.ravel(), pixels):
            return values[..., None, None]
        found = values[..., np.searchsorted(pixels, patches)]
        found[..., patches < 0] = np.nan
        return found
