"""Radiometry in the lane: the chosen products of a span, compared with each other.

A radiometric offset that was applied twice or not at all shifts a whole product by 0.1. What is
compared is small: a few bands at some hundred metres, clear in the scene classification. What
was counted is kept in the records under the ids of the two products, so that it is read once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.nouns.product import Product, ProductFile
from landcover.parts.preparation.radiometry_records import recall, wrong_way
from landcover.parts.task import Task
from landcover.products.numbers import as_classes, as_numbers
from landcover.raster.clouds import downsample_any, scl_masked
from landcover.raster.reflectance import NODATA, harmonise
from landcover.raster.tripwire import OffsetEvidence, decide_offset, grown, offset_evidence
from landcover.raster.wrong_offset import WrongOffset, find_wrong_offsets
from landcover.stores.rasters import open_raster, read_overview

LAYERS = ("B02", "B04", "B05", "B06", "B07", "B8A", "B11", "B12", "B03", "B08")
"""Bands that are compared, the first eight that a product has: visible to shortwave infrared,
as few as possible of the large ones at 10 m."""
N_LAYERS = 8
LONGEST_PX = 400
"""Most rows or columns that are compared: 344 of 320 m on a full tile."""
N_NEAREST = 4
"""Each product is compared with so many later ones: all with all in a season, a band in a year."""
TRUST = {"metadata": 3, "given": 3, "provider": 2, "sniffed": 1, "baseline": 0}
"""How well an offset is known, by how it was decided."""
DECIDED = {
    "given": "as it was given; correct offset in its flat-products.yaml or the offset of its bands",
    "metadata": "as its metadata say; correct BOA_ADD_OFFSET in its MTD_MSIL2A.xml "
    "(raster:bands in its STAC item)",
    "provider": "since the catalogue says that it is in the pixels already; correct "
    "earthsearch:boa_offset_applied in its STAC item",
    "sniffed": "after a look at its darkest pixels; correct earthsearch:boa_offset_applied in "
    "its STAC item",
    "baseline": "assumed from its baseline, because its metadata have none; add BOA_ADD_OFFSET "
    "to its MTD_MSIL2A.xml (raster:bands to its STAC item)",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Refusal:
    """A product that is not used, because its offset is wrong."""

    name: str
    reason: str
    """What is wrong, what was expected and found, and what to do: the same wherever it lies."""
    evidence: str
    """What the pixels show, in a few words."""


@dataclass(frozen=True)
class _Sample:
    """What is compared of a product."""

    values: dict[str, NDArray[np.int16]]
    """Layer → harmonised numbers (y, x)."""
    is_clear: NDArray[np.bool_]


def wrong_products(task: Task, products: Mapping[str, Product]) -> list[Refusal]:
    """Find the products of a span whose offset is wrong.

    A plan reads no pixels: what was never compared counts as right there.

    Args:
        task: The task.
        products: Id → product, those that were chosen.

    Returns:
        What must not be used; empty where all agree.

    Raises:
        InputError: Two of them differ by an offset, and nothing says which is wrong; or a raster
            is damaged.
    """
    ids = sorted(products, key=lambda i: (products[i].datatake, products[i].name, i))
    pairs = [
        (a, b)
        for n, a in enumerate(ids)
        for b in ids[n + 1 : n + 1 + N_NEAREST]
        if _place(products[a]) == _place(products[b])
    ]
    sample = cache(lambda i: _sample(task, products[i]))

    def count(a: str, b: str) -> OffsetEvidence:
        return _count(sample(a), None if a == b else sample(b))

    both = [*((i, i) for i in ids), *pairs, *((b, a) for a, b in pairs)]
    findings = {pair: decide_offset(e) for pair, e in recall(task, "products", both, count).items()}
    wrong = find_wrong_offsets(
        ids,
        {pair: finding for pair, finding in findings.items() if pair[0] != pair[1]},
        alone={i: findings[i, i] for i in ids},
        trust={i: TRUST[products[i].offset_decision] for i in ids},
    )
    if wrong.undecided and not wrong.found:
        a, b = (products[i] for i in wrong.undecided[0])
        raise InputError(_undecided(task, a, b, findings[wrong.undecided[0]].step))
    return [_refusal(one, products) for one in wrong.found]


def _sample(task: Task, product: Product) -> _Sample | None:
    scl = product.file("SCL")
    files = [file for layer in LAYERS if (file := product.file(layer))][:N_LAYERS]
    if scl is None or len(files) < 2:
        return None
    coarsest = max((scl, *files), key=lambda file: file.grid.pixel).grid
    factor = 1
    while max(coarsest.shape) > LONGEST_PX * factor:
        factor *= 2  # JPEG 2000 and overviews are halved: anything between decodes far more
    pixel = coarsest.pixel * factor
    values = {file.layer: _numbers(file, pixel) for file in files}
    with open_raster(scl.href) as raster:
        codes = as_classes(scl, raster.read(band=scl.band_number))
    task.job.check()
    ratio = round(pixel / scl.grid.pixel)
    # At the edge of the data, numbers are mixed with the zeros outside.
    is_outside = grown(downsample_any(codes == 0, ratio))
    is_clear = ~(downsample_any(scl_masked(codes), ratio) | is_outside)
    shapes = [is_clear.shape, *(v.shape for v in values.values())]
    rows, columns = (min(sizes) for sizes in zip(*shapes, strict=True))
    return _Sample(
        {layer: v[:rows, :columns] for layer, v in values.items()}, is_clear[:rows, :columns]
    )


def _numbers(file: ProductFile, pixel: float) -> NDArray[np.int16]:
    ratio = round(pixel / file.grid.pixel)
    pixels = read_overview(file.href, -(-max(file.grid.shape) // ratio), file.band_number)
    return harmonise(as_numbers(file, pixels), offset=file.offset, scale=file.scale)


def _count(one: _Sample | None, other: _Sample | None) -> OffsetEvidence:
    if one is None:
        return OffsetEvidence()
    layers = [name for name in one.values if other is None or name in other.values]
    if len(layers) < 2:
        return OffsetEvidence()
    values = np.stack([one.values[name] for name in layers])
    if other is None:
        return offset_evidence(values, np.full_like(values, NODATA), one.is_clear)
    rows, columns = (min(s) for s in zip(one.is_clear.shape, other.is_clear.shape, strict=True))
    there = np.stack([other.values[name] for name in layers])[:, :rows, :columns]
    is_clear = one.is_clear[:rows, :columns] & other.is_clear[:rows, :columns]
    return offset_evidence(values[:, :rows, :columns], there, is_clear)


def _place(product: Product) -> tuple[object, ...]:
    grid = min((file.grid for file in product.files), key=lambda g: g.pixel)
    return grid.crs, grid.bounds


def _offset(product: Product) -> str:
    offsets = sorted({file.offset for file in product.files if file.layer.startswith("B")})
    return "/".join(str(offset) for offset in offsets) or "none"


def _refusal(one: WrongOffset, products: Mapping[str, Product]) -> Refusal:
    product = products[one.name]
    others = ", ".join(sorted(products[i].name for i in one.others))
    what, side, step = wrong_way(one.finding.verdict)
    where = (
        f"all its bands lie 0.1 {side} those of {others} (expected a step of 0, found {step})"
        if others
        else "it is darker than any surface (expected 0 or more in the dark, found down to -0.1)"
    )
    reason = (
        f"radiometric offset {what}: {where}; an offset of {_offset(product)} was used, "
        f"{DECIDED[product.offset_decision]}, or deliver it again"
    )
    return Refusal(product.name, reason, one.finding.reason)


def _undecided(task: Task, a: Product, b: Product, step: float) -> str:
    side = "above" if step > 0 else "below"
    return (
        f"{task.unit.label}: {a.name} (offset {_offset(a)}) lies 0.1 {side} {b.name} (offset "
        f"{_offset(b)}) in all bands (expected a step of 0, found {step:+.1f}), so the radiometric "
        "offset of one was applied twice or not at all, and no dark pixel and no other product "
        "tells of which; correct BOA_ADD_OFFSET or earthsearch:boa_offset_applied of the wrong "
        "one, or remove it."
    )
