"""Bands and indices of a season's observations along time, window by window.

An index is computed for each observation, from the reflectances that the composite would use, on
the finest grid among its bands (coarser ones are repeated). An observation counts where every
band of it does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from landcover.nouns.grid import Grid
from landcover.parts.preparation.composite_rule import bands_of
from landcover.parts.preparation.observations import (
    Observation,
    common_grid,
)
from landcover.parts.task import Task

Values = NDArray[np.float32]
Days = NDArray[np.int64]
Output = tuple[tuple[str, ...], Callable[[Values, Days], Values]]
"""Names of some layers, and what computes them, (name, y, x), from a series and its days."""


@dataclass(frozen=True)
class Series:
    """A band or an index along time."""

    layer: str
    bands: tuple[str, ...]
    grid: Grid
    usable: list[Observation]
    days: Days
    outputs: list[Output]

    @classmethod
    def of(
        cls,
        task: Task,
        layer: str,
        observations: list[Observation],
        first_day: date,
        outputs: list[Output],
    ) -> Series | None:
        """Find who has a layer, and where; None where nobody does."""
        bands = bands_of(layer, task.recipe.features.index_variant)
        usable = [o for o in observations if all(o.product.file(band) for band in bands)]
        if not usable:
            return None
        grids = [common_grid(task, band, usable) for band in bands]
        days = [(o.product.datatake.date() - first_day).days for o in usable]
        finest = min(grids, key=lambda grid: grid.pixel)
        return cls(layer, bands, finest, usable, np.array(days, dtype=np.int64), outputs)

    @property
    def names(self) -> Iterator[str]:
        """Layers that are computed of it."""
        return (name for names, _ in self.outputs for name in names)
