"""Classify: a class and a confidence for every pixel of a tile, window by window."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.learn.models import Model, load_arrays
from landcover.learn.predict import CONFIDENCE_NODATA, CONFIDENCE_SCALE, predict_blocks
from landcover.nouns.grid import Grid
from landcover.nouns.model import ModelCard
from landcover.nouns.output import Output, Wanted
from landcover.raster.windows import plan_windows
from landcover.stages.grids import composites_of, tile_work_grid
from landcover.stages.sample import terrain_of
from landcover.stages.stack import FeatureStack
from landcover.stages.task import Task
from landcover.stores import layout
from landcover.stores.models import ARRAYS, CARD, arrays_path, read_card
from landcover.stores.rasters import RasterStyle, create_raster

VERSION = 1
CLASSES = "classification.tif"
CONFIDENCE = "confidence.tif"


def classify(task: Task) -> None:
    """Make the class map of the unit's tile."""
    tile = str(task.unit.tile)
    key, card = load_model(task)
    grid = tile_work_grid(task, tile)
    composites = composites_of(task, tile)
    terrain = terrain_of(task, tile)
    _require_features(task, card, composites, terrain)
    wanted = Wanted(
        stage="classify",
        version=VERSION,
        unit=tile,
        inputs={
            "composites": tuple(output.id for output in composites.values()),
            "terrain": (terrain.id,) if terrain else (),
            "model": (card.id,),
        },
        params={"index_variant": task.recipe.features.index_variant},
    )
    with task.workspace.objects.local(key, ARRAYS) as path:
        model = open_model(path.parent, card)
    stack = FeatureStack(task, grid, composites, terrain, card.features)
    make = partial(_make, task, grid, stack, model, card)
    task.need(wanted, layout.class_map(tile, wanted.id), make)


def load_model(task: Task) -> tuple[str, ModelCard]:
    """Find the model of the run: the one it was told to use, or the one it trained.

    Returns:
        Its key and its card.

    Raises:
        InputError: The model is not in the workspace.
    """
    named = task.run.arguments.model
    if named is None:
        key = next(o.key for o in task.outputs_of("train", "all") if o.unit == "model")
    else:
        found = [d for d in task.workspace.records.find("models") if d["_id"].startswith(named)]
        if len(found) != 1:
            raise InputError(
                f"--model {named}: {len(found)} models of the workspace have an id that begins "
                "so. Give a whole id."
            )
        key = found[0]["key"]
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


def class_style(card: ModelCard) -> RasterStyle:
    """Say what a class map's file tells of its codes: nodata, names, colours."""
    colours = {0: (0, 0, 0, 0)}
    for code, colour in zip(card.codes, card.colours, strict=True):
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        colours[code] = (red, green, blue, 255)
    return RasterStyle(
        dtype="uint8",
        nodata=0,
        descriptions=("land cover class",),
        colours=colours,
        categories=dict(zip(card.codes, card.names, strict=True)),
        tags={"model": card.id},
    )


CONFIDENCE_STYLE = RasterStyle(
    dtype="uint8",
    nodata=CONFIDENCE_NODATA,
    descriptions=("probability of the class",),
    scale=1 / CONFIDENCE_SCALE,
)


def _make(
    task: Task,
    grid: Grid,
    stack: FeatureStack,
    model: Model,
    card: ModelCard,
    path: Path,
) -> dict[str, Any]:
    path.mkdir()
    counts = np.zeros(256, dtype=np.int64)
    windows = plan_windows(
        *grid.shape, bytes_per_pixel=stack.bytes_per_pixel, memory_gb=task.job.memory_gb / 2
    )
    with (
        create_raster(path / CLASSES, grid, class_style(card)) as classes,
        create_raster(path / CONFIDENCE, grid, CONFIDENCE_STYLE) as certainty,
        ThreadPoolExecutor(task.job.threads) as pool,
    ):
        for number, window in enumerate(windows):
            task.job.check()
            task.job.progress(number / len(windows), f"{task.unit.label} map")
            features = stack.read(window)
            codes, confidence = _predict(model, features, pool, task.job.threads)
            classes.write(codes, window)
            certainty.write(confidence, window)
            counts += np.bincount(codes.ravel(), minlength=256)
    return {
        "grid": grid.to_document(),
        "pixels": {str(code): int(counts[code]) for code in np.flatnonzero(counts)},
        "nodata_percent": round(100 * int(counts[0]) / int(counts.sum()), 4),
    }


def _predict(
    model: Model, features: NDArray[np.float32], pool: ThreadPoolExecutor, threads: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    n_features, *shape = features.shape
    rows = np.ascontiguousarray(features.reshape(n_features, -1).T)
    parts = list(pool.map(partial(predict_blocks, model), np.array_split(rows, threads)))
    codes, confidence = (np.concatenate(part).reshape(shape) for part in zip(*parts, strict=True))
    return codes, confidence


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
