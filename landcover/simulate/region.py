"""The front door of the simulator: a small region with everything that a map of it needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from landcover.errors import InputError
from landcover.simulate.acquisitions import MOST_PRODUCTS, Acquisition, baseline_of, plan_year
from landcover.simulate.dem_cells import write_cells
from landcover.simulate.ground import Bands, draw_ground
from landcover.simulate.ground_truth import write_independent_labels, write_labels, write_truth
from landcover.simulate.landscape import Landscape, draw_landscape
from landcover.simulate.safe import identify, write_safe
from landcover.simulate.scene import draw_scene
from landcover.simulate.site import Site, place_windows
from landcover.simulate.sky import Sun, draw_sky, sun_at
from landcover.simulate.spectra import SEASONS, Season

Progress = Callable[[str, float], None]

DEFAULT_TILES = ("30SUF", "30SVF")
"""Two neighbours on the coast of Andalusia: their windows meet near 4.07° W, 36.79° N."""

MARK = "SIMULATED.txt"
"""Name of the note that marks a folder of products as simulated."""

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
labels_independent.geojson    simple random sample of the region: for judging a map
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
    """GeoJSON of the training points: ``label`` (name) and ``class`` (map code 1-9)."""
    labels_independent: Path
    """GeoJSON of a simple random sample, same properties."""
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
    seed: int = 0,
    progress: Progress | None = None,
) -> SimulatedRegion:
    """Simulate products, elevation, labels and truth of one to four neighbouring tiles.

    Each tile is a window of ``pixels`` × ``pixels``; windows of neighbours overlap. The same
    arguments write the same bytes.

    Args:
        out: Folder to fill; it must be absent or empty.
        tiles: Tiles of one UTM zone that touch, a block of two by two at most.
        pixels: Side of a window in 10 m pixels, 240 … 1,100, a multiple of 6.
        year: Calendar year, 2016 or later.
        points_per_class: Training points of each class; the independent sample has four times as
            many points.
        products_per_season: Products of each primary month, 3 … 6; the last are too cloudy to use.
            Spring and autumn have one more in their fallback month.
        seed: Same seed, same region.
        progress: Called with what is being done and how much is done, 0-1.

    Raises:
        InputError: An argument is out of range or the folder is not empty.
    """
    _check(out, pixels, year, points_per_class, products_per_season, seed)
    site = place_windows(tiles, pixels)
    tell = progress or (lambda _what, _done: None)
    tell("landscape", 0.0)
    land = draw_landscape(seed, site.hull)
    region = _lay_out(out, site, year)
    for folder in (region.products, region.dem, out / "truth"):
        folder.mkdir(parents=True)
    write_truth(site, land, out / "truth")
    write_labels(seed, site, land, region.labels, points_per_class)
    write_independent_labels(seed, site, land, region.labels_independent, 4 * points_per_class)
    tell("elevation", 0.05)
    write_cells(seed, site, land, region.dem)
    plan = plan_year(year, products_per_season, site.centre[0])
    _write_products(seed, site, land, plan, region.products, tell)
    note = _README.format(
        tiles=" ".join(site.tiles), year=year, pixels=pixels, seed=seed, points=points_per_class
    )
    # Whoever reads the products finds this note above them, and marks accuracy as simulated.
    (out / MARK).write_text(note, encoding="utf-8")
    tell("done", 1.0)
    return region


def _check(
    out: Path, pixels: int, year: int, points: int, products_per_season: int, seed: int
) -> None:
    if not 240 <= pixels <= 1100 or pixels % 6:
        raise InputError(
            f"pixels: expected a multiple of 6 from 240 to 1100 (20 m and 60 m grids must nest), "
            f"found {pixels}."
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


def _lay_out(out: Path, site: Site, year: int) -> SimulatedRegion:
    return SimulatedRegion(
        folder=out,
        products=out / "products",
        dem=out / "dem",
        labels=out / "labels.geojson",
        labels_independent=out / "labels_independent.geojson",
        truth={tile: out / "truth" / f"{tile}.tif" for tile in site.tiles},
        year=year,
        tiles=site.tiles,
    )


def _write_products(
    seed: int,
    site: Site,
    land: Landscape,
    plan: Sequence[Acquisition],
    folder: Path,
    tell: Progress,
) -> None:
    grounds: dict[Season, Bands] = {}
    for season in SEASONS:
        tell(f"ground in {season}", 0.1)
        grounds[season] = draw_ground(seed, land, season)
    odd = next(n for n, acquisition in enumerate(plan) if acquisition.season == "autumn")
    for number, acquisition in enumerate(plan):
        zenith, azimuth = sun_at(acquisition.seen, *site.centre)
        sun = Sun(float(zenith), float(azimuth))
        sky = draw_sky(seed, site, acquisition, sun)
        ground = _between(grounds[acquisition.season], grounds["summer"], acquisition.to_summer)
        scene = draw_scene(seed, land, ground, acquisition, sky, sun)
        for tile in site.tiles:
            tell(f"{tile} {acquisition.datatake:%Y-%m-%d}", 0.15 + 0.85 * number / len(plan))
            baseline = baseline_of(acquisition, tile, site.tiles)
            identity = identify(acquisition, site, tile, baseline)
            odd_name = number == odd and tile == site.tiles[0]
            write_safe(folder, identity, site, scene, sun, odd_name=odd_name)


def _between(season: Bands, summer: Bands, share: float) -> Bands:
    if not share:
        return season
    return {band: (1 - share) * season[band] + share * summer[band] for band in season}
