"""Mosaic of twelve tiles across a zone border: joined, feathered and warped, beside rasterio."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landcover.bench.processes import Case, side_by_side
from landcover.bench.tables import Progress, Report, Request, Row, Work

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from landcover.nouns.grid import Grid
    from landcover.parts.mapping.joining import Joining

ZONES = {"32630": 757_580, "32631": 242_400}
"""Zone → easting of 0° east, 39.6° north, m: there the tiles of both meet."""
NORTHING = 4_387_660
ROWS, COLUMNS = 3, 2
"""Tiles of each zone."""
CLASSES = 6
PIXEL = 10
SHARED = 0.09
"""Share of a tile's side that its neighbour has too: 9.8 of 109.8 km."""
BIAS = 0.4
"""Standard deviation of what a tile's model is off by, in that of the scores of its classes."""
GRID = "EPSG:3035"
SMALL, SMALL_PIXELS = "small", 600
"""Folder and side of the maps that each side joins before it is timed. A warped view of rasterio
has whole blocks of 512 px or none that a TIFF may have."""
BYTES_PER_PIXEL = 12.0
"""Of maps and mosaics on disk, per pixel of a tile."""


def disk_gb(request: Request) -> float:
    """Say how much the bench writes, GB: twelve maps with probabilities, and their mosaics."""
    return 2 * ROWS * COLUMNS * BYTES_PER_PIXEL * request.pixels_or(1098) ** 2 / 1e9


def measure(request: Request, progress: Progress) -> Report:
    """Join the maps of both zones, with and without feathering, and warp them onto one grid.

    Beside it stand rasterio's own functions, as a script of a user would call them. They read and
    write the same classes and confidence. Neither's start counts: each side joins small maps
    before, which loads its libraries and compiled code.
    """
    pixels = request.pixels_or(1098)
    progress(0.0, "maps")
    write_maps(request.folder, pixels, request.seed)
    write_maps(request.folder / SMALL, SMALL_PIXELS, request.seed)
    shared = {"folder": str(request.folder), "pixels": pixels}
    repeats = request.repeats_or(1)
    rows: list[Row] = []
    for title, arguments, theirs in (
        ("by zone, primary tile", {"feather": False, "warped": False}, "with_merge"),
        ("by zone, feathered", {"feather": True, "warped": False}, None),
        (f"{GRID}, nearest", {"feather": False, "warped": True}, "with_warp"),
        (f"{GRID}, feathered", {"feather": True, "warped": True}, None),
    ):
        cases = [Case("ours", f"{__name__}:ours", {**shared, **arguments})]
        if theirs is not None:
            cases.append(Case("rasterio", f"{__name__}:{theirs}", shared))
        rows += side_by_side(title, cases, repeats, progress, same=False)
    megabytes = 2 * 2 * ROWS * COLUMNS * pixels**2 / 1e6
    notes = [
        f"{row.case}, {row.engine}: {megabytes / row.cost.cpu_seconds:.0f} MB of classes and "
        "confidence per CPU second."
        for row in rows
    ]
    facts = {"tiles": 2 * ROWS * COLUMNS, "pixels": pixels, "classes": CLASSES, "MB": megabytes}
    return Report("mosaic", facts, rows, [*notes, *_disagreement(rows)])


def grids(pixels: int) -> dict[str, Grid]:
    """Place the tiles: three rows and two columns in each zone, overlapping across the border."""
    from landcover.nouns.grid import Grid

    step = round(pixels * (1 - SHARED)) * PIXEL
    half = round(pixels * SHARED / 2) * PIXEL
    found = {}
    for zone, easting in ZONES.items():
        # The nearest columns reach beyond the border by half an overlap.
        first = easting + half - pixels * PIXEL if zone == "32630" else easting - half
        for row in range(ROWS):
            for column in range(COLUMNS):
                away = -column if zone == "32630" else column
                found[f"{zone}-{row}{column}"] = Grid(
                    crs=f"EPSG:{zone}",
                    ulx=(first + away * step) // (2 * PIXEL) * 2 * PIXEL,
                    uly=(NORTHING - row * step) // (2 * PIXEL) * 2 * PIXEL,
                    pixel=PIXEL,
                    width=pixels,
                    height=pixels,
                )
    return found


