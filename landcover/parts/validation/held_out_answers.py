"""What models that did not see a sample's group answer to the samples that were held out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landcover.errors import MissingDataError
from landcover.learn.accuracy import accuracy
from landcover.learn.bootstrap import Predictions
from landcover.nouns.model import ModelCard
from landcover.nouns.output import Output
from landcover.parts.task import Task
from landcover.parts.training.out_of_fold import read_answers
from landcover.stores.layout import ACCURACY

DESIGN = (
    "groups of the training labels that features and settings were not chosen on, each answered "
    "by a model that did not see it: chosen, not drawn at random, so this is no probability sample "
    "of the map"
)


def write_accuracy(
    task: Task, card: ModelCard, key: str, samples: Output, path: Path
) -> dict[str, Any]:
    """Write the accuracy report of a model at its held-out samples.

    Args:
        task: The task.
        card: Card of the model.
        key: Where the model lies.
        samples: Output of the sample set.
        path: Folder to make.

    Raises:
        MissingDataError: No sample was held out.
    """
    answers = load_answers(task, card, key)
    held = predictions_of(answers, is_held(answers))
    if not (held.mapped > 0).any():
        raise MissingDataError(
            "No sample was held out, so the map's accuracy is unknown. Give more labels: each "
            "class needs at least two separate points, polygons or fields."
        )
    report = accuracy(
        held.mapped,
        held.reference,
        legend=task.recipe.labels.legend,
        groups=held.groups,
        title=title_of(task),
        design=DESIGN,
        simulated=task.run.simulated,
        seed=task.recipe.model.seed,
    )
    rare = samples.stats["rare"]
    notes = (*report.notes, *(f"{name} was not held out: it has too few groups." for name in rare))
    report = report.model_copy(update={"notes": notes})
    path.mkdir()
    (path / ACCURACY).write_text(report.model_dump_json(indent=1))
    return {"overall": report.overall, "macro_f1": report.macro_f1, "n": report.n}


def load_answers(task: Task, card: ModelCard, key: str) -> pd.DataFrame:
    """Read the answers of a model to its samples.

    Raises:
        MissingDataError: It has none: it was trained by an older version.
    """
    answers = read_answers(task.workspace, key, card)
    if answers is None:
        raise MissingDataError(
            f"Model {card.id} has no answers to the samples that it learned from, so its accuracy "
            "is unknown. Train it again."
        )
    return answers


def is_held(answers: pd.DataFrame) -> NDArray[np.bool_]:
    """Tell which samples features and settings were not chosen on, and somebody answered."""
    return np.asarray(~answers["is_train"].to_numpy(dtype=np.bool_) & (answers["answer"] > 0))


def predictions_of(answers: pd.DataFrame, is_asked: NDArray[np.bool_]) -> Predictions:
    """Give the answers to some samples; 0 where no model that was asked knew the class."""
    rows = answers[is_asked]
    mapped = np.where(rows["knows"], rows["answer"], 0).astype(np.int64)
    return Predictions(
        mapped, rows["code"].to_numpy(np.int64), rows["group"].to_numpy().astype(np.str_)
    )


def title_of(task: Task) -> str:
    """Name the map of a run."""
    return f"{task.recipe.title}, {task.run.arguments.year}"
