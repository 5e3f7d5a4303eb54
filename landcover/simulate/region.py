"""The front door of the simulator: a small region with everything that a map of it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from landcover.errors import InputError
from landcover.simulate.acquisitions import MOST_PRODUCTS, Acquisition, baseline_of, plan_year
from landcover.simulate.dem_cells import Upland, write_cells
from landcover.simulate.disk_space import check_disk_space
from landcover.simulate.ground_truth import (
    Point,
    choose_independent_labels,
    choose_labels,
    write_truth,
)
from landcover.simulate.label_files import write_points
from landcover.simulate.layers import DiskLayers, Layers, MemoryLayers
from landcover.simulate.safe import MARK, identify, write_safe
from landcover.simulate.site import TILE_M, Site, place_sites
from landcover.simulate.site_simulator import SiteSimulator, is_whole
from landcover.simulate.sky import Sun, sun_at
from landcover.simulate.spectra import SEASONS, Season
from landcover.simulate.truth_masks import keep_masks
from landcover.simulate.zones import SharedGround, place_across

Progress = Callable[[str, float], None]

DEFAULT_TILES = ("30SUF", "30SVF")
"""Two neighbours on the coast of Andalusia: their windows meet near 4.07° W, 36.79° N."""

TILE_PIXELS = TILE_M // 10
"""Side of a whole tile, 10 m pixels."""
_APART = 1_000_003
"""Added to the seed from one site to the next."""
_DRAWING = 0.15
"""Share of the work that is done when the ground is drawn, about."""

_README = """\
Simulated Sentinel-2 region
===========================
Everything in this folder is made up by a program: the landscape, the clouds, the products, the
elevation and the labels. No satellite has seen it. The accuracy that a map of it reaches proves
that the program works; it says nothing about the world and must never be reported as if it did.

tiles     {tiles}
year      {year}
window    {pixels} x {pixels} pixels of 10 m in each tile
seed      {seed}

products/                     SAFE folders of L2A products
dem/                          ASTER-like elevation cells
truth/                        the true class of every pixel
labels.geojson                {points} points per class, well inside patches: for training
                              (the same as labels.csv and labels.kmz)
