"""Composite: one cloud-free value per pixel and layer from the products of a season."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landcover.nouns.output import Wanted
from landcover.nouns.period import Period
from landcover.nouns.product import Product
from landcover.nouns.stages import version_of
from landcover.nouns.work_windows import WorkWindows
from landcover.parts.preparation.composite_rule import (
    empty_composite,
    relief_of,
    require_bands,
    rule_of,
)
from landcover.parts.preparation.observations import Observation
from landcover.parts.preparation.product_records import load_product
from landcover.parts.preparation.view_angles import View, views_of
from landcover.parts.task import Task
from landcover.stores import layout

if TYPE_CHECKING:
    from landcover.parts.preparation.illumination import Relief


def composite(task: Task) -> None:
    """Build the composite of every period of the unit."""
    require_bands(task.recipe)
    masks = {m.wanted.inputs["product"][0]: m for m in task.outputs_of("mask")}
    selections = task.outputs_of("collect")
    products = {i: load_product(task, i) for s in selections for i in s.wanted.inputs["products"]}
    task.windows = _windows(task, list(products.values()))
    for selection in selections:
        ids = selection.wanted.inputs["products"]
        observations = [Observation(products[i], masks[i]) for i in ids]
        # Sorted ids: a composite does not depend on the order of its products.
        ordered = sorted(zip(ids, observations, strict=True))
        views = views_of(task, (o.product for _, o in ordered))
        tile, period = selection.unit.split("/")
        relief = relief_of(task, tile, [o for _, o in ordered])
        span = Period.from_document(selection.stats["period"])
        wanted = Wanted(
            stage="composite",
            version=version_of("composite"),
            unit=selection.unit,
            inputs={
                "products": tuple(i for i, _ in ordered),
                "masks": tuple(o.mask.id for _, o in ordered),
                **({"angles": tuple(view.checksum for view in views.values())} if views else {}),
                **({"terrain": (relief.terrain.id,)} if relief else {}),
            },
            params={**rule_of(task.recipe, span), **task.window_params},
        )
        if not ordered:
            # Of a season that is filled from others: a record, and no files.
            task.need(wanted, "", None, empty_composite(selection.stats["period"]))
            continue
        key = layout.composite(tile, period, wanted.id)
        stats = {"status": selection.stats["status"], "period": selection.stats["period"]}
        make = partial(_write, task, [o for _, o in ordered], views, span, relief)
        task.need(wanted, key, make, stats)


# Who only plans loads none of what computes: compiled loops, models and tables take seconds.


def _windows(task: Task, products: list[Product]) -> WorkWindows | None:
    if task.run.region_id is None:
        return None
    from landcover.parts.mapping.work_windows import prepared_windows

    return prepared_windows(task, products)


def _write(
    task: Task,
    observations: list[Observation],
    views: dict[str, View],
    span: Period,
    relief: Relief | None,
    path: Path,
) -> dict[str, Any]:
    from landcover.parts.preparation.composites import write_composite

    return write_composite(task, observations, views, span, relief, path)
