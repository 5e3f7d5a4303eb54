"""Composite: one cloud-free value per pixel and layer from the products of a season."""

from __future__ import annotations

from functools import partial

from landcover.nouns.output import Wanted
from landcover.nouns.period import Period
from landcover.nouns.stages import version_of
from landcover.parts.mapping.work_windows import prepared_windows
from landcover.parts.preparation.composite_rule import require_bands, rule_of
from landcover.parts.preparation.composites import (
    empty_composite,
    relief_of,
    views_of,
    write_composite,
)
from landcover.parts.preparation.observations import Observation
from landcover.parts.preparation.product_records import load_product
from landcover.parts.task import Task
from landcover.stores import layout


def composite(task: Task) -> None:
    """Build the composite of every period of the unit."""
    require_bands(task.recipe)
    masks = {m.wanted.inputs["product"][0]: m for m in task.outputs_of("mask")}
    selections = task.outputs_of("collect")
    products = {i: load_product(task, i) for s in selections for i in s.wanted.inputs["products"]}
    task.windows = prepared_windows(task, list(products.values()))
    for selection in selections:
        ids = selection.wanted.inputs["products"]
        observations = [Observation(products[i], masks[i]) for i in ids]
        # Sorted ids: a composite does not depend on the order of its products.
        ordered = sorted(zip(ids, observations, strict=True))
        views = views_of(task, [o for _, o in ordered])
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
        make = partial(write_composite, task, [o for _, o in ordered], views, span, relief)
        task.need(wanted, key, make, stats)
