"""Reading JPEG 2000: each block once, beside windows that straddle blocks and whole bands."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from landcover.bench import season
from landcover.bench.processes import Case, side_by_side
from landcover.bench.tables import Progress, Report, Request, Work

if TYPE_CHECKING:
    from landcover.nouns.grid import Window
    from landcover.stores.rasters import Opened


def disk_gb(request: Request) -> float:
    """Say what a season takes, GB."""
    return season.disk_gb(request.pixels_or(2196), season.MOST_SIMULATED)


def measure(request: Request, progress: Progress) -> Report:
    """Read the 14 rasters of one product in several ways; every way reads every pixel."""
    made = season.make_season(request, request.pixels_or(2196), progress)
    files = [str(path) for path in season.rasters(made)]
    megapixels = sum(height * width for height, width in map(_shape, files)) / 1e6
    threads = request.threads or 2
    cases = [
        Case("whole blocks", f"{__name__}:by_blocks", {"files": files}),
        Case(f"whole blocks, {threads} threads", f"{__name__}:by_blocks",
             {"files": files, "threads": threads}),
        Case("windows of 512 px", f"{__name__}:by_windows", {"files": files, "side": 512}),
        Case("whole bands", f"{__name__}:by_bands", {"files": files}),
    ]  # fmt: skip
    rows = side_by_side("14 rasters of a product", cases, request.repeats_or(3), progress)
    ns = 1000 * rows[0].cost.cpu_seconds / megapixels
    return Report(
        "decode",
        {"pixels": max(map(_shape, files))[0], "megapixels": round(megapixels, 1)},
        rows,
        (f"Each block once: {ns:.0f} ns of CPU per pixel.",),
    )


def by_blocks(files: Sequence[str], threads: int = 1) -> Work:
    """Read by the blocks that each file declares, as our stages do."""
    from landcover.stores.rasters import ReadingPool

    orders = [(path, window) for path in files for window in season.blocks(path)]

    def read(path: str, window: Window, opened: Opened) -> int:
        return int(opened(path).read(window, band=1).sum(dtype="u8"))

    def work() -> int:
        with ReadingPool(threads) as pool:
            waiting = [pool.submit(partial(read, path, window)) for path, window in orders]
            return sum(future.result() for future in waiting)

    return work


def by_windows(files: Sequence[str], side: int) -> Work:
    """Read by square windows that take no notice of blocks, opening the file for each."""
    from landcover.stores.rasters import describe, open_raster

    def read(path: str, window: Window) -> int:
        with open_raster(path) as raster:
            return int(raster.read(window, band=1).sum(dtype="u8"))

    def work() -> int:
        shapes = {path: describe(path).shape for path in files}
        return sum(read(p, w) for p in files for w in season.tiling(shapes[p], (side, side)))

    return work


def by_bands(files: Sequence[str]) -> Work:
    """Read each band in one piece."""
    from landcover.stores.rasters import open_raster

    def read(path: str) -> int:
        with open_raster(path) as raster:
            return int(raster.read(band=1).sum(dtype="u8"))

    return lambda: sum(map(read, files))


def _shape(path: str | Path) -> tuple[int, int]:
    from landcover.stores.rasters import describe

    return describe(path).shape
