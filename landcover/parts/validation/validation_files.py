"""Splits side by side, calibration and independent points, in one document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landcover.learn.bootstrap import Predictions
from landcover.nouns.model import ModelCard
from landcover.nouns.output import Output
from landcover.nouns.validation import Validation
from landcover.parts.class_names import Names
from landcover.parts.task import Task
from landcover.parts.training.sample_set import read_table
from landcover.parts.validation.cross_validation import ValidationScores, cross_validated
from landcover.parts.validation.held_out_pixels import held_out_pixels, title_of
from landcover.parts.validation.independent_points import validate_independently
from landcover.parts.validation.reliability import calibration_of
from landcover.stores.layout import VALIDATION


def write_validation(
    task: Task,
    maps: dict[str, Output],
    joined: dict[str, Output],
    card: ModelCard,
    key: str,
    samples: Output | None,
    path: Path,
) -> dict[str, Any]:
    """Write what splits and independent points say of a model and its map.

    Args:
        task: The task.
        maps: Tile → class map.
        joined: Zone or cell → mosaic.
        card: Card of the model.
        key: Where the model lies.
        samples: Output of its sample set; None where that is elsewhere.
        path: Folder to make.

    Returns:
        Overall accuracy of every split.
    """
    recipe, seed = task.recipe, task.recipe.model.seed
    known = {entry.code: entry.name for entry in recipe.labels.legend.classes}
    names = Names(known | dict(zip(card.codes, card.names, strict=True)))
    found = ValidationScores(names, seed)
    calibration = None
    if samples is not None and task.run.arguments.model is None:
        held, mapped = held_out_pixels(task, maps, samples)
        if (mapped > 0).any():
            found.add("held-out", _predictions(held, mapped))
            calibration = calibration_of(task, key, card, held)
        cross_validated(
            found, read_table(task, samples), card, recipe.model, recipe.validation, task.job
        )
    independent = None
    if task.run.test_label_id is not None:
        independent, predictions = validate_independently(
            task, maps, joined, samples, names, title=title_of(task)
        )
        found.add("independent", predictions)
    whole = Validation(
        splits=found.splits(),
        gaps=found.gaps(),
        calibration=calibration,
        independent=independent,
        n_rows=found.n_rows,
        notes=tuple(found.notes),
    )
    path.mkdir()
    (path / VALIDATION).write_text(whole.model_dump_json(indent=1))
    return {f"overall_{split.name}": split.overall for split in whole.splits}


def _predictions(held: pd.DataFrame, mapped: NDArray[np.uint8]) -> Predictions:
    return Predictions(
        mapped.astype(np.int64),
        held["code"].to_numpy(np.int64),
        held["group"].to_numpy().astype(np.str_),
    )
