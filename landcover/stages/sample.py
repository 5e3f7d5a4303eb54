"""Sample: ground-truth points of a tile → pixels → table of features."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from landcover.errors import InputError, MissingDataError
from landcover.learn.assignment import assign_points
from landcover.learn.samples import expand_points
from landcover.ledger import units
from landcover.nouns.grid import Grid
from landcover.nouns.model import FeatureSet
from landcover.nouns.output import Output, Wanted, hash_of
from landcover.raster.windows import plan_windows
from landcover.stages.grids import composites_of, tile_work_grid
from landcover.stages.stack import FeatureStack, plan_features
from landcover.stages.task import Task
from landcover.stores import layout

VERSION = 1

log = logging.getLogger(__name__)


def sample(task: Task) -> None:
    """Make the sample table of the unit's tile.

    Raises:
        MissingDataError: No ground truth lies in the tile.
    """
    tile = str(task.unit.tile)
    grids = {t: tile_work_grid(task, t) for t in prepared_tiles(task)}
    with task.workspace.objects.local(layout.labels(str(task.run.label_id))) as path:
        points = pd.read_parquet(path)
    mine = assign_points(points, grids, task.recipe.labels.assign).get(tile)
    if mine is None:
        raise MissingDataError(f"{tile}: none of the {len(points)} labels lies in its raster.")
    features, missing = run_features(task)
    if missing:
        log.warning("%s: left out, no product has their layers: %s", tile, ", ".join(missing))
    composites, terrain = composites_of(task, tile), terrain_of(task, tile)
    wanted = Wanted(
        stage="sample",
        version=VERSION,
        unit=tile,
        inputs={
            "composites": tuple(output.id for output in composites.values()),
            "terrain": (terrain.id,) if terrain else (),
            "labels": (hash_of(mine.to_dict("split")),),
        },
        params={
            "features": list(features.names),
            "index_variant": task.recipe.features.index_variant,
            "neighbourhood": task.recipe.labels.neighbourhood,
        },
    )
    stack = FeatureStack(task, grids[tile], composites, terrain, features)
    make = partial(_make, task, mine, grids[tile], stack, features)
    task.need(wanted, layout.samples(tile, wanted.id), make, {"missing": list(missing)})


def prepared_tiles(task: Task) -> list[str]:
    """List the tiles of the run whose seasons were all prepared."""
    n_spans = len(task.recipe.spans(task.run.arguments.year))
    done: dict[str, int] = {}
    for state in task.finished("composite"):
        tile = str(state.unit.tile)
        done[tile] = done.get(tile, 0) + 1
    return sorted(tile for tile, count in done.items() if count == n_spans)


def run_features(task: Task) -> tuple[FeatureSet, tuple[str, ...]]:
    """List the features of the run: a layer that no product has is not among them."""
    available: dict[str, set[str]] = {}
    for tile in prepared_tiles(task):
        for period, output in composites_of(task, tile).items():
            available.setdefault(period, set()).update(output.stats["layers"])
    return plan_features(task.recipe, available, has_terrain=bool(task.finished("terrain")))


def terrain_of(task: Task, tile: str) -> Output | None:
    """Find the terrain of a tile; None where the run has none.

    Raises:
        MissingDataError: The run has a terrain, but not of this tile.
    """
    if not task.run.includes("terrain"):
        return None
    state = units.load(task.workspace.records, task.run.id, "terrain", tile)
    if state is None or not state.is_finished:
        why = f": {state.message}" if state and state.message else ""
        raise MissingDataError(f"{tile}: its terrain is not there{why}.")
    return task.outputs_of("terrain", tile)[0]


def _make(
    task: Task,
    points: pd.DataFrame,
    grid: Grid,
    stack: FeatureStack,
    features: FeatureSet,
    path: Path,
) -> dict[str, Any]:
    points = points.reset_index(drop=True)
    pixels = expand_points(
        points["row"],
        points["column"],
        points["code"],
        points["point_id"],
        grid.shape,
        neighbourhood=task.recipe.labels.neighbourhood,
    )
    if pixels.empty:
        raise InputError(f"{task.unit.label}: every sample pixel is claimed by two classes.")
    values = _read(task, pixels, grid, stack, len(features.names))
    of_point = points.loc[pixels["point_index"]].reset_index(drop=True)
    table = pd.concat(
        [
            of_point[["point_id", "lon", "lat", "label", "code", "group", "source"]],
            pixels[["row", "column", "dx", "dy"]]
            .reset_index(drop=True)
            .assign(tile=task.unit.tile),
            pd.DataFrame(values, columns=list(features.names)),
        ],
        axis="columns",
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(path, compression="zstd", index=False)
    return {
        "n_points": len(points),
        "n_rows": len(table),
        "n_rows_with_nodata": int(np.isnan(values).any(axis=1).sum()),
        "counts": {str(k): int(v) for k, v in table["label"].value_counts().sort_index().items()},
        "conflicts": int(pixels.attrs["n_conflict_pixels"]),
    }


def _read(
    task: Task, pixels: pd.DataFrame, grid: Grid, stack: FeatureStack, n_features: int
) -> np.ndarray[Any, np.dtype[np.float32]]:
    values = np.full((len(pixels), n_features), np.nan, np.float32)
    rows, columns = pixels["row"].to_numpy(), pixels["column"].to_numpy()
    windows = plan_windows(
        *grid.shape,
        bytes_per_pixel=stack.bytes_per_pixel,
        memory_gb=task.job.memory_gb / 2,
    )
    for number, window in enumerate(windows):
        task.job.check()
        inside = (
            (rows >= window.row)
            & (rows < window.row + window.height)
            & (columns >= window.column)
            & (columns < window.column + window.width)
        )
        if not inside.any():
            continue  # windows without labels are not read
        task.job.progress(number / len(windows), f"{task.unit.label} samples")
        block = stack.read(window)
        values[inside] = block[:, rows[inside] - window.row, columns[inside] - window.column].T
    return values
