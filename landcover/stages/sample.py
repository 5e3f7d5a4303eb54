"""Sample: ground-truth points of a tile → pixels → table of features."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from landcover.errors import InputError, MissingDataError
from landcover.features.stack import FeatureStack
from landcover.nouns.model import FeatureSet
from landcover.nouns.output import Wanted, hash_of
from landcover.nouns.stages import version_of
from landcover.parts.prepared import prepared
from landcover.parts.task import Task
from landcover.parts.training.assigned_points import points_of_tile
from landcover.parts.training.pixel_samples import has_second, write_samples
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
            "labels": (hash_of(mine.to_dict("split")),),
        },
        params={
            "features": list(features.names),
            "index_variant": task.recipe.features.index_variant,
            "neighbourhood": task.recipe.labels.neighbourhood,
            # Named only where there is one: tables without it keep their ids.
            **({"parameters": parameters} if (parameters := _parameters(features)) else {}),
            **({"second_level": True} if has_second(mine) else {}),
        },
    )
    stack = FeatureStack(task, grids[tile], composites, terrain, features)
    make = partial(write_samples, task, mine, grids[tile], stack, features)
    task.need(wanted, layout.samples(tile, wanted.id), make, {"missing": list(missing)})


def _parameters(features: FeatureSet) -> dict[str, Any]:
    """Give what features are made with beyond their names, of those that have such."""
    return {f.name: f.parameters for f in features.features if f.parameters}
