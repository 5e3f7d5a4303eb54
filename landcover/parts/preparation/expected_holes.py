"""Where a map will have no class: pixels that a layer of a season does not see.

A pixel has a class where every layer of every season has a value. Coarser layers have masks of
their own, which hide more; so the clear observations of the finest bands alone promise too much.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.nouns.output import Output
from landcover.nouns.product import Product
from landcover.parts.preparation.composite_files import clear_name
from landcover.parts.preparation.quicklook_masks import bits_of, excluded_by
from landcover.parts.task import Task
from landcover.products.numbers import as_classes
from landcover.raster.clouds import coarsen_bits, is_excluded
from landcover.recipe import Mask, Recipe
from landcover.stores.rasters import open_raster

MOST_PX = 6000
"""Rows or columns that are looked at: every n-th pixel of a larger grid."""
Bools = NDArray[np.bool_]


class Hole(NamedTuple):
    """Where some layers of a season have no value."""

    grid: Grid
    is_empty: Bools
    """(y, x) of the grid."""


def expected_holes(recipe: Recipe, products: Sequence[Product]) -> Iterator[Hole]:
    """Find what the composite of a season would leave empty, from its products' classification.

    Args:
        recipe: How products are masked, and which layers are composited.
        products: The season's products; each has a scene classification.

    Yields:
        A hole for each grid and each group of products that have the same layers.

    Raises:
        InputError: A file is damaged, or grids do not nest.
    """
    bits = {product.name: _bits(product, recipe.mask) for product in products}
    excluded = excluded_by(recipe.mask)
    for grid, names, least in _groups(recipe, products):
        n_clear = np.zeros(grid.shape, np.uint8)
        for name in names:
            n_clear += ~is_excluded(_on(bits[name], grid, recipe.mask), excluded)
        yield Hole(grid, n_clear < least)


def counted_holes(task: Task, composite: Output) -> Iterator[Hole]:
    """Find what a composite that exists leaves empty, from its counts of clear observations."""
    layers = {name: Grid.from_document(g) for name, g in composite.stats["layers"].items()}
    for grid in dict.fromkeys(layers.values()):
        least = max(_least(task.recipe, name) for name, own in layers.items() if own == grid)
        name = clear_name(grid)
        if any(file.name == name for file in composite.files):
            with open_raster(task.href(composite, name)) as raster:
                yield Hole(grid, raster.read(band=1) < least)


def lost_percent(grid: Grid, holes: Iterable[Hole]) -> float:
    """Give the share of a tile that lies in any hole, %.

    Args:
        grid: Work grid of the tile.
        holes: Those of all its seasons, on the grid or on coarser ones.

    Raises:
        InputError: The grids do not nest.
    """
    step = ceil(max(grid.shape) / MOST_PX)
    rows, columns = (np.arange(0, size, step) for size in grid.shape)
    is_lost = np.zeros((rows.size, columns.size), np.bool_)
    for hole in holes:
        ratio = hole.grid.ratio_to(grid)
        is_lost |= hole.is_empty[np.ix_(rows // ratio, columns // ratio)]
    return round(100 * float(is_lost.mean()), 4)


def _bits(product: Product, rule: Mask) -> tuple[Grid, NDArray[np.uint8]]:
    file = product.file("SCL")
    if file is None:
        raise InputError(f"{product.name}: the scene classification SCL is missing.")
    with open_raster(file.href) as raster:
        codes = as_classes(file, raster.read(band=file.band_number))
    return file.grid, bits_of(codes, file.grid.pixel, rule)


def _groups(recipe: Recipe, products: Sequence[Product]) -> set[tuple[Grid, tuple[str, ...], int]]:
    """Put layers together that see the same: grid of the mask, products, least clear count."""
    found = set()
    for layer in recipe.composite.layers:
        having = [product for product in products if product.file(layer)]
        files = [file for product in having for file in product.files]
        own = next((file.grid for file in files if file.layer == layer), None)
        mask = next((file.grid for file in files if file.layer == "SCL"), None)
        if own is None or mask is None:
            continue
        used = own if own.pixel > mask.pixel else mask
        found.add((used, tuple(product.name for product in having), _least(recipe, layer)))
    return found


def _on(known: tuple[Grid, NDArray[np.uint8]], grid: Grid, rule: Mask) -> NDArray[np.uint8]:
    own, bits = known
    if own == grid:
        return bits
    return coarsen_bits(
        bits,
        grid.ratio_to(own),
        grid.pixel,
        variant=rule.filter,
        growth_m=rule.growth_m,
        threshold=rule.threshold,
    )


def _least(recipe: Recipe, layer: str) -> int:
    """Give the fewest clear observations with which all that is made of a layer has a value."""
    composite = recipe.composite
    with_statistics = composite.statistics is not None and layer in composite.statistics.layers
    of_statistics = composite.statistics.min_clear if composite.statistics else 0
    return max(composite.min_clear, of_statistics if with_statistics else 0)
