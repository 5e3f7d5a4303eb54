"""A composite with NDVI along time: bands decoded once for medians and statistics, and apart."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from landcover.bench import season
from landcover.bench.processes import Case, side_by_side
from landcover.bench.tables import Progress, Report, Request, Work, digest

RECIPE = {
    "composite": {
        "layers": ["B04", "B08"],
        "statistics": {"layers": ["B04", "ndvi"], "metrics": ["max", "maxday"]},
    },
    "features": {"indices": [], "terrain": []},
}
"""Two bands, percentiles and spread of one and of their index, and what its curve tells."""


def disk_gb(request: Request) -> float:
    """Say what the season and two sets of composites take, GB."""
    pixels, products = request.pixels_or(1098), request.products or 5
    return season.disk_gb(pixels, products) + 4 * pixels**2 * season.OUTPUT_BYTES_PER_PIXEL / 1e9


def measure(request: Request, progress: Progress) -> Report:
    """Composite a season by the stage, with the medians beside the statistics and before them.

    Raises:
        InputError: A file differs.
    """
    products, threads = request.products or 5, request.threads or 1
    made = season.make_season(request, request.pixels_or(1098), progress)
    if products > season.MOST_SIMULATED:
        made = season.multiply(made, products, request.folder / "copies")
    known = {**season.to_arguments(made), "folder": str(request.folder), "count": products}
    cases = [
        Case(engine, f"{__name__}:composite", {**known, "threads": threads, "apart": apart})
        for engine, apart in (("decoded once", False), ("medians apart", True))
    ]
    title = f"B04, B08, NDVI along time, {products} products"
    rows = side_by_side(title, cases, request.repeats_or(3), progress)
    facts = {"pixels": request.pixels_or(1098), "products": products, "threads": threads}
    return Report("along-time", facts, rows, ["All files of both ways are the same."])


def composite(folder: str, count: int, threads: int, apart: bool, **made: Any) -> Work:
    """Composite by the stage; collecting and masking are done before."""
    from landcover.parts.preparation.series_pass import SeriesPass

    if apart:
        # The way before bands were taken along: medians are read for themselves.
        SeriesPass.take_along = lambda *_: []  # type: ignore[method-assign]
    workspace = Path(tempfile.mkdtemp(prefix="ours-", dir=folder))
    unit = season.bring_to_masks(season.from_arguments(made), workspace, count, RECIPE)

    def work() -> Work:
        season.run_stage("composite", unit, threads=threads, memory_gb=4.0)
        return lambda: _digest_of(workspace / "objects" / "composites")

    return work


def _digest_of(folder: Path) -> str:
    from landcover.stores.rasters import read_array

    files = sorted(folder.rglob("*.tif"), key=lambda path: path.name)
    return digest(*(read_array(path)[0] for path in files))
