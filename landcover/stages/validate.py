"""Validate: compare the map with the samples that were held out of training."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from landcover.errors import MissingDataError
from landcover.learn.accuracy import accuracy
from landcover.nouns.grid import Grid, Window
from landcover.nouns.output import Output, Wanted
from landcover.stages.classify import CLASSES
from landcover.stages.task import Task
from landcover.stores import layout
from landcover.stores.rasters import open_raster

VERSION = 1
REPORT = "accuracy.json"
DESIGN = (
    "held-out groups of the training labels: chosen, not drawn at random, so this is no "
    "probability sample of the map"
)


def validate(task: Task) -> None:
    """Write the accuracy report of the run's map.

    Raises:
        MissingDataError: No sample was held out, or none of its tiles was mapped.
    """
    sample_set = next(o for o in task.outputs_of("train", "all") if o.unit == "samples")
    maps = {str(unit.tile): output for unit, output in task.all_outputs("classify")}
    wanted = Wanted(
        stage="validate",
        version=VERSION,
        unit="accuracy",
        inputs={
            "maps": tuple(maps[tile].id for tile in sorted(maps)),
            "sample_set": (sample_set.id,),
        },
        params={"simulated": task.run.simulated},
    )
    make = partial(_make, task, maps, sample_set)
    task.need(wanted, layout.accuracy(wanted.id), make)


def _make(task: Task, maps: dict[str, Output], sample_set: Output, path: Path) -> dict[str, Any]:
    columns = ["tile", "row", "column", "code", "group", "is_train"]
    with task.local(sample_set) as table_path:
        table = pd.read_parquet(table_path, columns=columns)
    held = table[~table["is_train"] & table["tile"].isin(list(maps))].reset_index(drop=True)
    if held.empty:
        raise MissingDataError(
            "No sample was held out, so the map's accuracy is unknown. Give more labels: each "
            "class needs at least two separate points, polygons or fields."
        )
    mapped = np.zeros(len(held), dtype=np.uint8)
    for tile, rows in held.groupby("tile"):
        mapped[rows.index.to_numpy()] = _read_map(task, maps[str(tile)], rows)
    report = accuracy(
        mapped,
        held["code"].to_numpy(),
        legend=task.recipe.labels.legend,
        groups=held["group"].to_numpy(),
        title=f"{task.recipe.title}, {task.run.arguments.year}",
        design=DESIGN,
        simulated=task.run.simulated,
        seed=task.recipe.model.seed,
    )
    rare = sample_set.stats["rare"]
    notes = (*report.notes, *(f"{name} was not held out: it has too few groups." for name in rare))
    report = report.model_copy(update={"notes": notes})
    path.mkdir()
    (path / REPORT).write_text(report.model_dump_json(indent=1))
    return {"overall": report.overall, "macro_f1": report.macro_f1, "n": report.n}


def _read_map(task: Task, output: Output, rows: pd.DataFrame) -> np.ndarray[Any, Any]:
    codes = np.zeros(len(rows), dtype=np.uint8)
    row, column = rows["row"].to_numpy(), rows["column"].to_numpy()
    grid = Grid.from_document(output.stats["grid"])
    with open_raster(task.href(output, CLASSES)) as raster:
        for window in _touched(grid, row, column):
            inside = (
                (row >= window.row)
                & (row < window.row + window.height)
                & (column >= window.column)
                & (column < window.column + window.width)
            )
            pixels = raster.read(window, band=1)
            codes[inside] = pixels[row[inside] - window.row, column[inside] - window.column]
    return codes


def _touched(
    grid: Grid, row: np.ndarray[Any, Any], column: np.ndarray[Any, Any]
) -> Iterator[Window]:
    blocks = set(zip(row // 512, column // 512, strict=True))
    for window in grid.windows(512, 512):
        if (window.row // 512, window.column // 512) in blocks:
            yield window
