"""Composite: one cloud-free value per pixel and layer from the products of a season."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.nouns.grid import Grid, Window
from landcover.nouns.output import Wanted
from landcover.nouns.period import Period
from landcover.nouns.stages import version_of
from landcover.parts.preparation.composite_files import clear_file, clear_name, layer_file
from landcover.parts.preparation.composite_rule import first_day, rule_of
from landcover.parts.preparation.compositing import Layer, compose, is_plain
from landcover.parts.preparation.observations import Observation, common_grid, stacks
from landcover.parts.preparation.product_records import load_product
from landcover.parts.preparation.time_statistics import (
    needs_series,
    require_bands,
    write_series,
)
from landcover.parts.preparation.view_angles import View, read_view
from landcover.parts.task import Task
from landcover.raster.composite import count_coverage, masked_median
from landcover.raster.statistics import masked_statistics
from landcover.recipe import AUXILIARY
from landcover.sources.selection import gaps
from landcover.stores import layout
from landcover.stores.rasters import RasterWriter, open_raster

log = logging.getLogger(__name__)


def composite(task: Task) -> None:
    """Build the composite of every period of the unit."""
    require_bands(task.recipe)
    masks = {m.wanted.inputs["product"][0]: m for m in task.outputs_of("mask")}
    for selection in task.outputs_of("collect"):
        ids = selection.wanted.inputs["products"]
        observations = [Observation(load_product(task, i), masks[i]) for i in ids]
        # Sorted ids: a composite does not depend on the order of its products.
        ordered = sorted(zip(ids, observations, strict=True))
        views = _views(task, [o for _, o in ordered])
        tile, period = selection.unit.split("/")
        span = Period.from_document(selection.stats["period"])
        wanted = Wanted(
            stage="composite",
            version=version_of("composite"),
            unit=selection.unit,
            inputs={
                "products": tuple(i for i, _ in ordered),
                "masks": tuple(o.mask.id for _, o in ordered),
                **({"angles": tuple(view.checksum for view in views.values())} if views else {}),
            },
            params=rule_of(task.recipe, span),
        )
        key = layout.composite(tile, period, wanted.id)
        stats = {"status": selection.stats["status"], "period": selection.stats["period"]}
        make = partial(_make, task, [o for _, o in ordered], views, span)
        task.need(wanted, key, make, stats)


def _views(task: Task, observations: list[Observation]) -> dict[str, View]:
    """Read the angles of every product where the recipe asks for them."""
    if task.recipe.composite.view_angle is None:
        return {}
    return {o.product.name: read_view(task, o.product) for o in observations}


def _make(
    task: Task,
    observations: list[Observation],
    views: Mapping[str, View],
    period: Period,
    path: Path,
) -> dict[str, Any]:
    path.mkdir()
    wanted = task.recipe.composite.layers
    present = [layer for layer in wanted if any(o.product.file(layer) for o in observations)]
    present.sort(key=lambda layer: layer in AUXILIARY)  # clear observations are those of bands
    if not present:
        raise InputError(
            f"{task.unit.label}: no product has any of {', '.join(wanted)}. "
            "Check composite.layers of the recipe."
        )
    warnings = [*gaps(period, [o.product for o in observations])]
    warnings += [w for o in observations for w in o.product.warnings]
    layers = []
    for layer in present:
        usable = [o for o in observations if o.product.file(layer)]
        for lacking in (o.product.name for o in observations if o not in usable):
            warnings.append(f"{lacking} has no {layer}; the others make it.")
        layers.append(Layer(layer, common_grid(task, layer, usable), usable))
    for name, view in views.items():
        warnings += [f"{name}: {warning}" for warning in view.angles.warnings]
    found: dict[str, Any] = {}
    further: dict[str, Grid] = {}
    if is_plain(task.recipe.composite):
        # Bands are decoded once for their medians and once more for what is told along time.
        share = 0.5 if needs_series(task.recipe) else 1.0
        _write_medians(task, layers, path, share)
        further = write_series(task, observations, first_day(period), path, share)
    else:
        found = compose(task, layers, views, path)
    for warning in dict.fromkeys(warnings):
        log.warning("%s: %s", task.unit.label, warning)
    return {
        "layers": {
            name: layer.grid.to_document()
            for layer in layers
            for name in (layer.name, *task.recipe.composite.statistics_of.get(layer.name, ()))
        }
        | {name: grid.to_document() for name, grid in further.items()},
        "missing_layers": [layer for layer in wanted if layer not in present],
        "products": [_provenance(o) for o in observations],
        "warnings": list(dict.fromkeys(warnings)),
        "coverage": _coverage(path, min((x.grid for x in layers), key=lambda g: g.pixel)),
        **found,
    }


def _write_medians(task: Task, layers: list[Layer], path: Path, share: float) -> None:
    """Write every layer as a median of its own; observations are counted once per grid."""
    counted: set[Grid] = set()
    for number, layer in enumerate(layers):
        task.job.progress(share * number / len(layers), f"{task.unit.label} {layer.name}")
        with ExitStack() as files:
            raster = files.enter_context(layer_file(path, layer.name, layer.grid))
            counter = None
            if layer.grid not in counted:
                counter = files.enter_context(clear_file(path, layer.grid))
            names = task.recipe.composite.statistics_of.get(layer.name, ())
            others = [files.enter_context(layer_file(path, n, layer.grid)) for n in names]
            for window, values, hidden in stacks(task, *layer):
                median, n_clear = masked_median(
                    values, hidden, min_clear=task.recipe.composite.min_clear
                )
                raster.write(median, window)
                if counter is not None:
                    counter.write(n_clear, window)
                if others:
                    _write_statistics(task, values, hidden, others, window)
        counted.add(layer.grid)


def _write_statistics(
    task: Task,
    values: NDArray[np.int16],
    hidden: NDArray[np.bool_],
    files: list[RasterWriter],
    window: Window,
) -> None:
    wanted = task.recipe.composite.statistics
    assert wanted is not None
    found = masked_statistics(
        values, hidden, wanted.percentiles, spread=wanted.spread, min_clear=wanted.min_clear
    )
    for file, layer in zip(files, found, strict=True):
        file.write(layer, window)


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
