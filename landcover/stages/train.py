"""Train: join the tiles' samples, keep groups apart, fit the classifier, write its card."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from landcover.ledger.models import register
from landcover.nouns.model import CURVES, FeatureSet
from landcover.nouns.output import Output, Wanted
from landcover.nouns.stages import version_of
from landcover.parts.task import Task
from landcover.parts.training.run_features import run_features
from landcover.parts.training.sample_set import need_sample_set
from landcover.stores import layout


def train(task: Task) -> None:
    """Make the sample set and the model of the run.

    Raises:
        MissingDataError: No tile has samples.
    """
    features, missing = run_features(task)
    sample_set = need_sample_set(task, features)
    recipe = task.recipe.model
    wanted = Wanted(
        stage="train",
        version=version_of("train"),
        unit="model",
        inputs={"sample_set": (sample_set.id,)},
        params={
            **recipe.to_document(),
            # The card of a calibrated model has curves of each class since they were added.
            **({CURVES: 1} if recipe.calibration is not None else {}),
            "features": features.id,
            "legend": task.recipe.labels.legend.to_document(),
        },
    )
    make = partial(_write, task, sample_set, features, missing, wanted.id)
    model = task.need(wanted, layout.model(wanted.id), make)
    # A model that was approved or retired stays so when a run finds it again.
    register(task.workspace.records, model)


def _write(
    task: Task,
    sample_set: Output,
    features: FeatureSet,
    missing: tuple[str, ...],
    model_id: str,
    path: Path,
) -> dict[str, Any]:
    # What fits models: who only plans needs none of it.
    from landcover.parts.training.model_files import write_model

    return write_model(task, sample_set, features, missing, model_id, path)
