"""Splits side by side, calibration and independent points, in one document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from landcover.nouns.headline import headline_of
from landcover.nouns.model import ModelCard
from landcover.nouns.output import Output
from landcover.nouns.validation import Calibration, Validation
from landcover.parts.class_names import Names
from landcover.parts.task import Task
from landcover.parts.training.sample_rows import read_table
from landcover.parts.validation.cross_validation import ValidationScores, cross_validated
from landcover.parts.validation.held_out_answers import (
    is_held,
    load_answers,
    predictions_of,
    title_of,
)
from landcover.parts.validation.independent_points import validate_independently
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
        Overall accuracy of every split, and what the map is quoted by.
    """
    recipe, seed = task.recipe, task.recipe.model.seed
    known = {entry.code: entry.name for entry in recipe.labels.legend.classes}
    names = Names(known | dict(zip(card.codes, card.names, strict=True)))
    found = ValidationScores(names, seed)
    calibration = None
    if samples is not None and task.run.arguments.model is None:
        answers = load_answers(task, card, key)
        held = predictions_of(answers, is_held(answers))
        if (held.mapped > 0).any():
            found.add("held-out", held)
        calibration = _calibration_of(card)
        table = read_table(task, samples)
        cross_validated(found, table, answers, card, recipe.model, recipe.validation, task.job)
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
        coverages=tuple(found.coverages),
        independent=independent,
        n_rows=found.n_rows,
        notes=tuple(found.notes),
    )
    path.mkdir()
    (path / VALIDATION).write_text(whole.model_dump_json(indent=1))
    shares = {f"overall_{split.name}": split.overall for split in whole.splits}
    return {**shares, "headline": headline_of(whole).to_document()}


def _calibration_of(card: ModelCard) -> Calibration | None:
    """Give how far the map's confidence can be believed: calibrated where calibration is kept."""
    known = None if card.out_of_fold is None else card.out_of_fold.calibration
    if known is None:
        return None
    return known.after if known.is_kept else known.before
