"""The masks of a product: bits on the grid of its scene classification, and on coarser ones."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from math import lcm
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.nouns.grid import Grid, Window
from landcover.nouns.product import Product, ProductFile
from landcover.nouns.work_windows import WorkWindows
from landcover.products.numbers import as_classes
from landcover.raster.clouds import (
    CLOUD_BIT,
    GROWN_BIT,
    LAST_CLASS,
    NODATA_BIT,
    SHADOW_BIT,
    coarsen_bits,
    kernel_px,
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


def write_masks(
    product: Product, recipe: Mask, windows: WorkWindows | None, path: Path
) -> dict[str, Any]:
    """Write the masks of a product.

    Args:
        product: The product.
        recipe: Which variant, grown how far.
        windows: What of the tile is masked; the rest is nodata. None for all of it.
        path: Folder to make: ``{pixel}m.tif`` for the grid of the scene classification and for
            each coarser one, uint8, bits 1 nodata, 2 cloud, 4 shadow, 8 snow, 16 defective,
            32 grown.

    Returns:
        Shares of cloud, shadow and grown pixels, percent of the valid ones, and of nodata, of what
        is masked; ``windows_percent``, how much of the tile that is, where it is not all.

    Raises:
        InputError: The product has no scene classification.
    """
    path.mkdir()
    grid = _scl_of(product).grid
    # Finer bands repeat this mask when they are read; coarser ones have their own
    # (docs/methods/masks.md#other-grids).
    coarser = {f.grid.pixel: f.grid for f in product.files if f.grid.pixel > grid.pixel}
    masks = {one: np.full(one.shape, NODATA_BIT, np.uint8) for one in (grid, *coarser.values())}
    seen, n_unknown = [], 0
    for window in windows.on(grid) if windows else [Window.whole(grid.shape)]:
        n_unknown += _fill(product, recipe, masks, window)
        seen.append(masks[grid][window.slices].ravel())
    for one, bits in masks.items():
        write_raster(path / mask_name(one), bits, one, STYLE)
    if n_unknown:
        log.warning(
            "%s: %d pixels of the SCL hold codes that do not exist; they are masked",
            product.name,
            n_unknown,
        )
    told = {} if windows is None else {"windows_percent": windows.percent_of(grid)}
    return {**shares(np.concatenate(seen), n_unknown), **told}


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


def read_scl(product: Product) -> tuple[NDArray[np.uint8], Grid]:
    """Read the scene classification of a product, and its grid.

    Raises:
        InputError: It has none.
    """
    file = _scl_of(product)
    with open_raster(file.href) as raster:
        return as_classes(file, raster.read(band=file.band_number)), file.grid


def _fill(
    product: Product, recipe: Mask, masks: Mapping[Grid, NDArray[np.uint8]], window: Window
) -> int:
    """Fill a window of the masks of all grids; count its codes that do not exist."""
    file = _scl_of(product)
    grid = file.grid
    how: dict[str, Any] = {
        "variant": recipe.filter,
        "growth_m": recipe.growth_m,
        "threshold": recipe.threshold,
    }
    # Growth looks half a filter far; coarse pixels are made of whole ones.
    ratios = {one: one.ratio_to(grid) for one in masks}
    reach = max(kernel_px(one.pixel, recipe.growth_m) * ratio for one, ratio in ratios.items())
    step = lcm(*ratios.values())
    wide = window.padded(reach).coarsened(step).refined(step).meet(Window.whole(grid.shape))
    with open_raster(file.href) as raster:
        scl = as_classes(file, raster.read(wide, band=file.band_number))
    bits, _ = mask_bits(scl, grid.pixel, **how)
    for one, mask in masks.items():
        ratio = ratios[one]
        found = bits if ratio == 1 else coarsen_bits(bits, ratio, one.pixel, **how)
        target, cover = window.coarsened(ratio), wide.coarsened(ratio)
        mask[target.slices] = found[target.within(cover).slices]
    inner = scl[window.within(wide).slices]
    return int(np.count_nonzero(inner > LAST_CLASS))


def _scl_of(product: Product) -> ProductFile:
    file = product.file("SCL")
    if file is None:
        raise InputError(
            f"{product.name}: the scene classification SCL is missing, so clouds cannot be "
            "masked. Deliver the product again."
        )
    return file


def shares(bits: NDArray[np.uint8], n_unknown: int) -> dict[str, Any]:
    """Give the shares of cloud, shadow and grown pixels, % of the valid ones, and of nodata."""
    counts = {
        bit: int(np.count_nonzero((bits & np.uint8(bit)) != 0))
        for bit in (CLOUD_BIT, SHADOW_BIT, GROWN_BIT, NODATA_BIT)
    }
    valid = max(1, bits.size - counts[NODATA_BIT])
    share = {
        "cloud_percent": 100 * counts[CLOUD_BIT] / valid,
        "shadow_percent": 100 * counts[SHADOW_BIT] / valid,
        "grown_percent": 100 * counts[GROWN_BIT] / valid,
        "nodata_percent": 100 * counts[NODATA_BIT] / bits.size,
    }
    return {**{k: round(v, 4) for k, v in share.items()}, "unknown_scl_pixels": n_unknown}
