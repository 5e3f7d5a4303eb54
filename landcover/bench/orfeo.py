"""Orfeo ToolBox beside the forest map: its own random forest, over features written beforehand."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from landcover.bench import season, synthetic
from landcover.bench.processes import Case, run, side_by_side
from landcover.bench.tables import Progress, Row, Work
from landcover.errors import LandcoverError

TRAIN, CLASSIFY = "otbcli_TrainVectorClassifier", "otbcli_ImageClassifier"
TREES, DEPTH, TRIED = 100, 25, 8
"""A forest like ours; OpenCV, which it uses, grows no deeper than 25 and is told √72 features."""
FEATURES, SAMPLES, FOREST = "orfeo-features.tif", "orfeo-samples.csv", "orfeo-forest.txt"
CLASSES, CONFIDENCE = "orfeo-classes.tif", "orfeo-confidence.tif"
RAM_MB = 512
WINDOW = 1020


def beside(
    ours: Case, folder: str, pixels: int, threads: int, repeats: int, progress: Progress
) -> tuple[list[Row], list[str]]:
    """Measure it beside ours on a tile that is prepared, where it is installed.

    Args:
        ours: How ours maps the tile.
        folder: Folder of the tile.
        pixels: Side of the tile, 10 m pixels.
        threads: Threads of both.
        repeats: Measurements of both.
        progress: Is told what is being measured.

    Returns:
        Rows, and what is to be said about them.
    """
    if not (shutil.which(TRAIN) and shutil.which(CLASSIFY)):
        return [], ["Orfeo ToolBox is not installed here (Debian: otb-bin)."]
    known = {"folder": folder, "threads": threads}
    progress(0.0, "Orfeo ToolBox fits its forest")
    run(Case("preparing", f"{__name__}:prepared", {**known, "pixels": pixels}))
    cases = [ours, Case("Orfeo ToolBox", f"{__name__}:classified", known)]
    rows = side_by_side(f"map of {pixels} x {pixels} px", cases, repeats, progress, same=False)
    return rows, [
        f"Orfeo ToolBox has a forest of its own from the same samples, no deeper than {DEPTH}, "
        "and reads features that were computed for it before. It gives "
        f"{100 * _agreement(Path(folder)):.1f} % of the pixels the class that ours gives."
    ]


def prepared(folder: str, pixels: int, threads: int) -> Work:
    """Write features and samples as files, and let it fit its forest."""
    place = Path(folder)

    def work() -> None:
        season.use(place / "workspace")
        _write_features(place / FEATURES, pixels)
        names = _write_samples(place / SAMPLES)
        _call(
            place, threads, TRAIN, "-io.vd", SAMPLES, "-io.out", FOREST, "-cfield", "code",
            "-classifier", "rf", "-classifier.rf.nbtrees", str(TREES), "-classifier.rf.max",
            str(DEPTH), "-classifier.rf.min", "1", "-classifier.rf.var", str(TRIED),
            "-classifier.rf.acc", "0", "-rand", "1", "-feat", *names,
        )  # fmt: skip

    return work


def classified(folder: str, threads: int) -> Work:
    """Map classes and confidence of the features."""

    def work() -> None:
        _call(
            Path(folder), threads, CLASSIFY, "-in", FEATURES, "-model", FOREST, "-out", CLASSES,
            "uint8", "-confmap", CONFIDENCE, "-ram", str(RAM_MB),
        )  # fmt: skip

    return work


def _agreement(folder: Path) -> float:
    """Compute the share of pixels where its class is ours."""
    from landcover import api
    from landcover.ledger import outputs, units
    from landcover.stores.rasters import read_array

    season.use(folder / "workspace")
    workspace = api.open_workspace()
    (state,) = units.states(workspace.records, "forest", "classify")
    key = outputs.load(workspace, state.outputs[0]).key
    ours = read_array(workspace.objects.href(key, "classification.tif"))[0]
    return float((read_array(folder / CLASSES)[0] == ours).mean())


def _write_features(path: Path, pixels: int) -> None:
    import numpy as np

    from landcover.stores.rasters import RasterStyle, create_raster

    grid = synthetic.grid_of(pixels, 10)
    style = RasterStyle("float32", np.nan, tuple(synthetic.feature_names()))
    with create_raster(path, grid, style) as raster:
        for window in grid.windows(WINDOW, WINDOW):
            values = synthetic.read_features(*window)
            raster.write(np.moveaxis(values.reshape(*window[2:], -1), -1, 0), window)


def _write_samples(path: Path) -> list[str]:
    """Write the rows that train; give the fields that hold features."""
    from landcover import api

    rows = synthetic.training_rows(api.open_workspace())
    names = [f"f{number}" for number in range(len(synthetic.feature_names()))]
    table = rows[synthetic.feature_names()].set_axis(names, axis="columns")
    table.assign(code=rows["code"]).to_csv(path, index=False)
    # GDAL takes columns of a CSV for text unless told.
    path.with_suffix(".csvt").write_text(",".join(["Real"] * len(names) + ["Integer"]))
    return names


def _call(folder: Path, threads: int, *command: str) -> None:
    limit = {"ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    done: Any = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env={**os.environ, **limit}
    )
    if done.returncode:
        raise LandcoverError(f"{command[0]} ended with {done.returncode}: {done.stderr[-300:]}")
