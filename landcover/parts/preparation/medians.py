"""The plain median: each layer by itself, window by window, under one mask."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from landcover.nouns.grid import Grid, Window
from landcover.parts.preparation.composite_files import clear_file, layer_file
from landcover.parts.preparation.observation_stacks import stacks
from landcover.parts.preparation.observations import Observation, excluded_bits
from landcover.parts.preparation.shared_masks import SharedMasks
from landcover.parts.task import Task
from landcover.raster.composite import masked_median
from landcover.stores.rasters import holding_options

Listener = Callable[[NDArray[np.int16], NDArray[np.bool_], Window], None]
"""Is handed what a median is made of: values and what must not be used, (time, y, x), of a
window."""


class Layer(NamedTuple):
    """A layer and who has it."""

    name: str
    grid: Grid
    usable: list[Observation]


Besides = Mapping[str, AbstractContextManager[Listener]]
"""Layer → who else computes something of its observations while they are in memory."""


def write_medians(
    task: Task,
    layers: Sequence[Layer],
    path: Path,
    share: float = 1.0,
    beside: Besides | None = None,
    counting: Collection[str] | None = None,
) -> None:
    """Write every layer as a median of its own; observations are counted once per grid.

    Args:
        task: Unit, recipe and job.
        layers: Layers in order.
        path: Folder to write into.
        share: Share of the unit's work that this is, 0-1.
        beside: Layer → who else computes something of its observations.
        counting: Layers that have their observations counted; None: the first of each grid.
    """
    counts = first_of_grids(layers) if counting is None else counting
    masks = SharedMasks(excluded_bits(task), task.job.memory_gb)
    with holding_options():
        for number, layer in enumerate(layers):
            task.job.progress(share * number / len(layers), f"{task.unit.label} {layer.name}")
            with median_files(task, layer, path, counts, beside or {}) as write:
                for window, values, hidden in stacks(task, *layer, masks):
                    write(values, hidden, window)


def first_of_grids(layers: Sequence[Layer]) -> set[str]:
    """Name the first layer of each grid, whose observations are counted."""
    return {layer.name for layer in {x.grid: x for x in reversed(layers)}.values()}


@contextmanager
def median_files(
    task: Task, layer: Layer, path: Path, counting: Collection[str], beside: Besides
) -> Iterator[Listener]:
    """Open the files of a layer's median and of what is made beside it; give who fills them."""
    is_sparse = task.windows is not None
    with ExitStack() as files:
        raster = files.enter_context(layer_file(path, layer.name, layer.grid, is_sparse=is_sparse))
        counter = None
        if layer.name in counting:
            counter = files.enter_context(clear_file(path, layer.grid, is_sparse=is_sparse))
        other = beside.get(layer.name)
        listener = None if other is None else files.enter_context(other)

        def write(values: NDArray[np.int16], hidden: NDArray[np.bool_], window: Window) -> None:
            median, n_clear = masked_median(
                values, hidden, min_clear=task.recipe.composite.min_clear
            )
            raster.write(median, window)
            if counter is not None:
                counter.write(n_clear, window)
            if listener is not None:
                listener(values, hidden, window)

        yield write
