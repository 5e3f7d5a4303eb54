"""The plain median: each layer by itself, window by window, under one mask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from landcover.nouns.grid import Grid, Window
from landcover.parts.preparation.composite_files import clear_file, layer_file
from landcover.parts.preparation.observation_stacks import stacks
from landcover.parts.preparation.observations import Observation
from landcover.parts.task import Task
from landcover.raster.composite import masked_median

Listener = Callable[[NDArray[np.int16], NDArray[np.bool_], Window], None]
"""Is handed what a median is made of: values and what must not be used, (time, y, x), of a
window."""


class Layer(NamedTuple):
    """A layer and who has it."""

    name: str
    grid: Grid
    usable: list[Observation]


def write_medians(
    task: Task,
    layers: Sequence[Layer],
    path: Path,
    share: float = 1.0,
    beside: Mapping[str, AbstractContextManager[Listener]] | None = None,
) -> None:
    """Write every layer as a median of its own; observations are counted once per grid.

    Args:
        task: Unit, recipe and job.
        layers: Layers in order; the first of a grid has its observations counted.
        path: Folder to write into.
        share: Share of the unit's work that this is, 0-1.
        beside: Layer → who else computes something of its observations while they are in memory.
    """
    counted: set[Grid] = set()
    is_sparse = task.windows is not None
    for number, layer in enumerate(layers):
        task.job.progress(share * number / len(layers), f"{task.unit.label} {layer.name}")
        with ExitStack() as files:
            raster = files.enter_context(
                layer_file(path, layer.name, layer.grid, is_sparse=is_sparse)
            )
            counter = None
            if layer.grid not in counted:
                counter = files.enter_context(clear_file(path, layer.grid, is_sparse=is_sparse))
            other = (beside or {}).get(layer.name)
            listener = None if other is None else files.enter_context(other)
            for window, values, hidden in stacks(task, *layer):
                median, n_clear = masked_median(
                    values, hidden, min_clear=task.recipe.composite.min_clear
                )
                raster.write(median, window)
                if counter is not None:
                    counter.write(n_clear, window)
                if listener is not None:
                    listener(values, hidden, window)
        counted.add(layer.grid)
