"""Memory of a map in a worker that trained before, beside one that did nothing else.

Libraries and compiled code that a training loads stay in its process. Windows of the map leave
room for them, so that the worker stays within the memory of its job.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from landcover.bench import season
from landcover.bench.memory import family_mb
from landcover.bench.predict import forget_maps
from landcover.bench.processes import Case, run, side_by_side
from landcover.bench.tables import Progress, Report, Request, Row, Work
from landcover.errors import InputError

PIXELS, POINTS, TREES = 720, 300, 20
"""Side of the tile; labelled points of a class, nine pixels each; trees of the forest."""
FULL_POINTS, FULL_TREES = 1_080, 100
"""With ``--full``, which leaves the side as it is: 87,480 samples at most."""
MONTHS = (("spring", 3), ("summer", 6), ("autumn", 10))
MEMORY_GB = 1.0
BYTES_PER_PIXEL = 300.0
"""Of products, composites and maps on disk, per pixel of 10 m."""
WORKERS = {"MALLOC_ARENA_MAX": "2", "ARROW_DEFAULT_MEMORY_POOL": "system"}
"""The environment that our workers have."""
ENGINES = {"in a fresh process": False, "after train": True}


def disk_gb(request: Request) -> float:
    """Say what products, composites and maps take, GB."""
    return (request.pixels or PIXELS) ** 2 * BYTES_PER_PIXEL / 1e9


def measure(request: Request, progress: Progress) -> Report:
    """Map the same tile in a fresh process, and in one that has just trained.

    Raises:
        InputError: The maps differ.
    """
    points, trees = (FULL_POINTS, FULL_TREES) if request.full else (POINTS, TREES)
    pixels, threads = request.pixels or PIXELS, request.threads or 2
    known = {"folder": str(request.folder), "threads": threads}
    progress(0.0, "simulating, preparing and training")
    made = {**known, "pixels": pixels, "seed": request.seed, "points": points, "trees": trees}
    _, facts = run(Case("preparing", f"{__name__}:prepared", made))
    cases = [
        Case(engine, f"{__name__}:mapped", {**known, "trains": trains}, WORKERS)
        for engine, trains in ENGINES.items()
    ]
    rows = side_by_side("map", cases, request.repeats or 1, progress, same=False)
    if rows[0].result["bytes"] != rows[1].result["bytes"]:
        raise InputError(f"Maps differ: {[row.result for row in rows]}.")
    facts = {"pixels": pixels, "threads": threads, **facts}
    return Report("after-train", facts, rows, _notes(rows))


def _notes(rows: list[Row]) -> list[str]:
    alone, after = (row.cost.peak_mb for row in rows)
    return [
        *(f"{row.engine}: {row.result['held_mb']:.0f} MB were held before." for row in rows),
        f"What train left raises the peak of the map by {after - alone:.0f} MB, to "
        f"{after * 2**20 / (MEMORY_GB * 1e9):.0%} of the job.",
        "Both maps have the same bytes.",
    ]


def prepared(folder: str, pixels: int, seed: int, points: int, trees: int, threads: int) -> Work:
    """Simulate a tile, prepare it and train; gives the sizes of the model."""
    from landcover import api
    from landcover.parts.training.model_lookup import load_model
    from landcover.simulate import simulate

    def work() -> dict[str, Any]:
        made = simulate(
            Path(folder) / "region", tiles=[season.TILE], pixels=pixels, seed=seed,
            points_per_class=points, products_per_season=3, only_usable=True,
        )  # fmt: skip
        season.use(Path(folder) / "workspace")
        seasons = [
            {"name": name, "primary_month": month, "fallback_month": month + 1}
            for name, month in MONTHS
        ]
        model = {"trees": trees, "fit": "split"}
        recipe = {"name": "bench", "seasons": seasons, "model": model}
        api.start_run(
            "bench", recipe, year=made.year, products=str(made.products), dem=str(made.dem),
            labels=str(made.labels), until="classify",
        )  # fmt: skip
        report = api.run_inline("bench", memory_gb=MEMORY_GB, threads=threads)
        if report["state"] != "done":
            raise RuntimeError(report)
        card = load_model(api.open_workspace, "bench").card
        return {"samples": card.n_train_rows, "features": len(card.features.names), "trees": trees}

    return work


def mapped(folder: str, trains: bool, threads: int) -> Work:
    """Map the tile as if no map had been made, after a training in the same process if asked."""
    import gc
    import os

    from landcover import api
    from landcover.ledger import outputs, units

    season.use(Path(folder) / "workspace")
    workspace = api.open_workspace()
    if trains:
        state = units.load(workspace.records, "bench", "train", "all")
        for made in state.outputs if state else ():
            outputs.withdraw(workspace, made, "measured again")
        season.run_stage("train", "all", memory_gb=MEMORY_GB, threads=threads)
    forget_maps()
    gc.collect()
    held = family_mb(os.getpid())

    def work() -> Work:
        season.run_stage("classify", season.TILE, memory_gb=MEMORY_GB, threads=threads)
        state = units.load(workspace.records, "bench", "classify", season.TILE)
        assert state is not None
        files = outputs.load(workspace, state.outputs[0]).files
        return lambda: {"held_mb": held, "bytes": [file.sha256 for file in files]}

    return work
