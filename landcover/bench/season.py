"""One season of one tile for the benches that prepare: simulated, multiplied, brought to masks."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landcover.bench.tables import Progress, Request
from landcover.errors import InputError
from landcover.nouns.unit_document import unit_document

if TYPE_CHECKING:
    from landcover.nouns.grid import Window

TILE = "30SUF"
NAME = re.compile(
    r"MSIL2A_(?P<year>\d{4})(?P<month>\d{2})\d{2}T\d{6}_N\d{4}_R\d{3}_T(?P<tile>\w{5})_"
)
BYTES_PER_PIXEL = 22.0
"""Of one product on disk, per pixel of 10 m: 14 bands and the SCL as lossless JPEG 2000."""
OUTPUT_BYTES_PER_PIXEL = 12.0
"""Of composite and masks on disk, per pixel of 10 m."""
MOST_SIMULATED = 5
"""Products that the simulator makes of one season; more are copies of these with other dates."""
LAYERS = (
    "AOT", "B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B09", "B11", "B12", "B8A",
    "WVP",
)  # fmt: skip
"""The 14 rasters of a composite."""


@dataclass(frozen=True)
class Season:
    """Products of one season and tile."""

    products: Path
    """Folder of the SAFE folders."""
    tile: str
    """Tile id."""
    year: int
    """Year of the season."""
    month: int
    """Its month."""


def disk_gb(pixels: int, products: int) -> float:
    """Say how much a season and its composites take, GB."""
    return pixels**2 * (products * BYTES_PER_PIXEL + OUTPUT_BYTES_PER_PIXEL) / 1e9


def make_season(request: Request, pixels: int, progress: Progress) -> Season:
    """Simulate a summer of one tile with little cloud, or take the region that was asked for."""
    if request.region is not None:
        return read_season(request.region)
    from landcover.simulate import simulate

    region = simulate(
        request.folder / "region",
        tiles=[TILE],
        pixels=pixels,
        points_per_class=1,
        products_per_season=MOST_SIMULATED,
        seasons=["summer"],
        only_usable=True,
        seed=request.seed,
        progress=lambda what, share: progress(share, f"simulating: {what}"),
    )
    return read_season(region.folder)


def read_season(region: Path) -> Season:
    """Find the month and tile of which a folder has most products.

    Raises:
        InputError: There are none.
    """
    folder = region / "products" if (region / "products").is_dir() else region
    found = [match for path in sorted(folder.glob("*.SAFE")) if (match := NAME.search(path.name))]
    if not found:
        raise InputError(f"{folder}: no Sentinel-2 L2A product (*.SAFE) here. Check --region.")
    places = Counter((m["tile"], int(m["year"]), int(m["month"])) for m in found)
    (tile, year, month), _ = min(places.items(), key=lambda item: (-item[1], item[0]))
    return Season(folder, tile, year, month)


def multiply(season: Season, count: int, folder: Path) -> Season:
    """Give a season at least ``count`` products: copies of its own, sensed some seconds later.

    Pixels are not copied but linked; only names and metadata say another second.
    """
    mine = sorted(season.products.glob(f"*_{season.year}{season.month:02}*_T{season.tile}_*.SAFE"))
    folder.mkdir(parents=True)
    for number in range(max(count, len(mine))):
        _copy(mine[number % len(mine)], folder, seconds=number // len(mine))
    return Season(folder, season.tile, season.year, season.month)


def over_the_year(season: Season, count: int, folder: Path) -> Season:
    """Spread ``count`` products evenly over the year: its own, with the dates of other passes.

    Pixels are not copied but linked, so the products of different dates that are links to one show
    the same clouds. At most 36 of one simulated product, one every ten days.
    """
    from landcover.simulate import relink_product

    mine = sorted(season.products.glob(f"*_{season.year}{season.month:02}*_T{season.tile}_*.SAFE"))
    folder.mkdir(parents=True)
    first, taken = date(season.year, 1, 1), set[tuple[int, int]]()
    for number in range(count):
        place = number % len(mine)
        sensed = datetime.strptime(mine[place].name.split("_")[2][:8], "%Y%m%d").date()
        wanted = int(365 * (number + 0.5) / count) - (sensed - first).days
        days = 10 * round(wanted / 10)
        while (place, days) in taken:
            days += 10
        taken.add((place, days))
        if days:
            relink_product(mine[place], folder, days=days)
        else:
            (folder / mine[place].name).symlink_to(mine[place].resolve())
    return Season(folder, season.tile, season.year, season.month)


def _copy(product: Path, folder: Path, seconds: int) -> None:
    old = product.name.split("_")[2]  # 20210603T105619
    new = f"{old[:-2]}{(int(old[-2:]) + seconds) % 60:02}"
    spelt = (f"{d[:4]}-{d[4:6]}-{d[6:11]}:{d[11:13]}:{d[13:]}" for d in (old, new))
    changes = [(old, new), tuple(spelt)]

    def changed(text: str) -> str:
        for before, after in changes:
            text = text.replace(before, after)
        return text

    for path in sorted(product.rglob("*")):
        target = folder / changed(str(path.relative_to(product.parent)))
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".xml", ".safe"):
            target.write_text(changed(path.read_text()))
        elif path.is_file():
            os.symlink(path.resolve(), target)


def bring_to_masks(
    season: Season, workspace: Path, products: int, more: Mapping[str, Any] | None = None
) -> str:
    """Collect and mask a season in a fresh workspace, which the environment names from then on.

    Args:
        season: The products.
        workspace: Folder of the workspace.
        products: Most products of the composite.
        more: Further sections of the recipe.

    Returns:
        The unit's id.
    """
    from landcover import api

    use(workspace)
    recipe = {
        "name": "bench",
        "seasons": [
            {
                "name": "season",
                "primary_month": season.month,
                "fallback_month": season.month % 12 + 1,
            }
        ],
        "selection": {"max_products": products, "max_cloud_percent": 100.0},
        **(more or {}),
    }
    api.start_run(
        "bench",
        recipe,
        year=season.year,
        products=str(season.products),
        tiles=[season.tile],
        until="composite",
    )
    unit = api.plan("bench", "prepare")[0]["unit"]
    for stage in ("collect", "mask"):
        run_stage(stage, unit)
    return unit


def use(workspace: Path) -> None:
    """Let the environment of this process name a workspace on the local disk, and nothing else."""
    for name in list(os.environ):
        if name.startswith("LANDCOVER_"):
            del os.environ[name]
    os.environ["LANDCOVER_WORKSPACE"] = str(workspace)


def run_stage(stage: Any, unit: str, *, memory_gb: float = 2.0, threads: int = 1) -> None:
    """Run a stage of the unit.

    Raises:
        InputError: It failed; its message says why.
    """
    from landcover import api

    document = unit_document("bench", stage, unit, memory_gb=memory_gb, threads=threads)
    outcome = api.run(stage, document)
    if outcome["state"] not in ("done", "reused"):
        raise InputError(f"{stage} {outcome['state']}: {outcome['message']}")


@dataclass(frozen=True)
class Band:
    """One raster of one product that a composite reads."""

    layer: str
    """``B02`` …"""
    path: str
    """The JPEG 2000 file."""
    mask: str
    """Mask of its product on its own grid, or on the next coarser one."""
    offset: int
    """Added to each digital number."""
    scale: float
    """Digital numbers per unit."""


def bands() -> list[Band]:
    """List what the composite of the workspace reads, layer by layer."""
    from landcover import api

    stores = api.open_workspace()
    masks = stores.records.find("outputs", {"wanted.stage": "mask"}, sort=["wanted.unit"])
    found = []
    for document in masks:
        product_id = document["wanted"]["inputs"]["product"][0]
        product = stores.records.get("products", product_id) or {}
        has = {file["name"] for file in document["files"]}
        for file in product["product"]["files"]:
            name = f"{file['grid']['pixel']:g}m.tif"
            mask = stores.objects.href(document["key"], name if name in has else "20m.tif")
            if file["layer"] in LAYERS:
                found.append(Band(file["layer"], file["href"], mask, file["offset"], file["scale"]))
    return sorted(found, key=lambda band: band.layer)


def rasters(season: Season) -> list[Path]:
    """List the rasters of the season's first product that a composite reads, by layer."""
    product = min(season.products.glob("*.SAFE"))
    # Coarse before fine, so that the finest of each layer stays.
    paths = sorted(product.glob("GRANULE/*/IMG_DATA/R*/*.jp2"), key=lambda p: p.parent.name)
    files = {path.name.split("_")[-2]: path for path in reversed(paths)}
    return [files[layer] for layer in LAYERS if layer in files]


def blocks(path: str) -> list[Window]:
    """List the blocks that a raster declares, row by row."""
    from landcover.stores.rasters import describe

    info = describe(path)
    return tiling(info.shape, info.block)


def tiling(shape: tuple[int, int], side: tuple[int, int]) -> list[Window]:
    """Cover (rows, columns) with windows of (rows, columns), row by row."""
    from landcover.nouns.grid import Window

    (height, width), (rows, columns) = shape, side
    return [
        Window(row, column, min(rows, height - row), min(columns, width - column))
        for row in range(0, height, rows)
        for column in range(0, width, columns)
    ]


def to_arguments(season: Season) -> dict[str, Any]:
    """Write a season as arguments of a work function."""
    return {**asdict(season), "products": str(season.products)}


def from_arguments(arguments: Mapping[str, Any]) -> Season:
    """Read a season from the arguments of a work function."""
    return Season(**{**arguments, "products": Path(arguments["products"])})
