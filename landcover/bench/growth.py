"""How a composite grows: with tiles on one and two workers, and with products."""

from __future__ import annotations

import multiprocessing
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from landcover.bench import season
from landcover.bench.composite import decode_alone, ours
from landcover.bench.processes import Case, side_by_side
from landcover.bench.tables import Progress, Report, Request, Row, Work

TILES = (1, 2, 4, 8)
WORKERS = (1, 2)
PRODUCTS = (2, 3, 5, 8, 11, 15)
__all__ = ["decode_alone", "disk_gb", "measure", "ours", "tiles"]


def disk_gb(request: Request) -> float:
    """Say what a season and the composites of eight tiles take, GB."""
    pixels = request.pixels_or(2196)
    each = pixels**2 * season.OUTPUT_BYTES_PER_PIXEL / 1e9
    return season.disk_gb(pixels, season.MOST_SIMULATED) + each * sum(TILES) * len(WORKERS)


def measure(request: Request, progress: Progress) -> Report:
    """Composite 1 to 8 tiles on 1 and 2 workers, then 2 to 15 products of one tile.

    All tiles have the pixels of the one that is simulated; each has a workspace of its own. A
    worker is a process with one thread, as on a cluster.
    """
    pixels = request.pixels_or(2196)
    count = request.products or 5
    made = season.make_season(request, pixels, progress)
    made = season.multiply(made, max(PRODUCTS), request.folder / "copies")
    known = {**season.to_arguments(made), "folder": str(request.folder)}
    repeats = request.repeats_or(1)
    rows: list[Row] = []
    for number in TILES:
        cases = [
            Case(f"{workers} workers", f"{__name__}:tiles",
                 {**known, "count": count, "number": number, "workers": workers})
            for workers in WORKERS
        ]  # fmt: skip
        rows += side_by_side(f"{number} tiles", cases, repeats, progress)
    by_products: list[Row] = []
    for products in PRODUCTS if request.products is None else (request.products,):
        arguments = {**known, "count": products}
        cases = [
            Case("ours", f"{__name__}:ours", {**arguments, "threads": 1}),
            Case("decode alone", f"{__name__}:decode_alone", arguments),
        ]
        by_products += side_by_side(f"{products} products", cases, repeats, progress, same=False)
    notes = [*_bound_by_workers(rows), *_bound_by_products(by_products)]
    return Report("growth", {"pixels": pixels, "products": count}, [*rows, *by_products], notes)


def _bound_by_workers(rows: list[Row]) -> list[str]:
    seconds = {(row.case, row.engine): row.cost for row in rows}
    found = []
    for number in TILES:
        one, two = (seconds[f"{number} tiles", f"{workers} workers"] for workers in WORKERS)
        found.append(
            f"{number} tiles: {one.cpu_seconds / number:.2f} s of CPU a tile; two workers take "
            f"{two.seconds / one.seconds:.2f} of the wall time of one."
        )
    return found


def _bound_by_products(rows: list[Row]) -> list[str]:
    found = []
    for mine, decoded in zip(rows[::2], rows[1::2], strict=True):
        share = 100 * decoded.cost.cpu_seconds / mine.cost.cpu_seconds
        found.append(
            f"{mine.case}: {mine.cost.cpu_seconds / int(mine.case.split()[0]):.2f} s of CPU a "
            f"product, {share:.0f} % of it decoding JPEG 2000."
        )
    return found


def tiles(folder: str, count: int, number: int, workers: int, **made: Any) -> Work:
    """Composite a number of tiles on a number of worker processes."""
    known = season.from_arguments(made)
    workspaces = [Path(tempfile.mkdtemp(prefix="tile-", dir=folder)) for _ in range(number)]
    units = [season.bring_to_masks(known, workspace, count) for workspace in workspaces]
    pool = ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        # A worker that waits for tiles has worked before: all is imported and compiled.
        initializer=_work_before,
        initargs=(folder, known),
    )
    list(pool.map(abs, range(workers)))

    def work() -> int:
        with pool:
            return sum(pool.map(_composite, map(str, workspaces), units))

    return work


def _work_before(folder: str, known: season.Season) -> None:
    workspace = Path(tempfile.mkdtemp(prefix="before-", dir=folder))
    season.run_stage("composite", season.bring_to_masks(known, workspace, 1))


def _composite(workspace: str, unit: str) -> int:
    season.use(Path(workspace))
    season.run_stage("composite", unit)
    return 1
