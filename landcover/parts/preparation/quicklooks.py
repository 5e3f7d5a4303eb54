"""Fill a quicklook: one window of a tile and season, with and without the growth of its masks.

The composite with original masks exists for the eye only: here, for a window of a few hundred
pixels a side. No output of the chain is made from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.ledger import outputs
from landcover.nouns.grid import Grid, Window
from landcover.nouns.output import Output
from landcover.nouns.product import ProductFile
from landcover.parts.preparation.product_records import load_product
from landcover.parts.preparation.quicklook_masks import (
    Masked,
    excluded_by,
    excluded_ungrown,
    masked_by_chain,
)
from landcover.parts.task import Task
from landcover.products.numbers import as_numbers
from landcover.publish import quicklooks
from landcover.publish.quicklooks import Quicklook
from landcover.raster.clouds import (
    CLOUD_BIT,
    DEFECTIVE_BIT,
    GROWN_BIT,
    NODATA_BIT,
    SHADOW_BIT,
    SNOW_BIT,
    is_excluded,
    upsample_nearest,
)
from landcover.raster.composite import masked_median
from landcover.raster.reflectance import harmonise, stored_units
from landcover.raster.windows import cut
from landcover.recipe import Mask
from landcover.stores.rasters import open_raster

SIDE_M = 10_240.0
"""Side of the ground that a quicklook shows, metres: at 10 m one JPEG 2000 block of 1,024 pixels,
in which a cloud and the 255 m that it grows by are both visible."""
SMALLEST_SIDE_PX = 96
"""Fewest pixels along a side where the grid is coarse."""
TRUE_COLOUR = ("B04", "B03", "B02")


def quicklook_of_composite(task: Task, composite: Output) -> Quicklook:
    """Fill the quicklook of a composite that the chain has made, with the masks that it used.

    Raises:
        InputError: A product or a mask of it is gone.
    """
    tile, period = composite.unit.split("/")
    found = []
    for mask_id in composite.wanted.inputs.get("masks", ()):
        mask = outputs.load(task.workspace, mask_id)
        product = load_product(task, mask.wanted.inputs["product"][0])
        found.append(masked_by_chain(task, product, mask))
    min_clear = composite.wanted.params["min_clear"]
    return make_quicklook(tile, period, found, task.recipe.mask, min_clear)


def make_quicklook(
    tile: str, period: str, found: Sequence[Masked], rule: Mask, min_clear: int
) -> Quicklook:
    """Fill the quicklook of a tile and season.

    The window is where growth adds most to the mask of the cloudiest product. Panels lie on the
    grid of the masks; of finer bands every n-th pixel is taken, so that each pixel of the
    composite with grown masks is one of the plain median that the chain makes of these products.

    Args:
        tile: Tile id.
        period: Period with its year.
        found: The products that the season's composite uses, with their masks.
        rule: Which masks are left out.
        min_clear: Fewest clear observations that give a pixel a value.

    Returns:
        The quicklook, at most a few hundred pixels a side.

    Raises:
        InputError: No product has true colour and a mask, or their grids differ.
    """
    usable = [o for o in found if all(o.product.file(band) for band in TRUE_COLOUR)]
    if not usable:
        raise InputError(f"{tile} {period}: no product has {', '.join(TRUE_COLOUR)} and a mask.")
    shown = max(usable, key=lambda o: (o.product.cloud_percent, o.product.name))
    if any(o.grid != shown.grid for o in usable):
        raise InputError(f"{tile} {period}: the masks of the products lie on different grids.")
    window = _busiest(shown, rule)
    grown, ungrown = excluded_by(rule), excluded_ungrown(rule)
    bits = [o.read_bits(window) for o in usable]
    stacks = [np.stack([_read(o, band, window) for o in usable]) for band in TRUE_COLOUR]
    own = bits[usable.index(shown)]
    return Quicklook(
        tile=tile,
        period=period,
        product=shown.product.name,
        date=shown.product.datatake.date().isoformat(),
        n_products=len(usable),
        grid=_grid_of(shown.grid, window),
        scene=np.stack([stack[usable.index(shown)] for stack in stacks]),
        original=_kinds(own, ungrown),
        grown=_kinds(own, grown),
        by_original=_composite(stacks, bits, ungrown, min_clear),
        by_grown=_composite(stacks, bits, grown, min_clear),
    )


def _composite(
    stacks: list[NDArray[np.int16]], bits: list[NDArray[np.uint8]], excluded: int, min_clear: int
) -> NDArray[np.int16]:
    hidden = is_excluded(np.stack(bits), excluded)
    return np.stack([masked_median(s, hidden, min_clear=min_clear)[0] for s in stacks])


def _kinds(bits: NDArray[np.uint8], excluded: int) -> NDArray[np.uint8]:
    """Say of each pixel what excludes it, in the codes of a quicklook."""
    kinds = np.full(bits.shape, quicklooks.CLEAR, dtype=np.uint8)
    is_grown = (bits & GROWN_BIT > 0) & bool(excluded & GROWN_BIT)
    kinds[is_grown] = quicklooks.GROWN
    for bit, kind in ((CLOUD_BIT, quicklooks.CLOUD), (SHADOW_BIT, quicklooks.SHADOW)):
        is_detected = bits & bit > 0
        kinds[is_detected] = quicklooks.DROPPED
        kinds[is_detected & (is_grown | bool(excluded & bit))] = kind
    for bit, kind in ((SNOW_BIT, quicklooks.SNOW), (DEFECTIVE_BIT, quicklooks.DEFECTIVE)):
        if excluded & bit:
            kinds[bits & bit > 0] = kind
    kinds[bits & NODATA_BIT > 0] = quicklooks.UNSEEN
    return kinds


def _busiest(shown: Masked, rule: Mask) -> Window:
    bits = shown.read_bits(None)
    is_added = is_excluded(bits, excluded_by(rule)) & ~is_excluded(bits, excluded_ungrown(rule))
    is_seen = bits & NODATA_BIT == 0

    def score(window: Window) -> tuple[int, int]:
        return int(is_added[window.slices].sum()), int(is_seen[window.slices].sum())

    return max(_windows(shown.grid), key=score)


def _windows(grid: Grid) -> Iterator[Window]:
    """Cover a grid with windows of one size; the last ones of a row or column lie further in."""
    side = max(SMALLEST_SIDE_PX, round(SIDE_M / grid.pixel))
    for window in grid.windows(side, side):
        height, width = min(side, grid.height), min(side, grid.width)
        row = min(window.row, grid.height - height)
        yield Window(row, min(window.column, grid.width - width), height, width)


def _read(masked: Masked, band: str, window: Window) -> NDArray[np.int16]:
    file = masked.product.file(band)
    assert file is not None  # make_quicklook has left the others out
    if file.grid.pixel > masked.grid.pixel:
        ratio = file.grid.ratio_to(masked.grid)
        coarse = window.coarsened(ratio)
        return cut(upsample_nearest(_read_harmonised(file, coarse), ratio), window, coarse, ratio)
    ratio = masked.grid.ratio_to(file.grid)
    fine = _read_harmonised(file, window.refined(ratio).meet(Window.whole(file.grid.shape)))
    return np.ascontiguousarray(fine[::ratio, ::ratio])


def _read_harmonised(file: ProductFile, window: Window) -> NDArray[np.int16]:
    with open_raster(file.href) as raster:
        pixels = raster.read(window, band=file.band_number)
    return harmonise(
        as_numbers(file, pixels),
        offset=file.offset,
        scale=file.scale,
        stored_per_unit=stored_units(file.layer),
    )


def _grid_of(grid: Grid, window: Window) -> Grid:
    return Grid(
        crs=grid.crs,
        ulx=grid.ulx + window.column * grid.pixel,
        uly=grid.uly - window.row * grid.pixel,
        pixel=grid.pixel,
        width=window.width,
        height=window.height,
    )
