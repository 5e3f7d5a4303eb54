"""Reading a tile's windows from an object store, beside the same from disk (needs --objects)."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from landcover.bench import season
from landcover.bench.processes import Case, side_by_side
from landcover.bench.tables import Progress, Report, Request, Row, Work
from landcover.errors import UsageError

if TYPE_CHECKING:
    from landcover.stores.rasters import Opened

ROWS, COLUMNS = 512, 1024
"""Windows of 10 m pixels by which features are read; JPEG 2000 is read block by block."""


def disk_gb(request: Request) -> float:
    """Say what a season, its GeoTIFFs and a copy of both in the store take, GB."""
    pixels = request.pixels_or(2196)
    return season.disk_gb(pixels, season.MOST_SIMULATED + 2)


def measure(request: Request, progress: Progress) -> Report:
    """Put one product into both stores, as it is and as GeoTIFFs of ours, and read all windows.

    Raises:
        UsageError: No object store was named.
    """
    from landcover import api
    from landcover.settings import as_environment, read_settings

    disk = read_settings(workspace=str(request.folder), objects=f"file://{request.folder}/objects")
    served = read_settings(workspace=str(request.folder), objects=request.objects)
    if not served.objects.startswith("s3://"):
        raise UsageError(
            "`bench store` reads from an object store: name it with --objects s3://bucket/prefix "
            "(LANDCOVER_S3_ENDPOINT and AWS keys as for any run). `make services` starts one on "
            "this machine and prints what to export."
        )
    made = season.make_season(request, request.pixels_or(2196), progress)
    source = _gather(season.rasters(made), request.folder / "gathered")
    threads = request.threads or 2
    key = f"tmp/bench-{uuid.uuid4().hex[:12]}"
    places = {"disk": disk, "S3": served}
    rows: list[Row] = []
    try:
        for settings in places.values():
            with api.open_workspace(settings).objects.publishing(key) as scratch:
                shutil.copytree(source, scratch)
        for kind, title in (("tif", "GeoTIFF windows"), ("jp2", "JPEG 2000 blocks")):
            names = [path.name for path in sorted(source.glob(f"*.{kind}"))]
            known = {"key": key, "names": names, "threads": threads}
            cases = [
                Case(place, f"{__name__}:windows", known, as_environment(settings))
                for place, settings in places.items()
            ]
            rows += side_by_side(f"{title}, 14 rasters", cases, request.repeats_or(3), progress)
    finally:
        for settings in places.values():
            api.open_workspace(settings).objects.remove(key)
    facts = {"store": served.objects, "endpoint": served.s3_endpoint, "threads": threads}
    return Report("store", {**facts, "pixels": request.pixels_or(2196)}, rows, _notes(rows))


def _notes(rows: Sequence[Row]) -> list[str]:
    found = ["`ours / this` is disk divided by store. All windows hold the same numbers."]
    for disk, store in zip(rows[::2], rows[1::2], strict=True):
        ratio = store.cost.seconds / max(disk.cost.seconds, 1e-9)
        found.append(f"{disk.case}: the store takes {ratio:.2f} times the wall seconds of disk.")
    return found


def windows(key: str, names: Sequence[str], threads: int) -> Work:
    """Read every window of some rasters of the store that the environment names."""
    from landcover import api
    from landcover.stores.rasters import ReadingPool

    hrefs = [api.open_workspace().objects.href(key, name) for name in names]

    def work() -> int:
        with ReadingPool(threads) as pool:
            waiting = [pool.submit(partial(_sum, href)) for href in hrefs]
            return sum(future.result() for future in waiting)

    return work


def _sum(href: str, opened: Opened) -> int:
    raster = opened(href)
    side = raster.info.block if href.endswith(".jp2") else (ROWS, COLUMNS)
    windows = season.tiling(raster.info.shape, side)
    return sum(int(raster.read(window, band=1).sum(dtype="i8")) for window in windows)


def _gather(rasters: Sequence[Path], folder: Path) -> Path:
    """Put the rasters of a product into one folder, and beside each a GeoTIFF as ours are."""
    from landcover.stores.rasters import RasterStyle, read_array, write_raster

    folder.mkdir()
    for path in rasters:
        shutil.copy(path, folder / path.name)
        pixels, grid = read_array(path)
        style = RasterStyle(dtype="int16", nodata=-32768)
        write_raster(folder / f"{path.stem}.tif", pixels.astype("i2"), grid, style)
    return folder
