"""What a recipe asks for along time beside the percentiles of bands, written into a composite.

All layers of a grid are worked on in one pass, or in as few as memory allows: in each, a band is
decoded once, beside its median.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landcover.nouns.grid import Grid, Window
from landcover.parts.preparation.composite_files import layer_file
from landcover.parts.preparation.medians import (
    Layer,
    Listener,
    first_of_grids,
    median_files,
    write_medians,
)
from landcover.parts.preparation.observations import Observation
from landcover.parts.preparation.series import (
    Days,
    Output,
    Series,
    Values,
)
from landcover.parts.preparation.series_pass import SeriesPass, held_gb
from landcover.parts.task import Task
from landcover.raster.seasonality import METRICS, season_metrics, share_of_days
from landcover.raster.statistics import masked_statistics, series_statistics
from landcover.recipe import INDICES
from landcover.recipe.temporal import CURVE, Statistics

# What writers may hold: layers beyond it are another pass. Libraries and decoders take some 0.4 GB.
SHARE_OF_WRITERS = 0.3


def write_with_statistics(
    task: Task,
    layers: Sequence[Layer],
    observations: Sequence[Observation],
    first_day: date,
    path: Path,
) -> dict[str, Grid]:
    """Write medians, and beside them what the recipe asks for along time.

    Bands are decoded once: what is told date by date takes their medians and percentiles along, as
    far as memory allows.

    Args:
        task: Unit, recipe and job.
        layers: Layers of the composite.
        observations: Those of the season.
        first_day: Day 0 of the metrics.
        path: Folder to write into.

    Returns:
        What is told date by date → its grid; a layer whose bands no product has all of is absent.

    Raises:
        InputError: A file is damaged, or a band lies on different grids.
    """
    wanted = task.recipe.composite.statistics
    assert wanted is not None
    names = task.recipe.composite.statistics_of
    own = [layer for layer in layers if names.get(layer.name)]
    is_sparse = task.windows is not None
    beside = {
        x.name: _percentiles(wanted, x, names[x.name], path, is_sparse=is_sparse) for x in own
    }
    passes, grids = _plan_passes(task, observations, first_day)
    left = list(layers)
    n_written = {x.name: 1 + len(names.get(x.name, ())) for x in layers}
    for one in passes:
        taken = one.take_along(left, n_written)
        left = [layer for layer in left if layer.name not in taken]
    counting = first_of_grids(layers)
    began = len(left) / (len(layers) + len(passes))
    write_medians(task, left, path, began, beside, counting)
    share = (1 - began) / max(1, len(passes))
    for number, one in enumerate(passes):
        files = {
            name: median_files(task, layer, path, counting, beside)
            for name, layer in one.medians.items()
        }
        one.write(path, began + number * share, share, files)
    return grids


@contextmanager
def _percentiles(
    wanted: Statistics, layer: Layer, names: Sequence[str], path: Path, *, is_sparse: bool
) -> Iterator[Listener]:
    """Open the files of a band's percentiles and spread, and give who fills them."""
    with ExitStack() as files:
        rasters = [
            files.enter_context(layer_file(path, name, layer.grid, is_sparse=is_sparse))
            for name in names
        ]

        def write(values: NDArray[np.int16], hidden: NDArray[np.bool_], window: Window) -> None:
            found = masked_statistics(
                values, hidden, wanted.percentiles, spread=wanted.spread, min_clear=wanted.min_clear
            )
            for raster, computed in zip(rasters, found, strict=True):
                raster.write(computed, window)

        yield write


def _plan_passes(
    task: Task, observations: Sequence[Observation], first_day: date
) -> tuple[list[SeriesPass], dict[str, Grid]]:
    """Plan how what is followed date by date is read; give each layer of it with its grid, too."""
    ordered = sorted(observations, key=lambda o: (o.product.datatake, o.product.name))
    by_grid: dict[Grid, list[Series]] = {}
    for layer, outputs in _outputs(task.recipe.composite.statistics).items():
        series = Series.of(task, layer, ordered, first_day, outputs)
        if series is not None:
            by_grid.setdefault(series.grid, []).append(series)
    passes = [
        SeriesPass(task, grid, part)
        for grid, group in by_grid.items()
        for part in _parts(group, SHARE_OF_WRITERS * task.job.memory_gb / held_gb(grid))
    ]
    return passes, {name: s.grid for group in by_grid.values() for s in group for name in s.names}


def _outputs(wanted: Statistics | None) -> dict[str, list[Output]]:
    """Give for each band or index that is followed along time what is computed of it."""
    found: dict[str, list[Output]] = {}
    if wanted is None:
        return found
    for layer, names in wanted.by_layer().items():
        if layer in INDICES:
            found.setdefault(layer, []).append((names, partial(_statistics, wanted)))
    if wanted.metrics:
        names = tuple(f"{CURVE}_{metric}" for metric in wanted.metrics)
        found.setdefault(CURVE, []).append((names, partial(_metrics, wanted)))
    for share in wanted.shares:
        one = partial(
            share_of_days,
            threshold=share.threshold,
            side=share.side,
            min_clear=wanted.min_clear,
        )
        found.setdefault(share.layer, []).append(((share.name,), partial(_single, one)))
    return found


def _statistics(wanted: Statistics, values: Values, _days: Days) -> Values:
    return series_statistics(
        values, wanted.percentiles, spread=wanted.spread, min_clear=wanted.min_clear
    )


def _metrics(wanted: Statistics, values: Values, days: Days) -> Values:
    found = season_metrics(values, days, min_clear=wanted.min_clear)
    return found[[METRICS.index(metric) for metric in wanted.metrics]]


def _single(compute: Callable[[Values, Days], Values], values: Values, days: Days) -> Values:
    return compute(values, days)[np.newaxis]


def _parts(group: Sequence[Series], most: float) -> Iterator[list[Series]]:
    """Share the outputs of some series out among passes of at most so many layers each."""
    part: list[Series] = []
    count = 0
    for series in group:
        for output in series.outputs:
            if part and count + len(output[0]) > most:
                yield part
                part, count = [], 0
            if part and part[-1].layer == series.layer:
                part[-1].outputs.append(output)
            else:
                part.append(replace(series, outputs=[output]))
            count += len(output[0])
    yield part
