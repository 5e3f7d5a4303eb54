"""The observations of a season as a feature may read them: one band along time, masked."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.features.readers import Check, Reader, fill_from_blocks
from landcover.nouns.grid import Grid, Window
from landcover.parts.preparation.observations import Observation, Source, excluded_bits
from landcover.parts.preparation.product_records import load_product
from landcover.parts.preparation.shared_masks import SharedMasks
from landcover.parts.task import Task
from landcover.raster.clouds import upsample_nearest
from landcover.raster.reflectance import NODATA, stored_units, to_physical
from landcover.raster.windows import cut
from landcover.stores.rasters import Opened

Values = NDArray[np.float32]
Positions = NDArray[np.int64]


class SeriesReader(Reader):
    """A band of every observation of a season that has it, by date."""

    def __init__(self, sources: list[Source], work: Grid, masks: SharedMasks, check: Check) -> None:
        """Say what is read.

        Args:
            sources: The observations.
            work: Work grid of the tile.
            masks: What the recipe leaves out.
            check: Stops where the job was stopped.
        """
        self.sources, self.work, self.masks, self.check = sources, work, masks, check
        self.leading = (len(sources),)

    def fill(self, window: Window, out: Values, opened: Opened) -> None:
        """Read the window of every date."""
        for source, place in zip(self.sources, out, strict=True):
            self.check()
            ratio = source.file.grid.ratio_to(self.work)
            coarse = window.coarsened(ratio)
            values = self._reflectance(source, opened, coarse)
            place[:] = cut(upsample_nearest(values, ratio), window, coarse, ratio)

    def pick(self, rows: Positions, columns: Positions, opened: Opened) -> Values:
        """Read the pixels of every date, from blocks of its file that are decoded once."""
        found = np.empty((len(self.sources), len(rows)), np.float32)
        for source, place in zip(self.sources, found, strict=True):
            self.check()
            ratio = source.file.grid.ratio_to(self.work)
            fill_from_blocks(
                place,
                partial(self._reflectance, source, opened),
                source.file.grid.shape,
                source.file.block,
                rows // ratio,
                columns // ratio,
            )
        return found

    def _reflectance(self, source: Source, opened: Opened, window: Window) -> Values:
        values = np.empty((window.height, window.width), dtype=np.int16)
        hidden = np.empty(values.shape, dtype=np.bool_)
        source.read(opened, window=window, masks=self.masks, values=values, hidden=hidden)
        values[hidden] = NODATA
        return to_physical(values, 1 / stored_units(source.file.layer))


def series_reader(task: Task, tile: str, period: str, band: str, work: Grid) -> SeriesReader:
    """Find the observations of a season that have a band.

    Args:
        task: The unit, with the run that prepared the tile.
        tile: Tile id.
        period: Label of the period.
        band: ``B04``.
        work: Work grid of the tile.

    Raises:
        MissingDataError: The season was not prepared.
        InputError: None of its products has the band.
    """
    found = [o for o in _observations(task, tile, period) if o.product.file(band)]
    if not found:
        raise InputError(f"{tile} {period}: no product has {band}. Leave its features out.")
    found.sort(key=lambda o: (o.product.datatake, o.product.name))
    grids = {o.product.name: file.grid for o in found if (file := o.product.file(band))}
    sources = [Source.of(task, band, grids[o.product.name], o) for o in found]
    # Windows of features differ by what they look at: nothing is kept for a second one.
    masks = SharedMasks(excluded_bits(task), memory_gb=0)
    reader = SeriesReader(sources, work, masks, task.job.check)
    dates = [o.product.datatake.date() for o in found]
    reader.days = np.array(dates, dtype="datetime64[D]").astype(np.int64)
    return reader


def _observations(task: Task, tile: str, period: str) -> list[Observation]:
    for span in task.spans:
        unit = f"{tile}.{span.name}"
        for selection in task.outputs_of("collect", unit):
            if selection.stats["period"]["label"] == period:
                masks = {m.wanted.inputs["product"][0]: m for m in task.outputs_of("mask", unit)}
                ids = selection.wanted.inputs["products"]
                return [Observation(load_product(task, name), masks[name]) for name in ids]
    raise InputError(f"{tile}: the run has no period {period}.")
