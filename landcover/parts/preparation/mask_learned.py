"""The masks of a product by a learned model, variant ``ukis``: no series, no classification."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.nouns.grid import Grid, Window
from landcover.nouns.product import Product, ProductFile
from landcover.parts.preparation.masking import read_scl, shares, write_grids
from landcover.parts.preparation.observations import harmonised
from landcover.parts.task import Job
from landcover.raster.cloud_sign import average_of
from landcover.raster.clouds import mask_bits, refined_bits
from landcover.raster.learned_mask import BANDS, MODEL, check_model, learned_mask
from landcover.raster.reflectance import to_reflectance
from landcover.recipe import Mask
from landcover.stores.rasters import open_raster

SIDE, HALO = 1024, 64
"""Window of the classification's grid that the model sees at once, and what it sees around, px."""


def learned_params() -> dict[str, str]:
    """Give what names the model among a mask's parameters.

    Raises:
        UnavailableError: The extra is not installed.
    """
    return {"model": MODEL, "sha256": check_model(MODEL)[:16]}


def write_learned_masks(product: Product, rule: Mask, job: Job, path: Path) -> dict[str, Any]:
    """Write the masks of a product: clouds and shadows by the model, the rest as classified.

    Args:
        product: The product.
        rule: How far masks grow.
        job: Asked between windows whether to go on; its threads are the model's.
        path: Folder to make, as of `landcover.parts.preparation.masking.write_masks`.

    Returns:
        Shares as of other masks.

    Raises:
        UnavailableError: The extra is not installed.
        InputError: The product lacks a band.
    """
    path.mkdir()
    scl, grid = read_scl(product)
    known, n_unknown = mask_bits(scl, grid.pixel, growth_m=0)
    files = [_needed(product, band) for band in BANDS[4]]
    is_cloud, is_shadow = np.zeros(grid.shape, np.bool_), np.zeros(grid.shape, np.bool_)
    for window in _windows(grid):
        job.check()
        wide = window.widened(HALO, grid.shape)
        bands = np.stack([to_reflectance(_on(file, grid, wide)) for file in files])
        inner = window.within(wide).slices
        cloud, shadow = learned_mask(bands, "l2a", job.threads)
        is_cloud[window.slices], is_shadow[window.slices] = cloud[inner], shadow[inner]
    bits = refined_bits(
        known, is_cloud, is_shadow, grid.pixel,
        variant=rule.filter, growth_m=rule.growth_m, threshold=rule.threshold,
    )  # fmt: skip
    write_grids(product, rule, bits, grid, path)
    before = shares(known, n_unknown)
    kept = {name: before[name] for name in ("cloud_percent", "shadow_percent")}
    return {**shares(bits, n_unknown), "before": kept}


def _windows(grid: Grid) -> Iterator[Window]:
    yield from grid.windows(SIDE, SIDE)


def _on(file: ProductFile, grid: Grid, window: Window) -> NDArray[np.int16]:
    """Read a band on the grid of the classification, averaged."""
    ratio = grid.ratio_to(file.grid)
    fine = window.refined(ratio).meet(Window.whole(file.grid.shape))
    with open_raster(file.href) as raster:
        values = harmonised(file, raster.read(fine, band=file.band_number))
    return average_of(values, ratio)


def _needed(product: Product, layer: str) -> ProductFile:
    file = product.file(layer)
    if file is None:
        raise InputError(
            f"{product.name}: {layer} is missing, which mask.variant ukis needs. Deliver the "
            "product with it, or choose another variant."
        )
    return file
