"""Bands and indices along time, read and written together for one grid, window by window."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landcover.errors import MemoryExceededError
from landcover.nouns.grid import Grid, Window
from landcover.nouns.work_windows import whole_or_cut
from landcover.parts.preparation.composite_files import real_file
from landcover.parts.preparation.medians import Layer, Listener
from landcover.parts.preparation.observations import (
    BYTES_PER_OBSERVATION,
    SHARE_OF_WINDOWS,
    Source,
    common_grid,
    excluded_bits,
)
from landcover.parts.preparation.series import Days, Series, Values
from landcover.parts.preparation.shared_masks import SharedMasks
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
# Number and mask of an observation that a median is made of.
BYTES_PER_KEPT = 3
# Of windows and writers together.
SHARE_OF_BOTH = 0.6


Files = AbstractContextManager[Listener]
"""The files of a median, and who fills them once they are open."""
Stacks = dict[str, tuple[NDArray[np.int16], NDArray[np.bool_]]]
"""Layer → values and what must not be used of them, (time, y, x) or one of them."""


def held_gb(grid: Grid) -> float:
    """Give what one writer holds: the rows of a window across the grid, until they are whole."""
    return 4 * grid.width * min(LARGEST_PX, grid.height) / BYTES_PER_GB


class SeriesPass:
    """Series of one grid that are read and written together, window by window.

    Medians of bands that are read for them may be taken along, so that no band is decoded twice.
    """

    def __init__(self, task: Task, grid: Grid, series: list[Series]) -> None:
        self.task, self.grid, self.series = task, grid, series
        self.variant = task.recipe.features.index_variant
        self.masks = SharedMasks(excluded_bits(task), task.job.memory_gb)
        self.bands = {one.layer: one.bands for one in series}
        self._find_sources({})

    def _find_sources(self, medians: Mapping[str, Layer]) -> None:
        """Note who is read, and where its numbers go."""
        self.medians = medians
        named = [(one.layer, one.bands, one.usable) for one in self.series]
        observations = {o.product.name: o for _, _, usable in named for o in usable}
        observations |= {o.product.name: o for m in medians.values() for o in m.usable}
        # Product → layer → its place among those that have the layer.
        self.places: dict[str, dict[str, int]] = {name: {} for name in observations}
        self.kept: dict[str, dict[str, int]] = {name: {} for name in observations}
        for layer, _, usable in named:
            for number, observation in enumerate(usable):
                self.places[observation.product.name][layer] = number
        for layer, median in medians.items():
            for number, observation in enumerate(median.usable):
                self.kept[observation.product.name][layer] = number
        self.sources = {
            name: {
                band: Source.of(self.task, band, common_grid(self.task, band, [o]), o)
                for band in (*self._bands_of(self.places[name]), *self.kept[name])
            }
            for name, o in observations.items()
        }

    def _bands_of(self, layers: Iterable[str]) -> list[str]:
        return list(dict.fromkeys(band for layer in layers for band in self.bands[layer]))

    def take_along(self, layers: Sequence[Layer], n_written: Mapping[str, int]) -> list[str]:
        """Make medians of bands that are decoded here anyway.

        None is taken for which windows would become smaller, since blocks would be decoded more
        than once, or would not be whole pixels of the band.

        Args:
            layers: Layers whose medians nobody makes yet.
            n_written: Layer → files that are written of it.

        Returns:
            Names of those that are taken.
        """
        self.n_written = n_written
        windows = self._windows()
        mine = set(self._bands_of(self.bands))
        for layer in layers:
            if layer.name not in mine or self.task.windows is not None:
                continue
            ratio, before = layer.grid.ratio_to(self.grid), self.medians
            if any(w.coarsened(ratio).refined(ratio).meet(w.whole(self.grid.shape)) != w
                   for w in windows):  # fmt: skip
                continue
            self._find_sources({**before, layer.name: layer})
            if not self._may_have(windows):
                self._find_sources(before)
        return list(self.medians)

    def _may_have(self, windows: list[Window]) -> bool:
        try:
            return self._windows() == windows
        except MemoryExceededError:
            return False

    def write(
        self, path: Path, began: float, share: float, files_of: Mapping[str, Files] | None = None
    ) -> None:
        """Write the layers of all series, and the medians that were taken along.

        Args:
            path: Folder to write into.
            began: Share of the unit's work that is done.
            share: Share that this is.
            files_of: Who writes each median that is taken along.
        """
        task = self.task
        windows = whole_or_cut(self._windows(), self.grid, task.windows)
        is_sparse = task.windows is not None
        with ExitStack() as files:
            layers = {
                name: files.enter_context(real_file(path, name, self.grid, is_sparse=is_sparse))
                for series in self.series
                for name in series.names
            }
            medians = {name: files.enter_context((files_of or {})[name]) for name in self.medians}
            pool = files.enter_context(ReadingPool(task.job.threads))
            for number, window in enumerate(windows):
                task.job.check()
                done = began + share * number / len(windows)
                task.job.progress(done, f"{task.unit.label} along time {self.grid.pixel:g} m")
                values, stacks = self._read(pool, window)
                for series in self.series:
                    self._compute(pool, series, values[series.layer], layers, window)
                for name, (numbers, hidden) in stacks.items():
                    medians[name](numbers, hidden, self._coarse(window, name))

    def _coarse(self, window: Window, layer: str) -> Window:
        return window.coarsened(self.medians[layer].grid.ratio_to(self.grid))

    def _read(self, pool: ReadingPool, window: Window) -> tuple[dict[str, Values], Stacks]:
        """Read a window of every series, (time, y, x), NaN where not usable, and of medians."""
        size = (window.height, window.width)
        values = {s.layer: np.empty((len(s.usable), *size), np.float32) for s in self.series}
        stacks: Stacks = {}
        for name, layer in self.medians.items():
            coarse = self._coarse(window, name)
            shape = (len(layer.usable), coarse.height, coarse.width)
            stacks[name] = np.empty(shape, np.int16), np.empty(shape, np.bool_)
        reads = [
            pool.submit(
                partial(
                    self._fill,
                    self.sources[name],
                    {layer: values[layer][number] for layer, number in places.items()},
                    {
                        band: (stacks[band][0][number], stacks[band][1][number])
                        for band, number in self.kept[name].items()
                    },
                    window,
                )
            )
            for name, places in self.places.items()
        ]
        for read in reads:
            read.result()
        return values, stacks

    def _fill(
        self,
        sources: Mapping[str, Source],
        places: Mapping[str, Values],
        kept: Stacks,
        window: Window,
        opened: Opened,
    ) -> None:
        """Read one observation; its bands are decoded once for all series and medians."""
        needed = self._bands_of(places)
        bands: dict[str, Values] = {}
        for band, source in sources.items():
            ratio = source.file.grid.ratio_to(self.grid)
            coarse = window.coarsened(ratio)
            shape = coarse.height, coarse.width
            values, hidden = kept.get(band) or (np.empty(shape, np.int16), np.empty(shape, bool))
            source.read(opened, window=coarse, masks=self.masks, values=values, hidden=hidden)
            if band in needed:
                values[hidden] = NODATA
                physical = to_physical(values, 1 / stored_units(band))
                bands[band] = cut(upsample_nearest(physical, ratio), window, coarse, ratio)
        for layer, place in places.items():
            if layer in INDICES:
                place[:] = spectral_index(layer, bands, variant=self.variant)
            else:
                place[:] = bands[layer]

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
        planes = 4.0 * sum(len(s.usable) for s in self.series)
        planes += 4 * max(len(s.usable) for s in self.series)
        # Pieces of the widest output, and what they are joined to.
        planes += 8 * max(len(METRICS), *map(len, names))
        # What each thread has of one observation: its bands while they are read, and as floats.
        per_thread = (BYTES_PER_OBSERVATION + 8) * bands + BYTES_PER_INDEX
        memory_gb = self.task.job.memory_gb
        writers_gb = sum(map(len, names)) * held_gb(self.grid)
        for name, layer in self.medians.items():
            # Numbers and mask of each observation, and what is made of them; files of int16.
            held = BYTES_PER_KEPT * (len(layer.usable) + self.n_written[name])
            planes += held / layer.grid.ratio_to(self.grid) ** 2
            writers_gb += self.n_written[name] * held_gb(layer.grid) / 2
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
