"""The first pass of a computation over the whole tile, piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from landcover.features.contract import Block, Computation, Origin, Plane
from landcover.features.graph import Graph
from landcover.features.readers import Reader
from landcover.features.reads import Read
from landcover.features.windows import Documents, WindowPass
from landcover.parts.task import Job
from landcover.stores.rasters import ReadingPool

SIDE = 512
"""Side of a piece, px, or the multiple below it that a computation asks for."""


class TilePass:
    """The inputs of one computation over a tile (:class:`landcover.features.contract.Tile`)."""

    def __init__(
        self,
        step: Computation,
        readers: Mapping[Read, Reader],
        documents: Documents,
        shape: tuple[int, int],
        job: Job,
    ) -> None:
        self._step, self._readers, self._documents = step, readers, documents
        self._shape, self._job = shape, job

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the work grid."""
        return self._shape

    def blocks(self, multiple: int = 1) -> Iterator[tuple[Block, Origin]]:
        """Give the inputs of the computation piece by piece, without halo, row by row."""
        from landcover.nouns.grid import Window

        graph = Graph.of(self._step.reads)
        side = max(multiple, SIDE // multiple * multiple)
        days = [None if isinstance(s, Plane) else self._readers[s].days for s in self._step.reads]
        with ReadingPool(self._job.threads) as pool:
            for window in Window.whole(self._shape).pieces(side, side):
                self._job.check()
                one = WindowPass(graph, self._readers, self._documents, self._shape, window)
                planes = one.planes(pool, self._step.reads)
                yield Block(planes, days, {}), Origin(window.row, window.column)


def look_at_tile(
    graph: Graph,
    readers: Mapping[Read, Reader],
    known: dict[Computation, Mapping[str, Any]],
    shape: tuple[int, int],
    job: Job,
) -> None:
    """Make the documents of all computations that look at the tile first.

    Args:
        graph: The computations.
        readers: What opens their reads.
        known: Documents that were made already; those that are made are added.
        shape: Rows and columns of the work grid.
        job: Threads, and whether it was stopped.
    """
    # Level by level: the inputs of a computation may need documents of their own.
    for step in (step for level in graph.computed for step in level):
        if step not in known:
            known[step] = step.first_pass(TilePass(step, readers, known, shape, job))
