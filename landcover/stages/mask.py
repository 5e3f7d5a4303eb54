"""Mask: what must not be used of each product, as bits on the grids of its bands."""

from __future__ import annotations

from functools import partial

from landcover.nouns.output import Wanted
from landcover.nouns.stages import version_of
from landcover.parts.preparation.masking import write_masks
from landcover.parts.preparation.product_records import load_product
from landcover.parts.task import Task
from landcover.stores import layout


def mask(task: Task) -> None:
    """Write the masks of every product that the unit uses."""
    for selection in task.outputs_of("collect"):
        for product_id in selection.wanted.inputs["products"]:
            product = load_product(task, product_id)
            wanted = Wanted(
                stage="mask",
                version=version_of("mask"),
                unit=f"{product.tile}/{product.name}",
                inputs={"product": (product_id,)},
                params=task.recipe.mask.model_dump(include={"variant", "growth_m", "threshold"}),
            )
            key = layout.mask(product.tile, product.name, wanted.id)
            task.need(wanted, key, partial(write_masks, product, task.recipe.mask))
