"""Composite: one cloud-free value per pixel and layer from the products of a season."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.nouns.grid import Grid, Window
from landcover.nouns.output import Wanted
from landcover.raster.composite import count_coverage, masked_median
from landcover.raster.reflectance import NODATA, stored_units
from landcover.recipe import AUXILIARY
from landcover.stages.collect import load_product
from landcover.stages.observations import Observation, common_grid, stacks
from landcover.stages.task import Task
from landcover.stores import layout
from landcover.stores.rasters import RasterStyle, create_raster, open_raster

VERSION = 1
log = logging.getLogger(__name__)


def composite(task: Task) -> None:
    """Build the composite of every period of the unit."""
    masks = {m.wanted.inputs["product"][0]: m for m in task.outputs_of("mask")}
    for selection in task.outputs_of("collect"):
        ids = selection.wanted.inputs["products"]
        observations = [Observation(load_product(task, i), masks[i]) for i in ids]
        # Sorted ids: a composite does not depend on the order of its products.
        ordered = sorted(zip(ids, observations, strict=True))
        tile, period = selection.unit.split("/")
        wanted = Wanted(
            stage="composite",
            version=VERSION,
            unit=selection.unit,
            inputs={
                "products": tuple(i for i, _ in ordered),
                "masks": tuple(o.mask.id for _, o in ordered),
            },
            params={
                **task.recipe.composite.to_document(),
                "excluded": sorted(task.recipe.mask.excluded),
            },
        )
        key = layout.composite(tile, period, wanted.id)
        stats = {"status": selection.stats["status"], "period": selection.stats["period"]}
        task.need(wanted, key, partial(_make, task, [o for _, o in ordered]), stats)


def clear_name(grid: Grid) -> str:
    """Name the file that counts clear observations on a grid."""
    return f"n_clear_{grid.pixel:g}m.tif"


def _make(task: Task, observations: list[Observation], path: Path) -> dict[str, Any]:
    path.mkdir()
    wanted = task.recipe.composite.layers
    present = [layer for layer in wanted if any(o.product.file(layer) for o in observations)]
    present.sort(key=lambda layer: layer in AUXILIARY)  # clear observations are those of bands
    if not present:
        raise InputError(
            f"{task.unit.label}: no product has any of {', '.join(wanted)}. "
            "Check composite.layers of the recipe."
        )
    warnings = [w for o in observations for w in o.product.warnings]
    # Clear observations are counted once per grid.
    counters: dict[Grid, str] = {}
    layers: dict[str, Grid] = {}
    for number, layer in enumerate(present):
        task.job.progress(number / len(present), f"{task.unit.label} {layer}")
        usable = [o for o in observations if o.product.file(layer)]
        for lacking in (o.product.name for o in observations if o not in usable):
            warnings.append(f"{lacking} has no {layer}; the others make it.")
        grid = common_grid(task, layer, usable)
        layers[layer] = grid
        _make_layer(task, layer, grid, usable, path, counts=counters.get(grid) in (None, layer))
        counters.setdefault(grid, layer)
    for warning in dict.fromkeys(warnings):
        log.warning("%s: %s", task.unit.label, warning)
    return {
        "layers": {layer: grid.to_document() for layer, grid in layers.items()},
        "missing_layers": [layer for layer in wanted if layer not in present],
        "products": [_provenance(o) for o in observations],
        "warnings": list(dict.fromkeys(warnings)),
        "coverage": _coverage(path, min(layers.values(), key=lambda g: g.pixel)),
    }


def _make_layer(
    task: Task, layer: str, grid: Grid, usable: list[Observation], path: Path, *, counts: bool
) -> None:
    scale = 1 / stored_units(layer)
    style = RasterStyle(dtype="int16", nodata=NODATA, descriptions=(layer,), scale=scale)
    with create_raster(path / f"{layer}.tif", grid, style) as raster:
        if not counts:
            for window, values, _ in _medians(task, layer, grid, usable):
                raster.write(values, window)
            return
        count_style = RasterStyle(dtype="uint8", nodata=None, descriptions=("clear",))
        with create_raster(path / clear_name(grid), grid, count_style) as counter:
            for window, values, n_clear in _medians(task, layer, grid, usable):
                raster.write(values, window)
                counter.write(n_clear, window)


def _medians(
    task: Task, layer: str, grid: Grid, usable: list[Observation]
) -> Iterator[tuple[Window, NDArray[np.int16], NDArray[np.uint8]]]:
    for window, values, hidden in stacks(task, layer, grid, usable):
        median, n_clear = masked_median(values, hidden, min_clear=task.recipe.composite.min_clear)
        yield window, median, n_clear


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


def _coverage(path: Path, grid: Grid) -> dict[str, float]:
    totals = np.zeros(3, dtype=np.int64)
    with open_raster(path / clear_name(grid)) as raster:
        for window in grid.windows(1024, 1024):
            totals += count_coverage(raster.read(window, band=1))
    names = ("percent_0", "percent_1", "percent_2_or_more")
    return {n: round(100 * int(t) / totals.sum(), 4) for n, t in zip(names, totals, strict=True)}
