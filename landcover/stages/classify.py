"""Classify: a class and a confidence for every pixel of a tile, window by window."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.nouns.model import ModelCard
from landcover.nouns.output import Output, Wanted
from landcover.nouns.stages import version_of
from landcover.parts.mapping.work_windows import mapped_windows
from landcover.parts.task import Task
from landcover.parts.training.model_compatibility import require_task_fits
from landcover.parts.training.run_model import load_model
from landcover.parts.work_grid import composites_of, terrain_of, tile_work_grid
from landcover.recipe import Classify
from landcover.stores import layout

if TYPE_CHECKING:
    from landcover.learn.layers import ExtraLayers


def classify(task: Task) -> None:
    """Make the class map of the unit's tile."""
    tile = str(task.unit.tile)
    key, card = load_model(task)
    grid = tile_work_grid(task, tile)
    task.windows = mapped_windows(task, tile, grid)
    composites = composites_of(task, tile)
    terrain = terrain_of(task, tile)
    _require_features(task, card, composites, terrain)
    require_task_fits(task, card)
    recipe = task.recipe.classify
    if "trust" in recipe.keep or "set_size" in recipe.keep:
        _further(task, key, card)  # a plan tells it too, if the model has none
    wanted = Wanted(
        stage="classify",
        version=version_of("classify"),
        unit=tile,
        inputs={
            "composites": tuple(output.id for output in composites.values()),
            "terrain": (terrain.id,) if terrain else (),
            "model": (card.id,),
        },
        params={
            "index_variant": task.recipe.features.index_variant,
            **_params(recipe),
            **task.window_params,
        },
    )
    make = partial(_write, task, grid, composites, terrain, key, card)
    task.need(wanted, layout.class_map(tile, wanted.id), make)


def _params(recipe: Classify) -> dict[str, object]:
    """Give what names a map beside its inputs: a layer that is not kept leaves no trace."""
    if not recipe.keep:
        return {}
    coverage = {"coverage": recipe.coverage} if "set_size" in recipe.keep else {}
    return {"keep": sorted(recipe.keep), **coverage}


def _require_features(
    task: Task, card: ModelCard, composites: dict[str, Output], terrain: Output | None
) -> None:
    periods = {period for f in card.features.features for period in f.periods}
    lacking = sorted(periods - set(composites))
    if lacking:
        raise InputError(
            f"{task.unit.label}: model {card.id} needs the periods {', '.join(lacking)}, which "
            "the recipe does not have. Use the recipe that the model was trained with."
        )
    if terrain is None and any(f.kind == "terrain" for f in card.features.features):
        raise InputError(
            f"{task.unit.label}: model {card.id} needs terrain, but the run has no DEM. Give --dem."
        )


def _further(task: Task, key: str, card: ModelCard) -> ExtraLayers:
    from landcover.parts.training.trust_files import extra_layers

    return extra_layers(task, key, card, task.recipe.classify)


def _write(
    task: Task,
    grid: Grid,
    composites: dict[str, Output],
    terrain: Output | None,
    key: str,
    card: ModelCard,
    path: Path,
) -> dict[str, Any]:
    # What computes features and answers of models: who only plans needs none of it.
    from landcover.features.stack import FeatureStack
    from landcover.parts.mapping.map_rasters import Plan, write_map
    from landcover.parts.training.run_model import open_model
    from landcover.parts.training.second_level import load_second
    from landcover.stores.models import ARRAYS

    with task.local_at(key, ARRAYS) as arrays:
        model = open_model(arrays.parent, card)
    stack = FeatureStack(task, grid, composites, terrain, card.features)
    further = replace(_further(task, key, card), differs=model.tells_differences)
    second = load_second(task, key, card)
    recipe = task.recipe.classify
    plan = Plan(grid, stack, composites, model, card, recipe, further, second)
    return write_map(task, plan, path)
