"""Maps of several models in one pass over the features: what is read and computed is so once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.features.reach import reach_of
from landcover.features.stack import FeatureStack
from landcover.learn.predict import predict_blocks
from landcover.ledger import runs
from landcover.nouns.model import Feature, FeatureSet, feature_set
from landcover.nouns.run import Unit
from landcover.nouns.work_windows import WorkWindows, whole_or_cut
from landcover.parts.mapping.map_rasters import (
    CLASSES,
    CONFIDENCE,
    CONFIDENCE_STYLE,
    SECOND,
    class_style,
    second_style,
)
from landcover.parts.mapping.work_windows import windows_of
from landcover.parts.task import Job, Task
from landcover.parts.training.model_compatibility import require_task_fits
from landcover.parts.training.model_lookup import LoadedModel, load_model
from landcover.parts.training.second_level import second_layer
from landcover.parts.work_grid import composites_of, terrain_of, tile_work_grid
from landcover.raster.windows import plan_windows
from landcover.stores.rasters import RasterStyle, RasterWriter, ReadingPool, create_raster
from landcover.stores.workspace import Workspace


def map_with_models(
    workspace: Workspace, run_id: str, names: Sequence[str], folder: Path, job: Job
) -> list[Path]:
    """Classify the prepared tiles of a run with several models.

    Args:
        workspace: Where run and models are.
        run_id: A run whose tiles have composites.
        names: Models, each by its id or the beginning of it, a run, ``latest``, or its folder.
        folder: Where ``{model id}/{tile}/classification.tif`` and ``confidence.tif`` go, and
            ``classification2.tif`` of a model with a second level.
        job: Memory, threads, cancellation and progress.

    Returns:
        Paths of the class maps, tile by tile in the order of the models. The bytes are those that
        the stage classify writes for each model by itself; of a run with a region they have the
        windows that it worked on.

    Raises:
        InputError: A model cannot read the features of the run, looks farther around a pixel than
            the run has prepared, or is named twice.
    """
    run, recipe = runs.load(workspace, run_id)
    models = [load_model(lambda: workspace, name) for name in names]
    ids = [model.card.id for model in models]
    if len(set(ids)) != len(ids):
        raise InputError(f"Models {', '.join(ids)}: one is named twice.")
    written: list[Path] = []
    for tile in run.arguments.tiles:
        unit = Unit(id=tile, label=tile, tile=tile)
        task = Task(workspace, run, recipe, unit, job)
        for model in models:
            require_task_fits(task, model.card)
        written += _map_tile(task, tile, models, folder)
    return written


def shared_features(sets: Sequence[FeatureSet]) -> tuple[FeatureSet, list[NDArray[np.intp]]]:
    """Join feature sets; a feature that several have is in it once.

    Returns:
        The joint set, in the order of first use; and for each set where its features are in it.

    Raises:
        InputError: Two sets mean different things by one name.
    """
    found: dict[str, Feature] = {}
    for one in sets:
        for feature in one.features:
            if found.setdefault(feature.name, feature) != feature:
                raise InputError(
                    f"{feature.name} is made in two ways by these models; map them one by one."
                )
    place = {name: number for number, name in enumerate(found)}
    joint = feature_set(found.values())
    return joint, [np.array([place[name] for name in one.names], dtype=np.intp) for one in sets]


def _map_tile(task: Task, tile: str, models: Sequence[LoadedModel], folder: Path) -> list[Path]:
    grid = tile_work_grid(task, tile)
    wanted = windows_of(task, tile, grid)
    if wanted is not None:
        for model in models:
            _require_reach(task, model, wanted)
        task.windows = wanted.inner
    joint, places = shared_features([model.card.features for model in models])
    stack = FeatureStack(task, grid, composites_of(task, tile), terrain_of(task, tile), joint)
    planned = plan_windows(
        *grid.shape,
        bytes_per_pixel=2 * stack.bytes_per_pixel + 3 * len(models),
        memory_gb=task.job.memory_gb / 4 - stack.kept_gb,
    )
    windows = whole_or_cut(planned, grid, task.windows)
    homes = [folder / model.card.id / tile for model in models]
    with ExitStack() as opened:
        files: list[dict[str, RasterWriter]] = []
        for model, home in zip(models, homes, strict=True):
            home.mkdir(parents=True, exist_ok=True)
            files.append({
                name: opened.enter_context(
                    create_raster(home / name, grid, style, is_sparse=task.windows is not None)
                )
                for name, style in _styles(model).items()
            })  # fmt: skip
        pool = opened.enter_context(ThreadPoolExecutor(task.job.threads))
        readers = opened.enter_context(ReadingPool(task.job.threads))
        for number, window in enumerate(windows):
            task.job.check()
            task.job.progress(number / len(windows), f"{tile}: {len(models)} maps")
            features = stack.read(window, readers)
            for model, place, out in zip(models, places, files, strict=True):
                for name, values in _answers(model, features[place], pool, task).items():
                    out[name].write(values, window)
    return [home / CLASSES for home in homes]


def _styles(model: LoadedModel) -> dict[str, RasterStyle]:
    found = {CLASSES: class_style(model.card), CONFIDENCE: CONFIDENCE_STYLE}
    return {**found, SECOND: second_style(model.card)} if model.second else found


def _answers(
    model: LoadedModel, features: NDArray[np.float32], pool: ThreadPoolExecutor, task: Task
) -> dict[str, NDArray[np.uint8]]:
    """Give the layers of a window, uint8, (y, x), by file name."""
    rows = features.reshape(len(features), -1).T
    work = partial(predict_blocks, model.model)
    parts = list(pool.map(work, np.array_split(rows, task.job.threads)))
    codes, confidence, _ = zip(*parts, strict=True)
    shape = features.shape[1:]
    found = {
        CLASSES: np.concatenate(codes).reshape(shape),
        CONFIDENCE: np.concatenate(confidence).reshape(shape),
    }
    if model.second:
        asked = found[CLASSES]
        found[SECOND] = second_layer(model.second, asked, features, pool, task.job.threads)
    return found


def _require_reach(task: Task, model: LoadedModel, prepared: WorkWindows) -> None:
    """Refuse a model whose features would see beyond what a run with a region has prepared."""
    reach = reach_of(model.card.features.features, task.recipe)
    if reach is None or reach > prepared.halo:
        looks = "at the whole tile" if reach is None else f"{reach} px around a pixel"
        raise InputError(
            f"Model {model.card.id}: its features look {looks}, but run {task.run.id} has a region "
            f"and prepared {prepared.halo} px around it. Run the recipe of that model there."
        )
