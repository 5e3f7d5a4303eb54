"""What a composite reads: harmonised values and masks of every product, window by window.

Decoding JPEG 2000 is nearly all of the work. So each block is decoded once: windows are whole
blocks, and what a mask says is empty is not decoded at all. Threads of the job decode the next
window while the caller works on this one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from math import lcm

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.nouns.grid import Grid, Window
from landcover.nouns.output import Output
from landcover.nouns.product import Product, ProductFile
from landcover.parts.preparation.masking import mask_name
from landcover.parts.task import Job, Task
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
from landcover.raster.reflectance import NODATA, harmonise, stored_units
from landcover.raster.windows import LARGEST_PX, cover, cut, plan_windows
from landcover.stores.rasters import Opened, ReadingPool, open_raster

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
N_MEASURED = 5
# Of more observations, numbers and mask of one that no thread is decoding are 3 bytes (measured:
# 72 products in windows of 1024 px, one ahead, made a process of 1.2 GB).
BYTES_PER_FURTHER = 4
# The other half of a job's memory is for what the libraries, decoders and writers hold.
SHARE_OF_WINDOWS = 0.5
Values = NDArray[np.int16]
Hidden = NDArray[np.bool_]


@dataclass(frozen=True)
class Observation:
    """One product with its mask."""

    product: Product
    mask: Output


def stacks(
    task: Task, layer: str, grid: Grid, usable: list[Observation]
) -> Iterator[tuple[Window, Values, Hidden]]:
    """Read a layer of all observations, window by window.

    Args:
        task: Unit and job; its memory decides the windows, its threads read.
        layer: Layer name.
        grid: Grid of the layer in every product.
        usable: Observations that have the layer.

    Yields:
        Window, harmonised values (n, height, width) int16, and what must not be used, bool of
        the same shape. An observation that must not be used anywhere in a window is not decoded
        there: its values are nodata.

    Raises:
        InputError: A file is damaged; the message names product, layer and window.
    """
    sources = [Source.of(task, layer, grid, o) for o in usable]
    threads = task.job.threads
    windows, ahead = plan_reading(task.job, grid, sources)
    excluded = excluded_bits(task)
    waiting: deque[_Stack] = deque()
    with ReadingPool(threads) as pool:
        for window in windows:
            task.job.check()
            waiting.append(_Stack.begin(pool, sources, window, excluded))
            if len(waiting) > ahead:
                yield waiting.popleft().finished()
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


def excluded_bits(task: Task) -> int:
    """Sum the mask bits that the recipe leaves out; nodata always is."""
    return NODATA_BIT + sum(BITS[name] for name in task.recipe.mask.excluded)


def read_harmonised(file: ProductFile, window: Window) -> Values:
    """Read a window of a layer in stored units, int16, nodata -32768."""
    with open_raster(file.href) as raster:
        return _harmonised(file, raster.read(window, band=1))


def read_hidden(
    task: Task, observation: Observation, grid: Grid, window: Window, excluded: int
) -> Hidden:
    """Read where an observation must not be used, on the grid of a layer."""
    path, ratio = _mask_of(task, observation, grid)
    with open_raster(path) as raster:
        bits = raster.read(cover(window, ratio), band=1)
    return _spread(is_excluded(bits, excluded), window, ratio)


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
        excluded: int,
        values: Values,
        hidden: Hidden,
    ) -> None:
        """Fill the place of the observation in a stack; nodata where nothing of it is used."""
        bits = opened(self.mask).read(cover(window, self.ratio), band=1)
        is_hidden = is_excluded(bits, excluded)
        hidden[:] = _spread(is_hidden, window, self.ratio)
        if is_hidden.all():
            values.fill(NODATA)
            return
        try:
            numbers = opened(self.file.href).read(window, band=1)
        except InputError as error:
            rows = f"{window.row} to {window.row + window.height - 1}"
            columns = f"{window.column} to {window.column + window.width - 1}"
            raise InputError(f"{self.name}, rows {rows}, columns {columns}: {error}") from error
        values[:] = _harmonised(self.file, numbers)


@dataclass(frozen=True)
class _Stack:
    """A window of all observations while it is being read."""

    window: Window
    values: Values
    hidden: Hidden
    reads: Sequence[Future[None]]

    @classmethod
    def begin(
        cls,
        pool: ReadingPool,
        sources: Sequence[Source],
        window: Window,
        excluded: int,
    ) -> _Stack:
        shape = (len(sources), window.height, window.width)
        values, hidden = np.empty(shape, dtype=np.int16), np.empty(shape, dtype=np.bool_)
        reads = [
            pool.submit(partial(source.read, window=window, excluded=excluded, values=v, hidden=h))
            for source, v, h in zip(sources, values, hidden, strict=True)
        ]
        return cls(window, values, hidden, reads)

    def finished(self) -> tuple[Window, Values, Hidden]:
        for read in self.reads:
            read.result()
        return self.window, self.values, self.hidden


def _harmonised(file: ProductFile, numbers: NDArray[np.uint16]) -> Values:
    return harmonise(
        numbers.astype(np.uint16, copy=False),
        offset=file.offset,
        scale=file.scale,
        stored_per_unit=stored_units(file.layer),
    )


def _mask_of(task: Task, observation: Observation, grid: Grid) -> tuple[str, int]:
    """Find the mask for a grid, and how many pixels of the grid lie along one of its pixels."""
    own = next((f.grid for f in observation.product.files if f.layer == "SCL"), grid)
    if grid.pixel >= own.pixel:
        return task.href(observation.mask, mask_name(grid)), 1
    return task.href(observation.mask, mask_name(own)), own.ratio_to(grid)


def _spread(is_hidden: Hidden, window: Window, ratio: int) -> Hidden:
    """Enlarge the cover of a window and cut the window out of it."""
    if ratio == 1:
        return is_hidden
    return cut(upsample_nearest(is_hidden, ratio), window, cover(window, ratio), ratio)


def _common_block(files: Sequence[ProductFile]) -> tuple[int, int]:
    """Find the block by which files of one grid are read, so that none is decoded twice."""
    rows, columns = (lcm(*sides) for sides in zip(*(f.block for f in files), strict=True))
    largest = [max(sides) for sides in zip(*(f.block for f in files), strict=True)]
    # Blocks that fit badly would need windows of many: then the largest blocks decide.
    return (
        rows if rows <= LARGEST_PX else largest[0],
        columns if columns <= LARGEST_PX else largest[1],
    )


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
