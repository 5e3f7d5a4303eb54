"""Composites by other means than the plain median: mask ladder, joint spectra, view angle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.parts.preparation.grid_compositing import Bundle, GridCompositing
from landcover.parts.preparation.illumination import Relief
from landcover.parts.preparation.medians import Layer
from landcover.parts.preparation.observations import Observation
from landcover.parts.preparation.view_angles import View
from landcover.parts.task import Task
from landcover.raster.ladder import NO_RUNG
from landcover.recipe import AUXILIARY


def compose(
    task: Task,
    layers: Sequence[Layer],
    views: Mapping[str, View],
    path: Path,
    relief: Relief | None = None,
) -> dict[str, Any]:
    """Write the layers of a composite with the options of its recipe.

    Args:
        task: Unit, recipe and job.
        layers: Layers in order; the first of a grid has its observations counted.
        views: Product name → its angles; empty where the view angle stays as it is.
        path: Folder to write into.
        relief: The ground that light and shade are taken out by; None leaves them.

    Returns:
        ``rungs``, where there is a ladder: percent of the finest grid's pixels that took each
        growth, m (None: no rung leaves enough). ``topography``, where there is a relief: C of each
        product and band (None: it is not corrected).

    Raises:
        InputError: No product has all bands of a spectrum.
    """
    by_grid: dict[Grid, list[Layer]] = {}
    for layer in layers:
        by_grid.setdefault(layer.grid, []).append(layer._replace(usable=_by_date(layer.usable)))
    finest = min(by_grid, key=lambda grid: grid.pixel)
    stats: dict[str, Any] = {}
    if relief is not None:
        for layer in layers:
            relief.fit(layer.name, layer.grid, layer.usable)
        stats["topography"] = relief.to_documents()
    for number, (grid, group) in enumerate(by_grid.items()):
        work = GridCompositing(task, grid, _bundles(task, group), views, relief)
        counts = work.write(path, number / len(by_grid), 1 / len(by_grid))
        if grid == finest and work.growths_m:
            stats["rungs"] = _shares(counts, work.growths_m)
    return stats


def _by_date(usable: list[Observation]) -> list[Observation]:
    """Sort observations, so that the first of equal ones is the earliest."""
    return sorted(usable, key=lambda o: (o.product.datatake, o.product.name))


def _bundles(task: Task, group: Sequence[Layer]) -> list[Bundle]:
    """Put the layers of a grid together as the method wants them."""
    method = task.recipe.composite.method
    if method == "median":
        return [Bundle((layer.name,), layer.usable, method) for layer in group]
    bands = [layer for layer in group if layer.name not in AUXILIARY]
    rest = [Bundle((a.name,), a.usable, "median") for a in group if a.name in AUXILIARY]
    if not bands:
        return rest
    usable = [o for o in bands[0].usable if all(o in band.usable for band in bands)]
    names = tuple(band.name for band in bands)
    if not usable:
        raise InputError(
            f"{task.unit.label}: no product has all of {', '.join(names)}, which composite.method "
            f"{method} needs together. Leave bands out of composite.layers, or take the median."
        )
    return [Bundle(names, usable, method), *rest]


def _shares(counts: NDArray[np.int64], growths_m: Sequence[float]) -> list[dict[str, Any]]:
    total = int(counts.sum())
    rungs = [*enumerate(growths_m), (NO_RUNG, None)]
    return [
        {"growth_m": growth, "percent": round(100 * int(counts[rung]) / total, 4)}
        for rung, growth in rungs
    ]
