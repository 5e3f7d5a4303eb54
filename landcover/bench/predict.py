"""The class map of a tile by a forest, read to write: beside scikit-learn, in blocks of its best.

Composites of three seasons and terrain are written first; the forest has 100 full-depth trees.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landcover.bench import orfeo, season, synthetic
from landcover.bench.processes import Case, run, side_by_side
from landcover.bench.tables import Progress, Report, Request, Row, Work, digest
from landcover.nouns.unit_document import unit_document

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCKS = (4_096, 32_768, 131_072, 262_144)
"""Pixels that scikit-learn is given at a time: the best of these counts."""
MOST_FOR_ALL = 1020
"""Side of the largest tile that scikit-learn maps: larger ones take it half an hour and more."""
WINDOW = 1024
NAMES = ("classification.tif", "confidence.tif")
ESTIMATOR = "estimator.joblib"
MEMORY_GB = 1.0


def disk_gb(request: Request) -> float:
    """Say what composites, terrain, forest and maps take, GB."""
    side = _side(request)
    part = min(side, MOST_FOR_ALL)
    return ((side**2 + part**2) * synthetic.BYTES_PER_PIXEL + 2 * part**2 * len(BLOCKS)) / 1e9 + 1


def measure(request: Request, progress: Progress) -> Report:
    """Map a tile by the stage and by scikit-learn, and a whole tile by the stage alone.

    Raises:
        InputError: A class of ours differs from scikit-learn's.
    """
    side, threads = _side(request), request.threads or 2
    part, repeats = min(side, MOST_FOR_ALL), request.repeats_or(3)
    small = _prepare(request, part, threads, progress, None)
    cases = [Case("ours", f"{__name__}:ours", {**small, "run": "forest"})]
    blocks = {f"{size // 1024}k px": size for size in BLOCKS} | {"whole array": part**2}
    cases += [
        Case(f"scikit-learn, {title}", f"{__name__}:plain", {**small, "block": size})
        for title, size in blocks.items()
    ]
    rows = side_by_side(f"map of {part} x {part} px", cases, repeats, progress)
    large = small if side == part else _prepare(request, side, threads, progress, small["folder"])
    whole = [
        Case("ours", f"{__name__}:ours", {**large, "run": "forest"}),
        Case("all but the forest", f"{__name__}:ours", {**large, "run": "stump"}),
    ]
    alone = side_by_side(f"tile of {side} x {side} px", whole, repeats, progress, same=False)
    orfeos, remarks = orfeo.beside(cases[0], small["folder"], part, threads, repeats, progress)
    facts = {"pixels": side, "threads": threads, **_facts(request.folder)}
    notes = [*_notes(rows, alone, part, side), *remarks]
    return Report("predict", facts, [*rows, *alone, *orfeos], notes)


def _side(request: Request) -> int:
    return request.pixels_or(MOST_FOR_ALL) // 6 * 6


def _prepare(
    request: Request, pixels: int, threads: int, progress: Progress, other: str | None
) -> dict[str, Any]:
    """Write a tile with its models, or those of another, and give the arguments of the works."""
    progress(
        0.0, f"writing composites of {pixels} x {pixels} px" + ("" if other else " and fitting")
    )
    known = {"folder": str(request.folder / f"tile-{pixels}"), "pixels": pixels}
    run(Case("preparing", f"{__name__}:prepared", {**known, "seed": request.seed, "other": other}))
    return {**known, "threads": threads}


def _facts(folder: Path) -> dict[str, Any]:
    import joblib  # type: ignore[import-untyped, unused-ignore]

    trees = joblib.load(next(folder.glob(f"*/{ESTIMATOR}"))).estimators_
    leaves = sum(tree.get_n_leaves() for tree in trees) / len(trees)
    return {"trees": len(trees), "leaves": round(leaves), "features": trees[0].n_features_in_}


def _notes(rows: list[Row], alone: list[Row], part: int, side: int) -> list[str]:
    best = min(rows[1:], key=lambda row: row.cost.cpu_seconds)
    mine, rest = (row.cost.cpu_seconds for row in alone)
    found = [
        "All engines give the same classes; ours calibrates the confidence that it writes too.",
        f"Ours takes {rows[0].cost.cpu_seconds / best.cost.cpu_seconds:.3f} of the CPU of "
        f"{best.engine}, the fastest of scikit-learn's.",
        f"Reading, features and writing take {100 * rest / mine:.0f} % of ours on the tile (its "
        "row holds one tree of one split).",
    ]
    if side > part:
        scaled = best.cost.cpu_seconds * (side / part) ** 2
        found.append(
            f"scikit-learn did not map the whole tile: its {best.cost.cpu_seconds:.0f} CPU s for "
            f"{part} x {part} px, scaled by the number of pixels, are {scaled:.0f} for {side} x "
            f"{side} px; ours took {mine:.0f}, {mine / scaled:.3f} of that."
        )
    return found


def prepared(folder: str, pixels: int, seed: int, other: str | None) -> Work:
    """Write a tile, train its two models by the stage, and fit scikit-learn's forest beside."""
    import joblib

    from landcover import api

    workspace = Path(folder) / "workspace"

    def work() -> None:
        synthetic.prepare(workspace, pixels, seed)
        if other is not None:
            synthetic.take_models(Path(other) / "workspace")
            return
        synthetic.write_samples(seed)
        for name in synthetic.RUNS:
            run_stage("train", name, "all", threads=2)
        rows = synthetic.training_rows(api.open_workspace())
        model = api.fit_classifier(
            rows, rows["code"], feature_names=synthetic.feature_names(), threads=2
        )
        joblib.dump(model.estimator, Path(folder) / ESTIMATOR)

    return work


