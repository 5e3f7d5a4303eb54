"""The composite of a season: its layers by the recipe's method, and what is told of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.nouns.period import Period
from landcover.nouns.product import Product
from landcover.nouns.work_windows import whole_or_cut
from landcover.parts.preparation.composite_files import clear_name
from landcover.parts.preparation.composite_rule import first_day, is_plain
from landcover.parts.preparation.medians import Layer, write_medians
from landcover.parts.preparation.observations import Observation, common_grid
from landcover.parts.preparation.view_angles import View
from landcover.parts.task import Task
from landcover.raster.composite import count_coverage
from landcover.recipe import AUXILIARY
from landcover.sources.selection import gaps
from landcover.stores.rasters import open_raster

if TYPE_CHECKING:
    from landcover.parts.preparation.illumination import Relief

log = logging.getLogger(__name__)


def write_composite(
    task: Task,
    observations: list[Observation],
    views: Mapping[str, View],
    period: Period,
    relief: Relief | None,
    path: Path,
) -> dict[str, Any]:
    """Write the composite of a season.

    Args:
        task: Unit, recipe and job.
        observations: The season's products with their masks.
        views: Product name → its angles; empty where the view angle stays as it is.
        period: The season.
        relief: The ground that light and shade are taken out by; None leaves them.
        path: Folder to make: one raster a layer, and the number of clear observations.

    Returns:
        ``layers`` (name → grid), ``missing_layers``, ``lacking`` (product → layers that others
        have), ``products``, ``warnings``, ``coverage`` (percent of pixels with 0, 1, and 2 or
        more observations; of those that are worked on), ``windows_percent`` (how much of the tile
        that is, where it is not all), and what the method tells.

    Raises:
        InputError: No product has any of the layers, or a file is damaged.
    """
    path.mkdir()
    layers = _layers(task, observations)
    recipe = task.recipe.composite
    found: dict[str, Any] = {}
    further: dict[str, Grid] = {}
    if not is_plain(recipe):
        from landcover.parts.preparation.compositing import compose

        found = compose(task, layers, views, path, relief)
    elif recipe.statistics is None:
        write_medians(task, layers, path)
    else:
        from landcover.parts.preparation.time_statistics import write_with_statistics

        further = write_with_statistics(task, layers, observations, first_day(period), path)
    present = [layer.name for layer in layers]
    of_layer = recipe.statistics_of
    finest = min((x.grid for x in layers), key=lambda grid: grid.pixel)
    places = {n: x.grid for x in layers for n in (x.name, *of_layer.get(x.name, ()))}
    return {
        "layers": {name: grid.to_document() for name, grid in (places | further).items()},
        "missing_layers": [layer for layer in recipe.layers if layer not in present],
        "lacking": lacking_layers(present, [o.product for o in observations]),
        "products": [_provenance(o) for o in observations],
        "warnings": _warnings(task, layers, observations, views, period),
        "coverage": _coverage(task, path, finest),
        **({} if task.windows is None else {"windows_percent": task.windows.percent_of(finest)}),
        **found,
    }


def _layers(task: Task, observations: list[Observation]) -> list[Layer]:
    """List the recipe's layers that a product has, bands before auxiliary layers."""
    wanted = task.recipe.composite.layers
    present = [layer for layer in wanted if any(o.product.file(layer) for o in observations)]
    present.sort(key=lambda layer: layer in AUXILIARY)  # clear observations are those of bands
    if not present:
        raise InputError(
            f"{task.unit.label}: no product has any of {', '.join(wanted)}. "
            "Check composite.layers of the recipe."
        )
    layers = []
    for layer in present:
        usable = [o for o in observations if o.product.file(layer)]
        layers.append(Layer(layer, common_grid(task, layer, usable), usable))
    return layers


def lacking_layers(layers: Sequence[str], products: Sequence[Product]) -> dict[str, list[str]]:
    """Give product → layers that it lacks, of products that lack any."""
    found = {p.name: [layer for layer in layers if p.file(layer) is None] for p in products}
    return {name: lacking for name, lacking in found.items() if lacking}


def _warnings(
    task: Task,
    layers: list[Layer],
    observations: list[Observation],
    views: Mapping[str, View],
    period: Period,
) -> list[str]:
    """Say what a composite lacks, each sentence once, and write it to the log."""
    found = [*gaps(period, [o.product for o in observations])]
    found += [w for o in observations for w in o.product.warnings]
    found += [
        f"{o.product.name} has no {layer.name}; the others make it."
        for layer in layers
        for o in observations
        if o not in layer.usable
    ]
    found += [f"{name}: {text}" for name, view in views.items() for text in view.angles.warnings]
    found = list(dict.fromkeys(found))
    for warning in found:
        log.warning("%s: %s", task.unit.label, warning)
    return found


def _provenance(observation: Observation) -> dict[str, Any]:
    product = observation.product
    offsets = sorted({file.offset for file in product.files if file.layer.startswith("B")})
    return {
        "name": product.name,
        "date": product.datatake.date().isoformat(),
        "baseline": product.baseline,
        "offsets": offsets,
        "offset_decision": product.offset_decision,
        "cloud_percent": product.cloud_percent,
        "nodata_percent": product.nodata_percent,
        "mask": observation.mask.stats,
    }


def _coverage(task: Task, path: Path, grid: Grid) -> dict[str, float]:
    totals = np.zeros(3, dtype=np.int64)
    with open_raster(path / clear_name(grid)) as raster:
        for window in whole_or_cut(list(grid.windows(1024, 1024)), grid, task.windows):
            totals += count_coverage(raster.read(window, band=1))
    names = ("percent_0", "percent_1", "percent_2_or_more")
    return {n: round(100 * int(t) / totals.sum(), 4) for n, t in zip(names, totals, strict=True)}
