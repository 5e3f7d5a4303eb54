"""Classify: a class and a confidence for every pixel of a tile, window by window."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from landcover.errors import InputError
from landcover.learn.models import Model, load_arrays
from landcover.ledger.models import find_entry, require_not_retired
from landcover.nouns.model import ModelCard
from landcover.nouns.output import Output, Wanted
from landcover.recipe import Classify
from landcover.stages.grids import composites_of, tile_work_grid
from landcover.stages.mapping import Plan, write_map
from landcover.stages.modelcheck import require_task_fits
from landcover.stages.sample import terrain_of
from landcover.stages.secondlevel import load_second
from landcover.stages.stack import FeatureStack
from landcover.stages.task import Task
from landcover.stages.trusting import further_layers
from landcover.stores import layout
from landcover.stores.models import ARRAYS, CARD, arrays_path, read_card

VERSION = 1


def classify(task: Task) -> None:
    """Make the class map of the unit's tile."""
    tile = str(task.unit.tile)
    key, card = load_model(task)
    grid = tile_work_grid(task, tile)
    composites = composites_of(task, tile)
    terrain = terrain_of(task, tile)
    _require_features(task, card, composites, terrain)
    require_task_fits(task, card)
    recipe = task.recipe.classify
    further = further_layers(task, key, card, recipe)
    wanted = Wanted(
        stage="classify",
        version=VERSION,
        unit=tile,
        inputs={
            "composites": tuple(output.id for output in composites.values()),
            "terrain": (terrain.id,) if terrain else (),
            "model": (card.id,),
        },
        params={"index_variant": task.recipe.features.index_variant, **_params(recipe)},
    )
    with task.workspace.objects.local(key, ARRAYS) as path:
        model = open_model(path.parent, card)
    stack = FeatureStack(task, grid, composites, terrain, card.features)
    second = load_second(task, key, card)
    plan = Plan(grid, stack, composites, model, card, recipe, further, second)
    task.need(wanted, layout.class_map(tile, wanted.id), partial(write_map, task, plan))


def load_model(task: Task) -> tuple[str, ModelCard]:
    """Find the model of the run: the one it was told to use, or the one it trained.

    Returns:
        Its key and its card.

    Raises:
        InputError: The model is not in the workspace, or it was retired.
    """
    named = task.run.arguments.model
    if named is None:
        key = next(o.key for o in task.outputs_of("train", "all") if o.unit == "model")
    else:
        key = require_not_retired(find_entry(task.workspace.records, named)).key
    with task.workspace.objects.local(key, CARD) as path:
        return key, read_card(path.parent)


def open_model(folder: Path, card: ModelCard) -> Model:
    """Read the arrays of a model and check that they are those of its card.

    Raises:
        InputError: They are not, or they do not fit its features and classes.
    """
    with arrays_path(folder, card).open("rb") as file:
        model = load_arrays(file, card.kind, card.prior)
    if model.feature_names != card.features.names or tuple(model.classes) != card.codes:
        raise InputError(
            f"Model {card.id}: features or classes of its arrays are not those of its card; train "
            "it again."
        )
    return model


def _params(recipe: Classify) -> dict[str, object]:
    """Give what names a map beside its inputs: a layer that is not kept leaves no trace."""
    if not recipe.keep:
        return {}
    coverage = {"coverage": recipe.coverage} if "set_size" in recipe.keep else {}
    return {"keep": sorted(recipe.keep), **coverage}


def _require_features(
    task: Task, card: ModelCard, composites: dict[str, Output], terrain: Output | None
) -> None:
    periods = {f.period for f in card.features.features if f.period}
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
