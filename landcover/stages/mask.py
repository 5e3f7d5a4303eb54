"""Mask: what must not be used of each product, as bits on the grids of its bands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from landcover.nouns.output import Output, Wanted
from landcover.nouns.product import Product
from landcover.nouns.stages import version_of
from landcover.nouns.work_windows import WorkWindows
from landcover.parts.preparation.masking import write_masks
from landcover.parts.preparation.product_records import load_product
from landcover.parts.task import Task
from landcover.stores import layout

if TYPE_CHECKING:
    from landcover.parts.preparation.mask_season import MaskSeason


def mask(task: Task) -> None:
    """Write the masks of every product that the unit uses."""
    ids = [i for s in task.outputs_of("collect") for i in s.wanted.inputs["products"]]
    products = {product_id: load_product(task, product_id) for product_id in ids}
    if task.recipe.mask.is_refined:
        # Of whole tiles, also in a region: what a pixel is compared with is of the whole tile.
        _refine(task, products)
        return
    rule = task.recipe.mask
    is_learned = rule.variant == "ukis"
    if not is_learned:
        task.windows = _windows(task, list(products.values()))
    for product_id in ids:
        product = products[product_id]
        wanted = _wanted(task, product, {"product": (product_id,)})
        key = layout.mask(product.tile, product.name, wanted.id)
        make = partial(write_masks, product, rule, task.windows)
        if is_learned:
            from landcover.parts.preparation.mask_learned import write_learned_masks

            make = partial(write_learned_masks, product, rule, task.job)
        task.need(wanted, key, make)


def _refine(task: Task, products: dict[str, Product]) -> None:
    """Write the background of each quarter, then the masks of its products, refined against it."""
    # Compiled loops: who masks by the classification alone, or only plans, needs none.
    from landcover.parts.preparation.mask_refining import write_refined_masks
    from landcover.parts.preparation.mask_season import MaskSeason, quarter_of
    from landcover.stores.rasters import holding_options

    quarters: dict[str, list[str]] = {}
    for product_id in sorted(products):
        quarters.setdefault(quarter_of(products[product_id]), []).append(product_id)
    for quarter, ids in sorted(quarters.items()):
        used = [products[i] for i in ids]
        with holding_options(), MaskSeason(task, quarter, used) as season:
            background = _background(task, season, ids)
            for product_id in ids:
                product = products[product_id]
                inputs = {"product": (product_id,), "background": (background.id,)}
                wanted = _wanted(task, product, inputs)
                key = layout.mask(product.tile, product.name, wanted.id)
                task.need(wanted, key, partial(write_refined_masks, season, product))


def _background(task: Task, season: MaskSeason, ids: list[str]) -> Output:
    wanted = Wanted(
        stage="mask",
        version=version_of("mask"),
        unit=f"{task.unit.tile}/{season.quarter}",
        inputs={"products": tuple(ids)},
        params={"background": task.recipe.mask.variant},
    )
    key = layout.background(str(task.unit.tile), season.quarter, wanted.id)
    # A task of its own: what the unit has at this stage are the masks of its products.
    return replace(task, made=[], n_reused=0).need(wanted, key, season.write_background)


def _windows(task: Task, products: list[Product]) -> WorkWindows | None:
    if task.run.region_id is None:
        return None
    # What finds the windows of a region reads models and tables of labels.
    from landcover.parts.mapping.work_windows import mask_windows

    return mask_windows(task, products)


def _wanted(task: Task, product: Product, inputs: Mapping[str, tuple[str, ...]]) -> Wanted:
    learned = {}
    if task.recipe.mask.variant == "ukis":
        from landcover.parts.preparation.mask_learned import learned_params

        learned["learned"] = learned_params()
    return Wanted(
        stage="mask",
        version=version_of("mask"),
        unit=f"{product.tile}/{product.name}",
        inputs=dict(inputs),
        params={**task.recipe.mask.to_params(), **task.window_params, **learned},
    )
