"""Mask: what must not be used of each product, as bits on the grids of its bands."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.nouns.output import Wanted
from landcover.nouns.product import Product
from landcover.parts.task import Task
from landcover.raster.clouds import (
    CLOUD_BIT,
    GROWN_BIT,
    NODATA_BIT,
    SHADOW_BIT,
    coarsen_bits,
    mask_bits,
)
from landcover.stages.collect import load_product
from landcover.stores import layout
from landcover.stores.rasters import RasterStyle, open_raster, write_raster

VERSION = 1

log = logging.getLogger(__name__)
STYLE = RasterStyle(
    dtype="uint8",
    nodata=None,
    descriptions=("1 nodata, 2 cloud, 4 shadow, 8 snow, 16 defective, 32 grown",),
)


def mask(task: Task) -> None:
    """Write the masks of every product that the unit uses."""
    for selection in task.outputs_of("collect"):
        for product_id in selection.wanted.inputs["products"]:
            product = load_product(task, product_id)
            wanted = Wanted(
                stage="mask",
                version=VERSION,
                unit=f"{product.tile}/{product.name}",
                inputs={"product": (product_id,)},
                params=task.recipe.mask.model_dump(include={"variant", "growth_m", "threshold"}),
            )
            key = layout.mask(product.tile, product.name, wanted.id)
            task.need(wanted, key, partial(_make, task, product))


def mask_name(grid: Grid) -> str:
    """Name the mask file of a grid by its pixel size."""
    return f"{grid.pixel:g}m.tif"


def _make(task: Task, product: Product, path: Path) -> dict[str, Any]:
    path.mkdir()
    scl, grid = _read_scl(product)
    recipe = task.recipe.mask
    bits, n_unknown = mask_bits(
        scl,
        grid.pixel,
        variant=recipe.variant,
        growth_m=recipe.growth_m,
        threshold=recipe.threshold,
    )
    write_raster(path / mask_name(grid), bits, grid, STYLE)
    # Finer bands repeat this mask when they are read; coarser ones have their own (masks §1).
    for target in {
        f.grid.pixel: f.grid for f in product.files if f.grid.pixel > grid.pixel
    }.values():
        coarse = coarsen_bits(
            bits,
            target.ratio_to(grid),
            target.pixel,
            variant=recipe.variant,
            growth_m=recipe.growth_m,
            threshold=recipe.threshold,
        )
        write_raster(path / mask_name(target), coarse, target, STYLE)
    if n_unknown:
        log.warning(
            "%s: %d pixels of the SCL hold codes that do not exist; they are masked",
            product.name,
            n_unknown,
        )
    return _stats(bits, n_unknown)


def _read_scl(product: Product) -> tuple[NDArray[np.uint8], Grid]:
    file = product.file("SCL")
    if file is None:
        raise InputError(
            f"{product.name}: the scene classification SCL is missing, so clouds cannot be "
            "masked. Deliver the product again."
        )
    with open_raster(file.href) as raster:
        return raster.read(band=1).astype(np.uint8), file.grid


def _stats(bits: NDArray[np.uint8], n_unknown: int) -> dict[str, Any]:
    valid = max(1, int((bits & NODATA_BIT == 0).sum()))
    share = {
        "cloud_percent": 100 * int((bits & CLOUD_BIT > 0).sum()) / valid,
        "shadow_percent": 100 * int((bits & SHADOW_BIT > 0).sum()) / valid,
        "grown_percent": 100 * int((bits & GROWN_BIT > 0).sum()) / valid,
        "nodata_percent": 100 * int((bits & NODATA_BIT > 0).sum()) / bits.size,
    }
    return {**{k: round(v, 4) for k, v in share.items()}, "unknown_scl_pixels": n_unknown}