def write_maps(folder: Path, pixels: int, seed: int) -> None:
    """Write classes, confidence and probabilities of each tile: one ground, twelve errors.

    The ground is parcels of 1/1500 degree with a mean score of each class; every tile adds an
    error of its own to all scores of a class, and every pixel its noise.
    """
    import numpy as np

    from landcover.parts.mapping.joining import FILES
    from landcover.stores.rasters import RasterStyle, write_raster

    rng = np.random.default_rng(seed)
    ground = rng.normal(0, 1, (257, 257, CLASSES)).astype(np.float32)
    codes = np.arange(1, CLASSES + 1, dtype=np.uint8)
    for tile, grid in grids(pixels).items():
        place = folder / tile
        place.mkdir(parents=True, exist_ok=True)
        column, row = _parcels(grid)
        scores = ground[row % 257, column % 257]
        scores += rng.normal(0, BIAS, CLASSES).astype(np.float32)
        scores += rng.normal(0, 0.2, scores.shape).astype(np.float32)
        likely = np.exp(2 * scores)
        likely /= likely.sum(axis=-1, keepdims=True)
        found = np.moveaxis(np.floor(254 * likely + 0.5).astype(np.uint8), -1, 0)
        names = tuple(f"class {code}" for code in codes)
        bands = RasterStyle("uint8", 255, names)
        write_raster(place / FILES[0], codes[found.argmax(axis=0)], grid, RasterStyle("uint8", 0))
        write_raster(place / FILES[1], found.max(axis=0), grid, RasterStyle("uint8", 255))
        write_raster(place / FILES[2], found, grid, bands)


def _parcels(grid: Grid) -> tuple[NDArray[Any], NDArray[Any]]:
    """Name the parcel of each pixel by its (column, row) on a grid of degrees."""
    import numpy as np
    from pyproj import Transformer

    rows, columns = np.mgrid[0 : grid.height, 0 : grid.width] + 0.5
    project = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform
    lon, lat = project(grid.ulx + columns * grid.pixel, grid.uly - rows * grid.pixel)
    return np.floor(lon * 1500).astype(np.intp), np.floor(lat * 1500).astype(np.intp)


def ours(folder: str, pixels: int, feather: bool, warped: bool) -> Work:
    """Join as the mosaic stage does; what it counted comes back."""
    _join(Path(folder) / SMALL, SMALL_PIXELS, feather=feather, warped=warped)()
    return _join(Path(folder), pixels, feather=feather, warped=warped)


def _join(folder: Path, pixels: int, *, feather: bool, warped: bool) -> Work:
    from landcover.parts.mapping.joining import FILES
    from landcover.parts.task import Job
    from landcover.stores.rasters import RasterStyle

    styles = {FILES[0]: RasterStyle("uint8", 0), FILES[1]: RasterStyle("uint8", 255)}
    joinings = _joinings(folder, pixels, feather=feather, warped=warped)

    def work() -> Any:
        for name, joining in joinings.items():
            out = folder / f"out-{name}"
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir()
            joining.write(Job(), out, styles)
        return lambda: _found(folder, joinings, FILES[0])

    return work


def _joinings(folder: Path, pixels: int, *, feather: bool, warped: bool) -> dict[str, Joining]:
    from landcover.parts.mapping.joining import FILES, Joining
    from landcover.parts.mapping.tile_windows import Source
    from landcover.raster.mosaic import lattice_union

    placed = grids(pixels)
    names = FILES if feather else FILES[:2]
    sources = {
        tile: Source(tile, {name: str(folder / tile / name) for name in names}, grid)
        for tile, grid in sorted(placed.items())
    }
    codes = tuple(range(1, CLASSES + 1))
    if warped:
        target = _target(list(placed.values()))
        return {GRID[5:]: Joining(list(sources.values()), [], target, codes, feather)}
    found = {}
    for zone in ZONES:
        own = [source for tile, source in sources.items() if tile.startswith(zone)]
        others = [source for tile, source in sources.items() if not tile.startswith(zone)]
        target = lattice_union([source.grid for source in own])
        found[zone] = Joining(own, others, target, codes, feather)
    return found