labels_independent.geojson    simple random sample of the region: for validating a map
"""


@dataclass(frozen=True)
class SimulatedRegion:
    """Where everything of a simulated region lies."""

    folder: Path
    """Folder of all that follows."""
    products: Path
    """Folder of the SAFE products."""
    dem: Path
    """Folder of the elevation cells."""
    labels: Path
    """GeoJSON of the training points: ``label`` (name) and ``class`` (map code 1-9). The same
    points lie beside it as ``.csv`` and ``.kmz``."""
    labels_independent: Path
    """GeoJSON of a simple random sample, same properties, and the same beside it."""
    truth: dict[str, Path]
    """Tile → raster of map codes 1-9 on the 10 m grid of its window."""
    year: int
    """Calendar year of the products."""
    tiles: tuple[str, ...]
    """Tile ids."""


def simulate(
    out: Path,
    *,
    tiles: Sequence[str] = DEFAULT_TILES,
    pixels: int = 240,
    year: int = 2021,
    points_per_class: int = 60,
    products_per_season: int = 3,
    seasons: Sequence[Season] = SEASONS,
    only_usable: bool = False,
    across_zones: bool = False,
    hard_masks: bool = False,
    good_classes: bool = False,
    seed: int = 0,
    progress: Progress | None = None,
) -> SimulatedRegion:
    """Simulate products, elevation, labels and truth of some tiles.

    Each tile is a window of ``pixels`` × ``pixels``; windows of neighbours overlap. The same
    arguments write the same bytes. Regions larger than a few kilometres are drawn in blocks, in
    about a gigabyte of memory, and wait on disk in the folder while their products are written.

    Args:
        out: Folder to fill; it must be absent or empty.
        tiles: Tiles; up to two by two neighbours share ground, and all of a zone where windows
            are so large that they meet.
        pixels: Side of a window in 10 m pixels, 240 … 10,980 (a whole tile), a multiple of 6.
        year: Calendar year, 2016 or later.
        points_per_class: Training points of each class; the independent sample has four times as
            many points.
        products_per_season: Products of each primary month, 3 … 6; the last are too cloudy to use.
            Spring and autumn have one more in their fallback month.
        seasons: Seasons to write products of.
        only_usable: Write exactly ``products_per_season`` products a season, all of them with
            little cloud.
        across_zones: Lay windows of two UTM zones so that they overlap at the border of both, over
            one ground; each zone has clouds of its own. One tile of each zone, or two of a column.
        hard_masks: Make clouds hard to tell: tops at 0.3-10 km in several layers, bright soil,
            shaded slopes, and a classification with Sen2Cor's published errors
            (`landcover.simulate.hard_sky`). What is there is written to ``truth/masks``.
        good_classes: With ``hard_masks``: keep the simulator's usual classification, whose errors
            are small.
        seed: Same seed, same region.
        progress: Called with what is being done and how much is done, 0-1.

    Raises:
        InputError: An argument is out of range or the folder is not empty, or the
            disk has too little space.

    Examples:
        >>> from pathlib import Path
        >>> from landcover import api
        >>> api.simulate(Path("simulated"), tiles=["30SUF"], points_per_class=5).tiles
        ('30SUF',)
    """
    _check(out, pixels, year, points_per_class, products_per_season, seed, seasons)
    sites = (place_across if across_zones else place_sites)(tiles, pixels)
    plan = plan_year(
        year,
        products_per_season,
        sites[0].centre[0],
        seasons=seasons,
        only_usable=only_usable,
        is_hard=hard_masks,
        has_good_classes=good_classes,
    )
    check_disk_space(out, sites, plan)
    tell = progress or (lambda _what, _done: None)
    tell("landscape", 0.0)
    region = _lay_out(out, tuple(tiles), year)
    for folder in (region.products, region.dem, out / "truth"):
        folder.mkdir(parents=True)
    # Whoever reads the products finds this note above them, and marks accuracy as simulated.
    note = _README.format(
        tiles=" ".join(tiles), year=year, pixels=pixels, seed=seed, points=points_per_class
    )
    (out / MARK).write_text(note, encoding="utf-8")
    labels: list[Point] = []
    independent: list[Point] = []
    ground = SharedGround(seed, sites) if across_zones else None
    uplands = [ground.upland] if ground else []
    for number, site in enumerate(sites):
        with _layers_of(site, out) as layers:
            # The first site is what a region of one site is.
            simulator = SiteSimulator(seed + _APART * number, site, layers)
            job = _Job(simulator, site, layers, _Share(tell, number, len(sites)))
            if ground:
                ground.put_ground(site, layers, _seasons_of(plan))
                simulator.use_ground(ground.snow_line)
            else:
                _draw(job, plan)
                uplands.append(Upland(site, simulator.relief))
            write_truth(site, layers, out / "truth")
            own = [
                count * (number + 1) // len(sites) - count * number // len(sites)
                for count in (points_per_class, 4 * points_per_class)
            ]
            labels += choose_labels(simulator.seed, site, layers, own[0])
            independent += choose_independent_labels(simulator.seed, site, layers, own[1])
            _write_products(job, plan, region.products)
    write_points(region.labels, labels)
    write_points(region.labels_independent, independent)
    tell("elevation", 0.99)
    write_cells(seed, uplands, region.dem)
    tell("done", 1.0)
    return region


@dataclass(frozen=True)
class _Share:
    """Tells the progress of one of several sites."""

    tell: Progress
    number: int
    count: int

    def __call__(self, what: str, done: float) -> None:
        self.tell(what, 0.99 * (self.number + done) / self.count)


@dataclass(frozen=True)
class _Job:
    simulator: SiteSimulator
    site: Site
    layers: Layers
    tell: Progress


@contextmanager
def _layers_of(site: Site, out: Path) -> Iterator[Layers]:
    if is_whole(site):
        yield MemoryLayers()
        return
    with TemporaryDirectory(prefix=".layers-", dir=out) as folder:
        yield DiskLayers(Path(folder), site.hull.shape)


def _check(
    out: Path,
    pixels: int,
    year: int,
    points: int,
    products_per_season: int,
    seed: int,
    seasons: Sequence[str],
) -> None:
    if not 240 <= pixels <= TILE_PIXELS or pixels % 6:
        raise InputError(
            f"pixels: expected a multiple of 6 from 240 to {TILE_PIXELS} (20 m and 60 m grids must "
            f"nest), found {pixels}."
        )
    if not seasons or not set(seasons) <= set(SEASONS):
        raise InputError(
            f"seasons: expected some of {', '.join(SEASONS)}, found {', '.join(seasons) or 'none'}."
        )
    if not 2016 <= year <= 2099:
        raise InputError(f"year: expected 2016 to 2099, found {year}.")
    if not 1 <= points <= 10_000:
        raise InputError(f"points_per_class: expected 1 to 10000, found {points}.")
    if not 3 <= products_per_season <= MOST_PRODUCTS:
        raise InputError(
            f"products_per_season: expected 3 to {MOST_PRODUCTS}, found {products_per_season}."
        )
    if seed < 0:
        raise InputError(f"seed: expected a whole number from 0, found {seed}.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is not an empty folder; choose another or remove it first.")


def _lay_out(out: Path, tiles: tuple[str, ...], year: int) -> SimulatedRegion:
    return SimulatedRegion(
        folder=out,
        products=out / "products",
        dem=out / "dem",
        labels=out / "labels.geojson",
        labels_independent=out / "labels_independent.geojson",
        truth={tile: out / "truth" / f"{tile}.tif" for tile in tiles},
        year=year,
        tiles=tiles,
    )


def _seasons_of(plan: Sequence[Acquisition]) -> list[Season]:
    wanted = {acquisition.season for acquisition in plan}
    if any(acquisition.to_summer for acquisition in plan):
        wanted.add("summer")
    return [season for season in SEASONS if season in wanted]


def _draw(job: _Job, plan: Sequence[Acquisition]) -> None:
    job.simulator.draw(_seasons_of(plan), lambda done: job.tell("landscape", _DRAWING * done))


def _write_products(job: _Job, plan: Sequence[Acquisition], folder: Path) -> None:
    autumn = (n for n, acquisition in enumerate(plan) if acquisition.season == "autumn")
    odd, tiles = next(autumn, -1), job.site.tiles
    for number, acquisition in enumerate(plan):
        zenith, azimuth = sun_at(acquisition.seen, *job.site.centre)
        sun = Sun(float(zenith), float(azimuth))
        for place, tile in enumerate(tiles):
            baseline = baseline_of(acquisition, tile, tiles)
            identity = identify(acquisition, job.site, tile, baseline)
            what, before = f"{tile} {acquisition.datatake:%Y-%m-%d}", number * len(tiles) + place
            tell = partial(_tell_product, job.tell, what, before, len(plan) * len(tiles))
            parts = job.simulator.take(acquisition, sun, tile)
            if acquisition.is_hard:
                name = f"{acquisition.datatake:%Y%m%dT%H%M%S}_{tile}.tif"
                parts = keep_masks(folder.parent / "truth" / "masks" / name, job.site, tile, parts)
            odd_name = number == odd and tile == tiles[0]
            write_safe(folder, identity, job.site, parts, sun, tell=tell, odd_name=odd_name)


def _tell_product(
    tell: Callable[[str, float], None], what: str, before: int, count: int, done: float
) -> None:
    tell(what, _DRAWING + (1 - _DRAWING) * (before + done) / count)
