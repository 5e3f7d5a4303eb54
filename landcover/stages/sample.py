"""Sample: ground-truth points of a tile → pixels → table of features."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from landcover.errors import InputError, MissingDataError
from landcover.features.stack import FeatureStack
from landcover.labels.assignment import assign_points
from landcover.learn.samples import expand_points
from landcover.ledger import tables
from landcover.nouns.grid import Grid
from landcover.nouns.model import FeatureSet
from landcover.nouns.output import Wanted, hash_of
from landcover.nouns.stages import version_of
from landcover.parts.prepared import prepared
from landcover.parts.run_features import run_features
from landcover.parts.task import Task
from landcover.parts.work_grid import composites_of, terrain_of
from landcover.stores import layout

log = logging.getLogger(__name__)


def sample(task: Task) -> None:
    """Make the sample table of the unit's tile.

    Raises:
        MissingDataError: No ground truth lies in the tile.
        InputError: The seasons of the tile lie on different grids.
    """
    tile = str(task.unit.tile)
    all_tiles = prepared(task)
    if tile in all_tiles.troubles:
        raise InputError(all_tiles.troubles[tile])
    grids = all_tiles.grids
    label_id = str(task.run.label_id)
    with tables.local(task.workspace, "labels", label_id, layout.labels(label_id)) as path:
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
        version=version_of("sample"),
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
            # Named only where there is one: tables without it keep their ids.
            **({"parameters": parameters} if (parameters := _parameters(features)) else {}),
            **({"second_level": True} if _has_second(mine) else {}),
        },
    )
    stack = FeatureStack(task, grids[tile], composites, terrain, features)
    make = partial(_make, task, mine, grids[tile], stack, features)
    task.need(wanted, layout.samples(tile, wanted.id), make, {"missing": list(missing)})


def _parameters(features: FeatureSet) -> dict[str, Any]:
    """Give what features are made with beyond their names, of those that have such."""
    return {f.name: f.parameters for f in features.features if f.parameters}


def _has_second(points: pd.DataFrame) -> bool:
    """Tell whether a point has a class of the second level; older tables have no column of it."""
    return "code2" in points.columns and bool(points["code2"].any())


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
        neighbourhood=points["neighbourhood"].clip(upper=task.recipe.labels.neighbourhood),
    )
    if pixels.empty:
        raise InputError(f"{task.unit.label}: every sample pixel is claimed by two classes.")
    task.job.progress(0.1, f"{task.unit.label} samples")
    values = stack.read_at(pixels["row"].to_numpy(), pixels["column"].to_numpy()).T
    of_point = points.loc[pixels["point_index"]].reset_index(drop=True)
    told = ["point_id", "lon", "lat", "label", "code", "group", "source"]
    table = pd.concat(
        [
            of_point[[*told, "code2"] if _has_second(points) else told],
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