def _target(placed: list[Grid]) -> Grid:
    from math import ceil, floor

    from landcover.nouns.grid import Grid
    from landcover.parts.mapping.footprints import footprint_in

    boxes = [footprint_in(grid, GRID).bounds for grid in placed]
    left = floor(min(box[0] for box in boxes) / PIXEL) * PIXEL
    top = ceil(max(box[3] for box in boxes) / PIXEL) * PIXEL
    width = ceil((max(box[2] for box in boxes) - left) / PIXEL)
    height = ceil((top - min(box[1] for box in boxes)) / PIXEL)
    return Grid(crs=GRID, ulx=left, uly=top, pixel=PIXEL, width=width, height=height)


def _found(folder: Path, joinings: dict[str, Joining], name: str) -> dict[str, float]:
    pairs = {
        (pair["first"], pair["second"]): pair
        for joining in joinings.values()
        for pair in joining.overlaps()
    }.values()
    differing, pixels = (sum(pair[key] for pair in pairs) for key in ("differing", "pixels"))
    found = {"before_percent": round(100 * differing / pixels, 2)}
    if len(joinings) == 2:
        found["after_percent"] = _across(folder, joinings, name)
    return found


def _across(folder: Path, joinings: dict[str, Joining], name: str) -> float:
    """Say where the mosaics of both zones differ, % of what they have in common."""
    import numpy as np

    from landcover.parts.mapping.tile_windows import Source, find_place
    from landcover.raster.disagreement import Disagreement
    from landcover.stores.rasters import OpenRasters

    (west, first), (east, second) = joinings.items()
    other = Source(east, {name: str(folder / f"out-{east}" / name)}, second.target)
    counted = Disagreement()
    mosaic = str(folder / f"out-{west}" / name)
    with OpenRasters() as opened:
        for window in first.target.windows(1024, 1024):
            found = find_place(other, first.target, window, opened)
            if found is not None:
                mine = opened(mosaic).read(window, band=1)
                theirs = np.asarray(found[0].take(other.paths[name], 0), np.uint8)
                counted.count(mine, theirs, mine)
    return float(counted.to_document(west, east)["percent"])


def with_merge(folder: str, pixels: int) -> Work:
    """Let rasterio merge the files of each zone, block by block into a file."""
    tiles = sorted(grids(pixels))
    orders = [[t for t in tiles if t.startswith(zone)] for zone in ZONES]
    _merge(Path(folder) / SMALL, orders, None)()
    return _merge(Path(folder), orders, None)


def with_warp(folder: str, pixels: int) -> Work:
    """Let rasterio merge warped views of all files."""
    orders = [sorted(grids(pixels))]
    _merge(Path(folder) / SMALL, orders, GRID)()
    return _merge(Path(folder), orders, GRID)


def _merge(folder: Path, orders: list[list[str]], crs: str | None) -> Work:
    """Prepare what a user would write with rasterio: the first tile wins."""
    import rasterio
    from rasterio.merge import merge
    from rasterio.vrt import WarpedVRT

    from landcover.parts.mapping.joining import FILES

    how: dict[str, Any] = {"compress": "zstd", "zstd_level": 1, "tiled": True, "driver": "GTiff"}

    def work() -> None:
        for number, tiles in enumerate(orders):
            for name in FILES[:2]:
                out = folder / f"merged-{number}-{name}"
                with ExitStack() as opened:
                    paths = [folder / tile / name for tile in tiles]
                    files = [opened.enter_context(rasterio.open(path)) for path in paths]
                    if crs is None:
                        merge(files, dst_path=out, dst_kwds=how)
                        continue
                    views = [opened.enter_context(WarpedVRT(f, crs=crs)) for f in files]
                    merge(views, res=PIXEL, dst_path=out, dst_kwds=how, target_aligned_pixels=True)

    return work


def _disagreement(rows: list[Row]) -> list[str]:
    found = {row.case: row.result for row in rows if row.engine == "ours"}
    plain, feathered = found["by zone, primary tile"], found["by zone, feathered"]
    return [
        f"Neighbouring tiles differ on {plain['before_percent']:.1f} % of their overlaps. The "
        f"mosaics of both zones differ on {plain['after_percent']:.1f} % of what they have in "
        f"common by primary tile, on {feathered['after_percent']:.1f} % feathered."
    ]
