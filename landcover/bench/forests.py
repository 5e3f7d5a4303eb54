"""How the map of a tile grows: with trees, and with tiles on one and two workers."""

from __future__ import annotations

import multiprocessing
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from landcover.bench import season, synthetic
from landcover.bench.predict import forget_maps, run_stage
from landcover.bench.processes import Case, run, side_by_side
from landcover.bench.tables import Progress, Report, Request, Row, Work

TREES = (10, 30, 100, 200, 500)
TYPICAL = 100
"""Trees of the forest that maps several tiles."""
TILES = (1, 2, 4, 8)
WORKERS = (1, 2)
RUNS = {f"{count} trees": (f"model.trees={count}",) for count in TREES}
BYTES_PER_TREE = 1_000_000.0


def disk_gb(request: Request) -> float:
    """Say what eight tiles with their forests take, GB."""
    each = _side(request) ** 2 * synthetic.BYTES_PER_PIXEL + sum(TREES) * BYTES_PER_TREE
    return (1 + sum(TILES) * len(WORKERS)) * each / 1e9 + 0.1


def measure(request: Request, progress: Progress) -> Report:
    """Map one tile by forests of 10 to 500 trees, then 1 to 8 tiles on 1 and 2 workers.

    Every map is made by the stage, with one thread; each tile has a workspace of its own. A worker
    is a process, as on a cluster.
    """
    pixels, repeats = _side(request), request.repeats_or(1)
    folder = str(request.folder / "tile")
    progress(0.0, f"fitting forests of {', '.join(map(str, TREES))} trees")
    known = {"folder": folder, "pixels": pixels, "seed": request.seed}
    run(Case("preparing", f"{__name__}:prepared", known))
    rows: list[Row] = []
    for name in RUNS:
        case = Case("ours", f"{__name__}:mapped", {"folder": folder, "name": name})
        rows += side_by_side(name, [case], repeats, progress)
    by_tiles: list[Row] = []
    for number in TILES:
        cases = [
            Case(f"{workers} workers", f"{__name__}:tiles",
                 {"folder": folder, "number": number, "workers": workers})
            for workers in WORKERS
        ]  # fmt: skip
        by_tiles += side_by_side(f"{number} tiles", cases, repeats, progress)
    facts = {"pixels": pixels, "features": len(synthetic.feature_names()), "seed": request.seed}
    return Report("forests", facts, [*rows, *by_tiles], [*_by_trees(rows), *_by_workers(by_tiles)])


def prepared(folder: str, pixels: int, seed: int) -> Work:
    """Write a tile and fit its forests."""

    def work() -> None:
        synthetic.prepare(Path(folder) / "workspace", pixels, seed, RUNS)
        synthetic.write_samples(seed, RUNS)
        for name in RUNS:
            run_stage("train", name, "all", threads=2)

    return work


def mapped(folder: str, name: str) -> Work:
    """Map the tile by one of the forests."""
    season.use(Path(folder) / "workspace")
    _map(name)  # modules and compiled code are loaded
    forget_maps()
    return lambda: _map(name)


def tiles(folder: str, number: int, workers: int) -> Work:
    """Map a number of tiles on a number of worker processes."""
    places = [Path(tempfile.mkdtemp(prefix="tile-", dir=folder)) for _ in range(workers + number)]
    for place in places:
        shutil.copytree(Path(folder) / "workspace", place, dirs_exist_ok=True)
        season.use(place)
        forget_maps()
    pool = ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
    )
    # A worker that waits for tiles has worked before: all is imported and compiled.
    list(pool.map(_map_in, map(str, places[:workers])))

    def work() -> int:
        with pool:
            done = sum(pool.map(_map_in, map(str, places[workers:])))
        for place in places:
            shutil.rmtree(place)
        return done

    return work


def _map_in(workspace: str) -> int:
    season.use(Path(workspace))
    _map(f"{TYPICAL} trees")
    return 1


def _map(name: str) -> None:
    run_stage("classify", name, synthetic.TILE, threads=1)


def _side(request: Request) -> int:
    return request.pixels_or(1020) // 6 * 6


def _by_trees(rows: list[Row]) -> list[str]:
    least, most = rows[0].cost.cpu_seconds, rows[-1].cost.cpu_seconds
    each = (most - least) / (TREES[-1] - TREES[0])
    return [
        f"Between {TREES[0]} and {TREES[-1]} trees each costs {1000 * each:.1f} ms of CPU a tile; "
        f"what does not depend on trees, about {least - TREES[0] * each:.1f} s."
    ]


def _by_workers(rows: list[Row]) -> list[str]:
    found = []
    for one, two in zip(rows[::2], rows[1::2], strict=True):
        number = int(one.case.split()[0])
        found.append(
            f"{one.case}: {one.cost.cpu_seconds / number:.2f} s of CPU a tile, the start of the "
            f"worker and its first map shared out; two workers take "
            f"{two.cost.seconds / one.cost.seconds:.2f} of the wall time of one."
        )
    return found
