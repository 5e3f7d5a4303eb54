"""The layers of one grid, composited together by the options of a recipe, window by window.

Masks are read once for all layers, and a spectrum needs all of its bands.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from landcover.nouns.grid import Grid, Window
from landcover.nouns.work_windows import whole_or_cut
from landcover.parts.preparation.composite_files import clear_file, layer_file, rung_file
from landcover.parts.preparation.illumination import Relief
from landcover.parts.preparation.observations import (
    BYTES_PER_OBSERVATION,
    SHARE_OF_WINDOWS,
    Observation,
    excluded_bits,
    harmonised,
    mask_for,
)
from landcover.parts.preparation.view_angles import View
from landcover.parts.task import Task
from landcover.raster.clouds import is_excluded, upsample_nearest
from landcover.raster.composite import masked_median
from landcover.raster.geomedian import geometric_median, medoid_composite
from landcover.raster.growth import kernel_px
from landcover.raster.ladder import NO_RUNG, first_rungs, hidden_on_rungs
from landcover.raster.reflectance import NODATA
from landcover.raster.windows import cut, plan_windows
from landcover.stores.rasters import Opened, RasterWriter, ReadingPool

Shorts = NDArray[np.int16]
Bytes = NDArray[np.uint8]
# Float64 planes of a pixel while its factor is interpolated and applied.
BYTES_PER_VIEW = 64


class Bundle(NamedTuple):
    """Layers that are composited as one."""

    names: tuple[str, ...]
    usable: list[Observation]
    method: str


class GridCompositing:
    """The bundles of one grid."""

    def __init__(
        self,
        task: Task,
        grid: Grid,
        bundles: list[Bundle],
        views: Mapping[str, View],
        relief: Relief | None = None,
    ) -> None:
        recipe = task.recipe.composite
        self.task, self.grid, self.bundles, self.views = task, grid, bundles, views
        self.relief = relief
        self.growths_m = () if recipe.ladder is None else recipe.ladder.growths_m
        self.n_rungs = max(1, len(self.growths_m))
        self.min_clear = recipe.min_clear
        self.observations = list({o.product.name: o for b in bundles for o in b.usable}.values())

    def write(self, path: Path, began: float, share: float) -> NDArray[np.int64]:
        """Write all files of the grid; count the pixels of each rung, by its number."""
        task = self.task
        counts = np.zeros(NO_RUNG + 1, dtype=np.int64)
        windows = whole_or_cut(self._windows(), self.grid, task.windows)
        is_sparse = task.windows is not None
        with ExitStack() as files:
            layers = {
                name: files.enter_context(layer_file(path, name, self.grid, is_sparse=is_sparse))
                for bundle in self.bundles
                for name in bundle.names
            }
            counter = files.enter_context(clear_file(path, self.grid, is_sparse=is_sparse))
            steps = None
            if self.growths_m:
                steps = files.enter_context(rung_file(path, self.grid, is_sparse=is_sparse))
            pool = files.enter_context(ReadingPool(task.job.threads))
            for number, window in enumerate(windows):
                task.job.check()
                done = began + share * number / len(windows)
                task.job.progress(done, f"{task.unit.label} {self.grid.pixel:g} m")
                n_clear, rungs = self._write_window(pool, layers, window)
                counter.write(n_clear, window)
                counts += np.bincount(rungs.ravel(), minlength=counts.size)
                if steps is not None:
                    steps.write(rungs, window)
        return counts

    def _write_window(
        self, pool: ReadingPool, layers: Mapping[str, RasterWriter], window: Window
    ) -> tuple[Bytes, Bytes]:
        """Write a window of all layers; give the count and the rungs of the first bundle."""
        masks = [pool.submit(partial(self._first_clear, o, window)) for o in self.observations]
        names = [o.product.name for o in self.observations]
        first_clear = {name: m.result() for name, m in zip(names, masks, strict=True)}
        found = []
        for bundle in self.bundles:
            steps = np.stack([first_clear[o.product.name] for o in bundle.usable])
            values = self._read(pool, bundle, window, steps)
            steps[(values == NODATA).any(axis=1)] = self.n_rungs
            hidden, rungs = hidden_on_rungs(steps, self.n_rungs, self.min_clear)
            composite, n_clear = self._combine(pool, bundle.method, values, hidden)
            for name, band in zip(bundle.names, composite, strict=True):
                layers[name].write(band, window)
            found.append((n_clear, rungs))
        return found[0]

    def _read(
        self, pool: ReadingPool, bundle: Bundle, window: Window, first_clear: Bytes
    ) -> Shorts:
        """Read a window of a bundle, (time, band, y, x), as seen from above if asked for."""
        shape = (len(bundle.usable), len(bundle.names), window.height, window.width)
        values = np.full(shape, NODATA, dtype=np.int16)
        # What no rung lets through is not decoded: it could change nothing.
        reads = [
            pool.submit(partial(self._fill, observation, name, window, band))
            for observation, steps, bands in zip(bundle.usable, first_clear, values, strict=True)
            if (steps < self.n_rungs).any()
            for name, band in zip(bundle.names, bands, strict=True)
        ]
        for read in reads:
            read.result()
        return values

    def _fill(
        self, observation: Observation, name: str, window: Window, band: Shorts, opened: Opened
    ) -> None:
        file = observation.product.file(name)
        assert file is not None
        band[:] = harmonised(file, opened(file.href).read(window, band=file.band_number))
        view = self.views.get(observation.product.name)
        if view is not None:
            band[:] = view.from_above(name, band, self.grid, window)
        if self.relief is not None:
            band[:] = self.relief.levelled(observation.product, name, band, self.grid, window)

    def _first_clear(self, observation: Observation, window: Window, opened: Opened) -> Bytes:
        """Read from which rung on an observation may be used, the number of rungs for none."""
        excluded, recipe = excluded_bits(self.task), self.task.recipe.mask
        name, source = mask_for(observation, self.grid)
        ratio = source.ratio_to(self.grid)
        coarse = window.coarsened(ratio)
        # Growth looks half a filter far.
        halo = kernel_px(source.pixel, max(self.growths_m, default=0)) // 2
        wide = coarse.widened(halo, source.shape)
        bits = opened(self.task.href(observation.mask, name)).read(wide, band=1)
        if self.growths_m:
            steps = first_rungs(
                bits,
                source.pixel,
                self.growths_m,
                excluded=excluded,
                variant=recipe.filter,
                threshold=recipe.threshold,
            )
        else:
            steps = is_excluded(bits, excluded).view(np.uint8)
        fine = upsample_nearest(cut(steps, coarse, wide, 1), ratio)
        return cut(fine, window, coarse, ratio)

    def _combine(
        self, pool: ReadingPool, method: str, values: Shorts, hidden: NDArray[np.bool_]
    ) -> tuple[Shorts, Bytes]:
        """Make one value of each band, (band, y, x), and count; threads share the rows."""
        edges = np.linspace(0, values.shape[2], self.task.job.threads + 1).astype(int)
        parts = [slice(top, bottom) for top, bottom in pairwise(edges) if bottom > top]
        pieces = [
            pool.submit(
                partial(_combined, method, values[:, :, part], hidden[:, part], self.min_clear)
            ).result
            for part in parts
        ]
        composites, counts = zip(*(piece() for piece in pieces), strict=True)
        return np.concatenate(composites, axis=1), np.concatenate(counts)

    def _windows(self) -> list[Window]:
        """Cover the grid with windows that fit into the memory of the job."""
        files = [
            o.product.file(name) for bundle in self.bundles for o in bundle.usable
            for name in bundle.names
        ]  # fmt: skip
        blocks = [file.block for file in files if file is not None]
        # Values and their contiguous copy, of every band of a spectrum but the first.
        more = 4 * (max(len(bundle.names) for bundle in self.bundles) - 1)
        per_observation = BYTES_PER_OBSERVATION + more
        is_corrected = bool(self.views) or self.relief is not None
        per_thread = BYTES_PER_VIEW * self.task.job.threads if is_corrected else 0
        return plan_windows(
            *self.grid.shape,
            bytes_per_pixel=per_observation * len(self.observations) + more + per_thread,
            memory_gb=SHARE_OF_WINDOWS * self.task.job.memory_gb,
            block=(max(rows for rows, _ in blocks), max(columns for _, columns in blocks)),
        )


def _combined(
    method: str, values: Shorts, hidden: NDArray[np.bool_], min_clear: int, _opened: Opened
) -> tuple[Shorts, Bytes]:
    """Make one value of each band, (band, y, x), and count the observations."""
    if method == "geomedian":
        return geometric_median(values, hidden, min_clear=min_clear)
    if method == "medoid":
        spectrum, n_clear, _ = medoid_composite(values, hidden, min_clear=min_clear)
        return spectrum, n_clear
    median, n_clear = masked_median(values[:, 0], hidden, min_clear=min_clear)
    return median[np.newaxis], n_clear
