"""The HRLC line's map of a tile, read to write, measured as the deck measures: memory over time.

A simulated tile-year is prepared and its machine trained first; what is timed is the map alone:
composites and terrain read, 167 features, scaling, selection, components, votes, calibrated
probabilities of all classes, and the files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from landcover.bench import season
from landcover.bench.as_published import Measured, PublishedRow, measure_as_published
from landcover.bench.processes import Case, run
from landcover.bench.tables import Progress, Report, Request, Work

PIXELS = 600
POINTS = 120
"""Labelled points of a class, nine pixels each."""
MEMORY_GB = 2.0
WINDOW = 512
BYTES_PER_PIXEL = 1_100.0
"""Of products, months, terrain and maps on disk, per pixel of 10 m."""
PUBLISHED = (
    PublishedRow("HRLC deck, re-implemented", 6038, 19.3),
    PublishedRow("HRLC deck, existing", 12510, 12.6),
)
"""One map of a whole tile; how many support vectors it had is not told."""
RECIPE: dict[str, Any] = {
    "name": "bench",
    "seasons": [
        {"name": f"m{month:02}", "first_month": month, "last_month": month}
        for month in range(1, 13)
    ],
    "selection": {"max_cloud_percent": 100, "max_products": 15},
    "composite": {
        "layers": ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11",
                   "B12"]
    },
    "restore": {},
    "features": {
        "order": "deck", "indices": [], "terrain": ["dem", "slope", "aspect"], "texture": {},
        "season_indices": {}, "edges": {},
    },
    "model": {
        "kind": "svm", "scaling": {}, "selection": {}, "pca": {"explained": 0.99},
        "svm": {"c": 10.0, "gamma": 0.02}, "calibration": {},
    },
    "classify": {"keep": ["probabilities"]},
}  # fmt: skip
"""As recipes/hrlc-svm.yaml, with fixed settings in place of a search."""


def disk_gb(request: Request) -> float:
    """Say what products, months and maps take, GB."""
    return request.pixels_or(PIXELS) ** 2 * BYTES_PER_PIXEL / 1e9


def as_published(request: Request, progress: Progress) -> Report:
    """Map a tile twice, and read its features without mapping it twice, memory over time drawn."""
    side, threads = request.pixels_or(PIXELS) // 6 * 6, request.threads or 1
    known = {"folder": str(request.folder / "map"), "threads": threads}
    progress(0.0, f"preparing a tile-year of {side:,} px and training its machine")
    _, facts = run(
        Case("preparing", f"{__name__}:prepared", {**known, "pixels": side, "seed": request.seed})
    )
    cases = [
        Case("map", f"{__name__}:mapped", known),
        Case("reading and features alone", f"{__name__}:read", known),
    ]
    what = Measured(
        "svm", f"map of {side:,} x {side:,} px", PUBLISHED,
        {"pixels": side, "threads": threads, **facts},
    )  # fmt: skip
    return measure_as_published(what, cases, request.repeats or 2, request.as_published, progress)


def prepared(folder: str, pixels: int, seed: int, threads: int) -> Work:
    """Simulate a tile-year, prepare it and train its machine; gives its sizes."""
    from landcover import api
    from landcover.parts.training.model_lookup import load_model
    from landcover.simulate import simulate

    def work() -> dict[str, Any]:
        made = simulate(
            Path(folder) / "region", tiles=[season.TILE], pixels=pixels, seed=seed,
            points_per_class=POINTS,
        )  # fmt: skip
        season.use(Path(folder) / "workspace")
        api.start_run(
            "bench", RECIPE, year=made.year, products=str(made.products), dem=str(made.dem),
            labels=str(made.labels), until="classify",
        )  # fmt: skip
        report = api.run_inline("bench", memory_gb=MEMORY_GB, threads=threads)
        if report["state"] != "done":
            raise RuntimeError(report)
        loaded = load_model(api.open_workspace, "bench")
        machine = loaded.model.packed.machines[0]  # type: ignore[attr-defined]
        return {
            "vectors": len(machine.vectors),
            "components": machine.vectors.shape[1],
            "features": len(loaded.card.features.names),
            "classes": len(loaded.card.codes),
        }

    return work


def mapped(folder: str, threads: int) -> Work:
    """Map the tile by the stage, as if no map had ever been made."""
    from landcover import api
    from landcover.bench.predict import forget_maps

    season.use(Path(folder) / "workspace")
    api.open_workspace()
    forget_maps()
    return lambda: season.run_stage("classify", season.TILE, memory_gb=MEMORY_GB, threads=threads)


def read(folder: str, threads: int) -> Work:
    """Read and compute the features of the tile window by window, and nothing else."""
    from landcover import api

    season.use(Path(folder) / "workspace")
    features = api.open_features(season.TILE)

    def work() -> None:
        rows, columns = features.shape[1:]
        for row in range(0, rows, WINDOW):
            for column in range(0, columns, WINDOW):
                part = features[:, row : row + WINDOW, column : column + WINDOW]
                assert part.values.shape[0] == features.shape[0]

    return work
