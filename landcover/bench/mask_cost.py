"""What refining masks costs: a quarter of one tile by each variant, beside decoding what it reads.

The learned mask, where it is installed, has a row of its own: it reads other bands.

`landcover bench masks` without ``--region``. Products are simulated with clouds that are hard to
tell, lossless JPEG 2000; more than five are links to these with other dates, spread over the year.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landcover.bench import season
from landcover.bench.as_published import Measured, PublishedRow, measure_as_published
from landcover.bench.processes import Case, side_by_side
from landcover.bench.tables import Progress, Report, Request, Row, Work

if TYPE_CHECKING:
    from landcover.nouns.grid import Window
    from landcover.stores.rasters import Opened

VARIANTS = ("deck", "ours")
UKIS = "mask.variant ukis (its own four bands)"
"""The learned mask, where its extra is installed: a cost of its own, beside no limit."""
DECODED = ("SCL", "B02", "B11", "B08")
"""Layers that both variants decode of an image with clouds; of others blue, and B11 by ours."""
SCRATCH_BYTES = {"deck": 2 + 1, "ours": 1}
"""Of scratch for a 10 m pixel of an image while its quarter is refined."""
DEFAULT_PRODUCTS = 5
YEAR_PRODUCTS = 24
"""Of a year, where it is measured as the deck does."""
PUBLISHED = (
    PublishedRow("HRLC deck, re-implemented", 906, 21.0),
    PublishedRow("HRLC deck, existing", 1187, 15.8),
)
"""Refining a tile's masks; how many images it had is not told."""


def disk_gb(request: Request) -> float:
    """Say what products, masks and scratch take, GB."""
    usual = DEFAULT_PRODUCTS if request.as_published is None else YEAR_PRODUCTS
    pixels, products = request.pixels_or(2196), request.products or usual
    made = season.disk_gb(pixels, min(products, season.MOST_SIMULATED))
    return made + pixels**2 * (8 + products * max(SCRATCH_BYTES.values())) / 1e9


def measure(request: Request, progress: Progress) -> Report:
    """Refine the masks of a quarter by both variants, and decode the same layers alone."""
    products = request.products or DEFAULT_PRODUCTS
    cases, title = _cases(request, products, progress)
    rows = side_by_side(title, cases, request.repeats_or(3), progress, same=False)
    return Report("masks", _facts(request, products), rows, tuple(_notes(rows)))


def as_published(request: Request, progress: Progress) -> Report:
    """Refine the masks of a year three times by each variant, memory over time drawn."""
    products = request.products or YEAR_PRODUCTS
    cases, title = _cases(request, products, progress)
    what = Measured("masks", title, PUBLISHED, _facts(request, products))
    folder = request.as_published
    return measure_as_published(what, cases[:-1], request.repeats or 3, folder, progress)


def _facts(request: Request, products: int) -> dict[str, Any]:
    side = request.pixels_or(2196)
    return {"pixels": side, "products": products, "threads": request.threads or 1}


def _cases(request: Request, products: int, progress: Progress) -> tuple[list[Case], str]:
    """Simulate products, and say what is measured of them."""
    made = _products(request, products, progress)
    known = {**season.to_arguments(made), "folder": str(request.folder), "count": products}
    known["threads"] = request.threads or 1
    known["is_year"] = products > season.MOST_SIMULATED
    cases = [
        Case(f"mask.variant {variant}", f"{__name__}:refine", {**known, "variant": variant})
        for variant in VARIANTS
    ]
    if request.as_published is None and find_spec("ukis_csmask") is not None:
        cases.append(Case(UKIS, f"{__name__}:refine", {**known, "variant": "ukis"}))
    cases.append(Case("decode alone, once each", f"{__name__}:decode", known))
    period = "year" if known["is_year"] else "quarter"
    side = request.pixels_or(2196)
    return cases, f"masks of {products} products of a {period}, {side:,} px"


def _products(request: Request, products: int, progress: Progress) -> season.Season:
    from landcover.simulate import simulate

    region = simulate(
        request.folder / "region",
        tiles=[season.TILE],
        pixels=request.pixels_or(2196),
        points_per_class=1,
        products_per_season=season.MOST_SIMULATED,
        seasons=["summer"],
        only_usable=True,
        hard_masks=True,
        seed=request.seed,
        progress=lambda what, share: progress(share, f"simulating: {what}"),
    )
    made = season.read_season(region.folder)
    if products > season.MOST_SIMULATED:
        made = season.over_the_year(made, products, request.folder / "copies")
    return made


def refine(
    products: str, tile: str, year: int, month: int, *, folder: str, count: int, threads: int,
    is_year: bool, variant: str,
) -> Work:  # fmt: skip
    """Collect a quarter or year, then time its mask stage; gives the images with shadows sought."""
    from landcover import api
    from landcover.ledger import outputs, units

    place = tempfile.mkdtemp(prefix=f"{variant}-", dir=folder)
    season.use(Path(place))
    last = 12 if is_year else 3 * ((month - 1) // 3) + 3
    first = 1 if is_year else last - 2
    most = min(count, 255 // (last - first + 1))
    document = {
        "name": "bench",
        "seasons": [{"name": "whole", "first_month": first, "last_month": last}],
        "selection": {"max_products": most, "max_cloud_percent": 100.0},
        "mask": {"variant": variant, "growth_m": 0},
    }
    api.start_run("bench", document, year=year, products=products, tiles=[tile], until="composite")
    unit = api.plan("bench", "prepare")[0]["unit"]
    season.run_stage("collect", unit)

    def work() -> dict[str, Any]:
        season.run_stage("mask", unit, threads=threads)
        workspace = api.open_workspace()
        state = units.load(workspace.records, "bench", "mask", unit)
        assert state is not None
        made = [outputs.load(workspace, name) for name in state.outputs]
        return {
            "masks": len(made),
            "with_shadows": sum("kept" not in output.stats.get("shadows", {}) for output in made),
        }

    return work


def decode(
    products: str, tile: str, year: int, month: int, *, folder: str, count: int, threads: int,
    is_year: bool,
) -> Work:  # fmt: skip
    """Decode the layers that refinement reads, each block of each image once."""
    from landcover.products.reading import read_product
    from landcover.stores.rasters import ReadingPool, describe

    del folder
    pattern = f"*_{year}{'' if is_year else f'{month:02}'}*_T{tile}_*.SAFE"
    found = [read_product(path) for path in sorted(Path(products).glob(pattern))][:count]
    files = [file for product in found for file in product.files if file.layer in DECODED]
    orders: Sequence[tuple[str, Window]] = [
        (file.href, window) for file in files for window in season.blocks(file.href)
    ]

    def read(path: str, window: Window, opened: Opened) -> int:
        return int(opened(path).read(window, band=1)[0, 0])

    def work() -> dict[str, Any]:
        with ReadingPool(threads) as pool:
            waiting = [pool.submit(partial(read, path, window)) for path, window in orders]
            for future in waiting:
                future.result()
        return {"products": len(found), "widest": max(describe(f.href).shape[1] for f in files)}

    return work


def _notes(rows: Sequence[Row]) -> list[str]:
    alone = rows[-1].cost.cpu_seconds
    return [
        f"{row.engine}: {100 * (row.cost.cpu_seconds / alone - 1):+.0f} % of the CPU of decoding "
        f"{', '.join(DECODED)} once each; shadows sought in {row.result['with_shadows']} of "
        f"{row.result['masks']} images."
        for row in rows[:-1]
        if row.engine != UKIS
    ]