def ours(folder: str, pixels: int, threads: int, run: str) -> Work:
    """Map the tile by the stage."""
    import numpy as np

    from landcover import api
    from landcover.ledger import outputs
    from landcover.stores.rasters import read_array

    season.use(Path(folder) / "workspace")
    workspace = api.open_workspace()
    # Stages and compiled code are loaded once a process, not once a tile.
    run_stage("train", run, "all", threads=threads)
    few = np.random.default_rng(0).random((64, 2), dtype=np.float32)
    api.fit_classifier(few, 1 + np.arange(64) % 2, parameters={"n_trees": 2}).predict(few)
    forget_maps()

    def work() -> Work:
        made = run_stage("classify", run, synthetic.TILE, threads=threads)
        output = outputs.load(workspace, made[0])
        path = workspace.objects.href(output.key, NAMES[0])
        return lambda: digest(read_array(path)[0].reshape(pixels, pixels))

    return work


def forget_maps() -> None:
    """Remove the maps of this process' workspace, as if none had ever been made."""
    from landcover import api

    workspace = api.open_workspace()
    for old in workspace.records.find("outputs", {"wanted.stage": "classify"}):
        workspace.objects.remove(old["key"])


def plain(folder: str, pixels: int, threads: int, block: int) -> Work:
    """Map the tile as a script would: the front door's features, blocks to ``predict_proba``."""
    import joblib

    from landcover.stores.rasters import RasterStyle, create_raster, read_array

    season.use(Path(folder) / "workspace")
    estimator = joblib.load(Path(folder) / ESTIMATOR).set_params(n_jobs=threads)
    grid = synthetic.grid_of(pixels, 10)
    paths = [Path(folder) / f"{block}-{name}" for name in NAMES]
    styles = [RasterStyle("uint8", nodata) for nodata in (0, 255)]

    def work() -> Work:
        with (
            create_raster(paths[0], grid, styles[0]) as classes,
            create_raster(paths[1], grid, styles[1]) as certainty,
        ):
            for window in grid.windows(WINDOW, WINDOW):
                codes, confidence = _by_blocks(estimator, synthetic.read_features(*window), block)
                classes.write(codes.reshape(window[2:]), window)
                certainty.write(confidence.reshape(window[2:]), window)
        return lambda: digest(read_array(paths[0])[0].reshape(pixels, pixels))

    return work


def _by_blocks(
    estimator: Any, features: NDArray[np.float32], block: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    import numpy as np
    import pandas as pd

    codes = np.empty(len(features), np.uint8)
    confidence = np.empty(len(features), np.uint8)
    table = partial(pd.DataFrame, columns=list(estimator.feature_names_in_), copy=False)
    for start in range(0, len(features), block):
        part = slice(start, start + block)
        probability = estimator.predict_proba(table(features[part]))
        codes[part] = estimator.classes_[probability.argmax(axis=1)]
        confidence[part] = np.floor(254 * probability.max(axis=1) + 0.5)
    return codes, confidence


def run_stage(stage: Any, run: str, unit: str, *, threads: int) -> list[str]:
    """Run a stage of a run in the workspace of this process.

    Raises:
        LandcoverError: It failed.
    """
    from landcover import api
    from landcover.errors import LandcoverError

    document = unit_document(run, stage, unit, memory_gb=MEMORY_GB, threads=threads)
    outcome = api.run(stage, document)
    if outcome["state"] not in ("done", "reused"):
        raise LandcoverError(f"{stage} {outcome['state']}: {outcome['message']}")
    return list(outcome["outputs"])
