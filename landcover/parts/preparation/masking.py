"""The masks of a product: bits on the grid of its scene classification, and on coarser ones."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.nouns.product import Product
from landcover.raster.clouds import (
    CLOUD_BIT,
    GROWN_BIT,
    NODATA_BIT,
    SHADOW_BIT,
    coarsen_bits,
    mask_bits,
)
from landcover.recipe import Mask
from landcover.stores.rasters import RasterStyle, open_raster, write_raster

log = logging.getLogger(__name__)
STYLE = RasterStyle(
    dtype="uint8",
    nodata=None,
    descriptions=("1 nodata, 2 cloud, 4 shadow, 8 snow, 16 defective, 32 grown",),
)


def mask_name(grid: Grid) -> str:
    """Name the mask file of a grid by its pixel size."""
    return f"{grid.pixel:g}m.tif"


def write_masks(product: Product, recipe: Mask, path: Path) -> dict[str, Any]:
    """Write the masks of a product.

    Args:
        product: The product.
        recipe: Which variant, grown how far.
        path: Folder to make: ``{pixel}m.tif`` for the grid of the scene classification and for
            each coarser one, uint8, bits 1 nodata, 2 cloud, 4 shadow, 8 snow, 16 defective,
            32 grown.

    Returns:
        Shares of cloud, shadow and grown pixels, percent of the valid ones, and of nodata.

    Raises:
        InputError: The product has no scene classification.
    """
    path.mkdir()
    scl, grid = _read_scl(product)
    bits, n_unknown = mask_bits(
        scl,
        grid.pixel,
        variant=recipe.filter,
        growth_m=recipe.growth_m,
        threshold=recipe.threshold,
    )
    write_grids(product, recipe, bits, grid, path)
    if n_unknown:
        log.warning(
            "%s: %d pixels of the SCL hold codes that do not exist; they are masked",
            product.name,
            n_unknown,
        )
    return shares(bits, n_unknown)


def write_grids(
    product: Product, recipe: Mask, bits: NDArray[np.uint8], grid: Grid, path: Path
) -> None:
    """Write mask bits of a grid, and of each coarser one that the product's bands have.

    Finer bands repeat this mask when they are read; coarser ones have their own
    (docs/methods/masks.md#other-grids).
    """
    write_raster(path / mask_name(grid), bits, grid, STYLE)
    for target in {
        f.grid.pixel: f.grid for f in product.files if f.grid.pixel > grid.pixel
    }.values():
        coarse = coarsen_bits(
            bits,
            target.ratio_to(grid),
            target.pixel,
            variant=recipe.filter,
            growth_m=recipe.growth_m,
            threshold=recipe.threshold,
        )
        write_raster(path / mask_name(target), coarse, target, STYLE)


def _read_scl(product: Product) -> tuple[NDArray[np.uint8], Grid]:
    file = product.file("SCL")
    if file is None:
        raise InputError(
            f"{product.name}: the scene classification SCL is missing, so clouds cannot be "
            "masked. Deliver the product again."
        )
    with open_raster(file.href) as raster:
        return raster.read(band=1).astype(np.uint8), file.grid


def shares(bits: NDArray[np.uint8], n_unknown: int) -> dict[str, Any]:
    """Give the shares of cloud, shadow and grown pixels, % of the valid ones, and of nodata."""
    valid = max(1, int((bits & NODATA_BIT == 0).sum()))
    share = {
        "cloud_percent": 100 * int((bits & CLOUD_BIT > 0).sum()) / valid,
        "shadow_percent": 100 * int((bits & SHADOW_BIT > 0).sum()) / valid,
        "grown_percent": 100 * int((bits & GROWN_BIT > 0).sum()) / valid,
        "nodata_percent": 100 * int((bits & NODATA_BIT > 0).sum()) / bits.size,
    }
    return {**{k: round(v, 4) for k, v in share.items()}, "unknown_scl_pixels": n_unknown}
