"""The masks that a quicklook shows: those of the chain, or made anew before any stage has run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.nouns.grid import Grid, Window
from landcover.nouns.output import Output
from landcover.nouns.product import Product, ProductFile
from landcover.parts.preparation.masking import mask_name
from landcover.parts.preparation.observations import BITS
from landcover.parts.task import Task
from landcover.products.numbers import as_classes
from landcover.raster.clouds import (
    CLOUD_BIT,
    GROWN_BIT,
    NODATA_BIT,
    SHADOW_BIT,
    kernel_px,
    mask_bits,
)
from landcover.recipe import Mask
from landcover.stores.rasters import open_raster

ReadBits = Callable[[Window | None], NDArray[np.uint8]]


@dataclass(frozen=True)
class Masked:
    """A product, and where its mask bits come from."""

    product: Product
    grid: Grid
    """Grid of the mask: that of the scene classification."""
    read_bits: ReadBits
    """Gives the bits of a window, uint8; of the whole grid for None."""


def masked_by_chain(task: Task, product: Product, mask: Output) -> Masked:
    """Take the mask that the mask stage wrote."""
    grid = _scl(product).grid
    path = task.href(mask, mask_name(grid))

    def read_bits(window: Window | None) -> NDArray[np.uint8]:
        with open_raster(path) as raster:
            return np.asarray(raster.read(window, band=1), dtype=np.uint8)

    return Masked(product, grid, read_bits)


def masked_by_recipe(product: Product, rule: Mask) -> Masked:
    """Make the mask anew from the scene classification, before any stage has run."""
    scl = _scl(product)
    margin = kernel_px(scl.grid.pixel, rule.growth_m) // 2 + 1

    def read_bits(window: Window | None) -> NDArray[np.uint8]:
        inner = window or Window.whole(scl.grid.shape)
        outer = inner.widened(margin, scl.grid.shape)
        with open_raster(scl.href) as raster:
            codes = as_classes(scl, raster.read(outer, band=scl.band_number))
        bits = bits_of(codes, scl.grid.pixel, rule)
        return bits[inner.within(outer).slices]

    return Masked(product, scl.grid, read_bits)


def bits_of(codes: NDArray[np.uint8], pixel_m: float, rule: Mask) -> NDArray[np.uint8]:
    """Turn scene classification into mask bits by a recipe's rule."""
    bits, _ = mask_bits(
        codes.astype(np.uint8, copy=False), pixel_m,
        variant=rule.filter, growth_m=rule.growth_m, threshold=rule.threshold,
    )  # fmt: skip
    return bits


def excluded_by(rule: Mask) -> int:
    """Sum the bits that a recipe leaves out; nodata always is."""
    return NODATA_BIT | sum(BITS[name] for name in rule.excluded)


def excluded_ungrown(rule: Mask) -> int:
    """Sum the bits that a recipe would leave out if masks did not grow."""
    return (excluded_by(rule) & ~GROWN_BIT) | CLOUD_BIT | SHADOW_BIT


def _scl(product: Product) -> ProductFile:
    file = product.file("SCL")
    if file is None:
        raise InputError(
            f"{product.name}: the scene classification SCL is missing, so its mask cannot be "
            "shown. Deliver the product again."
        )
    return file
