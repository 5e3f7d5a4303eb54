"""All observations of a layer, window by window: each block is decoded once.

Decoding JPEG 2000 is nearly all of a composite's work. So windows are whole blocks, what a mask
says is empty is not decoded at all, and threads of the job decode the next window while the
caller works on this one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from math import lcm
from typing import NamedTuple

import numpy as np

from landcover.nouns.grid import Grid, Window
from landcover.nouns.product import ProductFile
from landcover.nouns.work_windows import whole_or_cut
from landcover.parts.preparation.observations import (
    BYTES_PER_OBSERVATION,
    SHARE_OF_WINDOWS,
    Hidden,
    Observation,
    Source,
    Values,
    excluded_bits,
)
from landcover.parts.preparation.shared_masks import SharedMasks
from landcover.parts.task import Job, Task
from landcover.raster.windows import LARGEST_PX, plan_windows
from landcover.stores.rasters import ReadingPool

N_MEASURED = 5
# Of more observations, numbers and mask of one that no thread is decoding are 3 bytes (measured:
# 72 products in windows of 1024 px, one ahead, made a process of 1.2 GB).
BYTES_PER_FURTHER = 4


def stacks(
    task: Task,
    layer: str,
    grid: Grid,
    usable: list[Observation],
    masks: SharedMasks | None = None,
) -> Iterator[tuple[Window, Values, Hidden]]:
    """Read a layer of all observations, window by window.

    Args:
        task: Unit and job; its memory decides the windows, its threads read.
        layer: Layer name.
        grid: Grid of the layer in every product.
        usable: Observations that have the layer.
        masks: Of the unit, for many layers one after the other; own ones where None.

    Yields:
        Window, harmonised values (n, height, width) int16, and what must not be used, bool of
        the same shape. An observation that must not be used anywhere in a window is not decoded
        there: its values are nodata. The arrays hold other windows once the next one was asked
        for: memory that is taken anew for each costs the system more than the medians.

    Raises:
        InputError: A file is damaged; the message names product, layer and window.
    """
    sources = [Source.of(task, layer, grid, o) for o in usable]
    threads = task.job.threads
    planned, ahead = plan_reading(task.job, grid, sources)
    windows = whole_or_cut(planned, grid, task.windows)
    masks = SharedMasks(excluded_bits(task), task.job.memory_gb) if masks is None else masks
    waiting: deque[_Stack] = deque()
    spare: list[_Arrays] = []
    with ReadingPool(threads) as pool:
        for window in windows:
            task.job.check()
            waiting.append(_Stack.begin(pool, sources, window, masks, spare))
            if len(waiting) > ahead:
                stack = waiting.popleft()
                yield stack.finished()
                spare[:] = [stack.arrays]
        while waiting:
            yield waiting.popleft().finished()


def plan_reading(job: Job, grid: Grid, sources: Sequence[Source]) -> tuple[list[Window], int]:
    """Cover a grid with windows that fit into a job's memory, and say how many to read ahead.

    None is read ahead where windows would become parts of a block for it: a block is decoded for
    each window that it lies in.
    """
    # Decoders are at work on as many observations as there are threads.
    busy = min(len(sources), max(N_MEASURED, job.threads))
    held = BYTES_PER_OBSERVATION * busy + BYTES_PER_FURTHER * (len(sources) - busy)
    block = _common_block([source.file for source in sources])

    def plan(ahead: int) -> list[Window]:
        return plan_windows(
            *grid.shape,
            bytes_per_pixel=held * (1 + ahead),
            memory_gb=SHARE_OF_WINDOWS * job.memory_gb,
            block=block,
        )

    # While the caller works on a window, each thread has at least one more to read.
    ahead = 0 if job.threads == 1 else -(-job.threads // len(sources))
    windows = plan(ahead)
    rows, columns = (min(sides) for sides in zip(block, grid.shape, strict=True))
    if ahead and (windows[0].height < rows or windows[0].width < columns):
        return plan(0), 0
    return windows, ahead


class _Arrays(NamedTuple):
    """What a window of all observations is read into, (time, y, x)."""

    values: Values
    hidden: Hidden

    @classmethod
    def of(cls, shape: tuple[int, int, int], spare: list[_Arrays]) -> _Arrays:
        """Take arrays that are not needed any more where they have the shape, or new ones."""
        if spare and spare[-1].values.shape == shape:
            return spare.pop()
        return cls(np.empty(shape, dtype=np.int16), np.empty(shape, dtype=np.bool_))


@dataclass(frozen=True)
class _Stack:
    """A window of all observations while it is being read."""

    window: Window
    arrays: _Arrays
    reads: Sequence[Future[None]]

    @classmethod
    def begin(
        cls,
        pool: ReadingPool,
        sources: Sequence[Source],
        window: Window,
        masks: SharedMasks,
        spare: list[_Arrays],
    ) -> _Stack:
        arrays = _Arrays.of((len(sources), window.height, window.width), spare)
        reads = [
            pool.submit(partial(source.read, window=window, masks=masks, values=v, hidden=h))
            for source, v, h in zip(sources, *arrays, strict=True)
        ]
        return cls(window, arrays, reads)

    def finished(self) -> tuple[Window, Values, Hidden]:
        for read in self.reads:
            read.result()
        return self.window, *self.arrays


def _common_block(files: Sequence[ProductFile]) -> tuple[int, int]:
    """Find the block by which files of one grid are read, so that none is decoded twice."""
    rows, columns = (lcm(*sides) for sides in zip(*(f.block for f in files), strict=True))
    largest = [max(sides) for sides in zip(*(f.block for f in files), strict=True)]
    # Blocks that fit badly would need windows of many: then the largest blocks decide.
    return (
        rows if rows <= LARGEST_PX else largest[0],
        columns if columns <= LARGEST_PX else largest[1],
    )
