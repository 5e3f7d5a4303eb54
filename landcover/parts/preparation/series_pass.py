"""Bands and indices along time, read and written together for one grid, window by window."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from landcover.errors import MemoryExceededError
from landcover.nouns.grid import Grid, Window
from landcover.nouns.work_windows import whole_or_cut
from landcover.parts.preparation.composite_files import real_file
from landcover.parts.preparation.observations import (
    BYTES_PER_OBSERVATION,
    SHARE_OF_WINDOWS,
    Source,
    common_grid,
    excluded_bits,
)
from landcover.parts.preparation.series import Days, Series, Values
from landcover.parts.task import Task
from landcover.raster.clouds import upsample_nearest
from landcover.raster.indices import spectral_index
from landcover.raster.reflectance import NODATA, stored_units, to_physical
from landcover.raster.seasonality import METRICS
from landcover.raster.windows import BYTES_PER_GB, LARGEST_PX, cut, plan_windows
from landcover.recipe import INDICES
from landcover.stores.rasters import Opened, RasterWriter, ReadingPool

# Float32 planes of one pixel while an index is computed of its bands.
BYTES_PER_INDEX = 32
# Of windows and writers together.
SHARE_OF_BOTH = 0.6


def held_gb(grid: Grid) -> float:
    """Give what one writer holds: the rows of a window across the grid, until they are whole."""
    return 4 * grid.width * min(LARGEST_PX, grid.height) / BYTES_PER_GB


class SeriesPass:
    """Series of one grid that are read and written together, window by window."""

    def __init__(self, task: Task, grid: Grid, series: list[Series]) -> None:
        self.task, self.grid, self.series = task, grid, series
        self.variant = task.recipe.features.index_variant
        self.excluded = excluded_bits(task)
        self.observations = list({o.product.name: o for s in series for o in s.usable}.values())
        # Product → layer → its place among those that have the layer.
        self.places: dict[str, dict[str, int]] = {o.product.name: {} for o in self.observations}
        for one in series:
            for number, observation in enumerate(one.usable):
                self.places[observation.product.name][one.layer] = number
        bands = {one.layer: one.bands for one in series}
        self.sources = {
            o.product.name: {
                band: Source.of(task, band, common_grid(task, band, [o]), o)
                for layer in self.places[o.product.name]
                for band in bands[layer]
            }
            for o in self.observations
        }

    def write(self, path: Path, began: float, share: float) -> None:
        """Write the layers of all series."""
        task = self.task
        windows = whole_or_cut(self._windows(), self.grid, task.windows)
        is_sparse = task.windows is not None
        with ExitStack() as files:
            layers = {
                name: files.enter_context(real_file(path, name, self.grid, is_sparse=is_sparse))
                for series in self.series
                for name in series.names
            }
            pool = files.enter_context(ReadingPool(task.job.threads))
            for number, window in enumerate(windows):
                task.job.check()
                done = began + share * number / len(windows)
                task.job.progress(done, f"{task.unit.label} along time {self.grid.pixel:g} m")
                values = self._read(pool, window)
                for series in self.series:
                    self._compute(pool, series, values[series.layer], layers, window)

    def _read(self, pool: ReadingPool, window: Window) -> dict[str, Values]:
        """Read a window of every series, (time, y, x), NaN where not usable."""
        size = (window.height, window.width)
        values = {s.layer: np.empty((len(s.usable), *size), np.float32) for s in self.series}
        reads = [
            pool.submit(
                partial(
                    self._fill,
                    self.sources[name],
                    {layer: values[layer][number] for layer, number in places.items()},
                    window,
                )
            )
            for name, places in self.places.items()
        ]
        for read in reads:
            read.result()
        return values

    def _fill(
        self,
        sources: Mapping[str, Source],
        places: Mapping[str, Values],
        window: Window,
        opened: Opened,
    ) -> None:
        """Read one observation; its bands are decoded once for all series."""
        bands = {
            band: self._reflectance(band, source, window, opened)
            for band, source in sources.items()
        }
        for layer, place in places.items():
            if layer in INDICES:
                place[:] = spectral_index(layer, bands, variant=self.variant)
            else:
                place[:] = bands[layer]

    def _reflectance(self, band: str, source: Source, window: Window, opened: Opened) -> Values:
        """Read a band of an observation on the grid of the pass, NaN where it must not be used."""
        ratio = source.file.grid.ratio_to(self.grid)
        coarse = window.coarsened(ratio)
        values = np.empty((coarse.height, coarse.width), dtype=np.int16)
        hidden = np.empty(values.shape, dtype=np.bool_)
        source.read(opened, window=coarse, excluded=self.excluded, values=values, hidden=hidden)
        values[hidden] = NODATA
        physical = to_physical(values, 1 / stored_units(band))
        return cut(upsample_nearest(physical, ratio), window, coarse, ratio)

    def _compute(
        self,
        pool: ReadingPool,
        series: Series,
        values: Values,
        layers: Mapping[str, RasterWriter],
        window: Window,
    ) -> None:
        """Compute and write the layers of a series; threads share the rows."""
        edges = np.linspace(0, window.height, self.task.job.threads + 1).astype(int)
        parts = [slice(top, bottom) for top, bottom in pairwise(edges) if bottom > top]
        for names, compute in series.outputs:
            pieces = [
                pool.submit(partial(_run, compute, values[:, part], series.days)) for part in parts
            ]
            found = np.concatenate([piece.result() for piece in pieces], axis=1)
            for name, layer in zip(names, found, strict=True):
                layers[name].write(layer, window)

    def _windows(self) -> list[Window]:
        """Cover the grid with windows that fit into the memory of the job."""
        files = [one.file for sources in self.sources.values() for one in sources.values()]
        ratios = [file.grid.ratio_to(self.grid) for file in files]
        bands = len({file.layer for file in files})
        names = [names for series in self.series for names, _ in series.outputs]
        # Every series of the window, and the one that is worked on once more as its parts.
        planes = 4 * sum(len(s.usable) for s in self.series)
        planes += 4 * max(len(s.usable) for s in self.series)
        # Pieces of the widest output, and what they are joined to.
        planes += 8 * max(len(METRICS), *map(len, names))
        # What each thread has of one observation: its bands while they are read, and as floats.
        per_thread = (BYTES_PER_OBSERVATION + 8) * bands + BYTES_PER_INDEX
        memory_gb = self.task.job.memory_gb
        writers_gb = sum(map(len, names)) * held_gb(self.grid)
        left_gb = SHARE_OF_BOTH * memory_gb - writers_gb
        if left_gb <= 0:
            raise MemoryExceededError(
                f"{self.task.unit.label}: {sum(map(len, names))} layers along time on the grid of "
                f"{self.grid.pixel:g} m are written together, which holds {writers_gb:.2g} GB of "
                f"the job's {memory_gb:g} GB. Give the job more memory, or composite.statistics "
                "fewer percentiles."
            )
        return plan_windows(
            *self.grid.shape,
            bytes_per_pixel=planes + per_thread * self.task.job.threads,
            memory_gb=min(SHARE_OF_WINDOWS * memory_gb, left_gb),
            block=(
                max(file.block[0] * ratio for file, ratio in zip(files, ratios, strict=True)),
                max(file.block[1] * ratio for file, ratio in zip(files, ratios, strict=True)),
            ),
        )


def _run(
    compute: Callable[[Values, Days], Values], values: Values, days: Days, _opened: Opened
) -> Values:
    return compute(values, days)
