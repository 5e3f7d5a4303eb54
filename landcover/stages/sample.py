"""Sample: ground-truth points of a tile → pixels → table of features."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Any

from landcover.errors import InputError, MissingDataError
from landcover.nouns.grid import Grid
from landcover.nouns.model import FeatureSet
from landcover.nouns.output import Output, Wanted
from landcover.nouns.stages import version_of
from landcover.parts.prepared import prepared
from landcover.parts.task import Task
from landcover.parts.training.assigned_points import TilePoints, points_of_tile
from landcover.parts.training.run_features import run_features
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
    mine, n_labels = points_of_tile(task)
    if mine is None:
        raise MissingDataError(f"{tile}: none of the {n_labels} labels lies in its raster.")
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
            "labels": (mine.id,),
        },
        params={
            "features": list(features.names),
            "index_variant": task.recipe.features.index_variant,
            "neighbourhood": task.recipe.labels.neighbourhood,
            # Named only where there is one: tables without it keep their ids.
            **({"parameters": parameters} if (parameters := _parameters(features)) else {}),
            **({"second_level": True} if mine.has_second else {}),
        },
    )
    make = partial(_write, task, mine, grids[tile], composites, terrain, features)
    task.need(wanted, layout.samples(tile, wanted.id), make, {"missing": list(missing)})


def _parameters(features: FeatureSet) -> dict[str, Any]:
    """Give what features are made with beyond their names, of those that have such."""
    return {f.name: f.parameters for f in features.features if f.parameters}


def _write(
    task: Task,
    mine: TilePoints,
    grid: Grid,
    composites: dict[str, Output],
    terrain: Output | None,
    features: FeatureSet,
    path: Path,
) -> dict[str, Any]:
    # What computes features: who only plans needs none of it.
    from landcover.features.stack import FeatureStack
    from landcover.parts.training.pixel_samples import write_samples

    stack = FeatureStack(task, grid, composites, terrain, features)
    return write_samples(task, mine.read(), grid, stack, features, path)
