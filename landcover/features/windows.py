"""The planes of a window: reads on the threads of a pool, then level after level of computing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.features.borders import around
from landcover.features.contract import Block, Computation, Input, Origin, Plane
from landcover.features.graph import Graph, Step, step_of
from landcover.features.readers import Reader
from landcover.features.reads import Read
from landcover.nouns.grid import Window
from landcover.stores.rasters import Opened, ReadingPool

Values = NDArray[np.float32]
Documents = Mapping[Computation, Mapping[str, Any]]
_STRIP_PIXELS = 1 << 15


class WindowPass:
    """One window of some planes of a tile."""

    def __init__(
        self,
        graph: Graph,
        readers: Mapping[Read, Reader],
        documents: Documents,
        shape: tuple[int, int],
        window: Window,
    ) -> None:
        self._graph, self._readers, self._documents = graph, readers, documents
        self._shape, self._window = shape, window
        self._regions = {
            step: window.widened(margin, shape) for step, margin in graph.margins.items()
        }
        self._held: dict[Input, Values] = {}

    def fill(self, pool: ReadingPool, targets: Sequence[tuple[Input, Values]]) -> None:
        """Fill planes of the window.

        Args:
            pool: Reads and computes.
            targets: What is wanted, and where it belongs, float32, (y, x).
        """
        for source, plane in targets:
            # What nothing looks around in is made where it belongs.
            if not self._graph.margins[step_of(source)]:
                self._held.setdefault(source, plane)
        _wait(
            pool.submit(
                partial(self._readers[read].fill, self._regions[read], self._room(read, read))
            )
            for read in self._graph.reads
        )
        for level in self._graph.computed:
            self._compute(pool, level)
        for source, plane in targets:
            held = self._held[source]
            if held is not plane:
                region = self._regions[step_of(source)]
                plane[:] = around(held, region, self._window, self._shape, "nodata")

    def planes(self, pool: ReadingPool, sources: Sequence[Input]) -> list[Values]:
        """Give planes of the window, each (…, y, x)."""
        self.fill(pool, [])
        regions = (self._regions[step_of(source)] for source in sources)
        return [
            around(self._held[source], region, self._window, self._shape, "nodata")
            for source, region in zip(sources, regions, strict=True)
        ]

    def _compute(self, pool: ReadingPool, level: Sequence[Computation]) -> None:
        for step in level:
            for number in range(step.n_planes):
                self._room(Plane(step, number), step)
        # What lies between the steps of a formula stays in the cache: strip by strip, all of them.
        by_region: dict[Window, list[Computation]] = {}
        for step in level:
            if not step.halo:
                by_region.setdefault(self._regions[step], []).append(step)
        orders = [
            (steps, strip) for region, steps in by_region.items() for strip in _strips(region)
        ]
        orders += [([step], self._regions[step]) for step in level if step.halo]
        _wait(pool.submit(partial(self._work, steps, part)) for steps, part in orders)

    def _work(self, steps: Sequence[Computation], part: Window, _opened: Opened) -> None:
        for step in steps:
            wide = part.padded(step.halo)
            block = Block(
                [around(self._held[source], self._regions[step_of(source)], wide, self._shape,
                        step.border) for source in step.reads],
                [self._days(source) for source in step.reads],
                self._documents.get(step, {}),
            )  # fmt: skip
            found = step.compute(block, Origin(part.row, part.column))
            region = self._regions[step]
            here = part.within(region).slices
            for number, values in enumerate(found):
                self._held[Plane(step, number)][here] = values

    def _room(self, source: Input, step: Step) -> Values:
        """Give the memory of a plane."""
        if source not in self._held:
            region = self._regions[step]
            dates = () if isinstance(source, Plane) else self._readers[source].leading
            self._held[source] = np.empty((*dates, region.height, region.width), np.float32)
        return self._held[source]

    def _days(self, source: Input) -> NDArray[np.int64] | None:
        return None if isinstance(source, Plane) else self._readers[source].days


def _strips(region: Window) -> list[Window]:
    height = max(1, _STRIP_PIXELS // region.width)
    return list(region.pieces(height, region.width))


def _wait(futures: Iterable[Future[None]]) -> None:
    """Wait until all is done."""
    for future in list(futures):
        future.result()
