"""Explanations of models: made of their sample set, found again, read and copied."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from shutil import copyfile
from typing import Any

import numpy as np
import pandas as pd

from landcover.learn.diagnosis import diagnose
from landcover.ledger import outputs
from landcover.nouns.explanation import Explanation
from landcover.nouns.output import Output
from landcover.parts.task import Job, Task
from landcover.parts.training.model_lookup import LoadedModel
from landcover.parts.training.out_of_fold import read_answers
from landcover.parts.training.run_model import open_model
from landcover.parts.training.split_model import split_model
from landcover.publish.doctor import DOCUMENT, write_explanation
from landcover.stores import layout
from landcover.stores.models import read_card
from landcover.stores.workspace import Workspace


def write_model_explanation(
    task: Task, model: Output, sample_set: Output, params: Mapping[str, Any], path: Path
) -> dict[str, Any]:
    """Write the explanation of a model by its sample set.

    Args:
        task: The task.
        model: Output of the model.
        sample_set: Output of its samples.
        params: Those of the stage, see :func:`diagnose_model`.
        path: Folder to make: document, table, picture and page.

    Returns:
        Rows that were looked at, the features that matter most, and the advice.
    """
    with task.local(model) as folder:
        card = read_card(folder)
        loaded = LoadedModel(card, open_model(folder, card))
    found = diagnose_model(task.workspace, loaded, sample_set, params, job=task.job)
    path.mkdir()
    write_explanation(path, found)
    return {
        "n_rows": found.n_rows,
        "n_held": found.n_held,
        "n_missed": found.n_missed,
        "top_features": [feature.name for feature in found.features[:5]],
        "advice": list(found.advice),
    }


def diagnose_model(
    workspace: Workspace,
    loaded: LoadedModel,
    sample_set: Output,
    params: Mapping[str, Any],
    *,
    points: tuple[str, ...] = (),
    job: Job | None = None,
) -> Explanation:
    """Read the sample set of a model, and explain the model by it.

    Args:
        workspace: Stores.
        loaded: The model.
        sample_set: Its sample set.
        params: Those of the stage: ``rows``, ``points``, ``title``, ``simulated``, ``titles``.
        points: Ids of points that are explained if they are misclassified.
        job: Threads, and who is told how far it is.

    Raises:
        InputError: The sample set lacks a feature of the model.
    """
    at = job or Job()
    with outputs.local(workspace, sample_set) as path:
        table = pd.read_parquet(path)

    def tell(share: float, seconds: float) -> None:
        at.check()
        at.progress(share, f"explaining the model, about {seconds:.0f} s left")

    card = loaded.card
    answers = read_answers(workspace, layout.model(card.id), card)
    model = loaded.model
    if card.fit == "all" and not table["is_train"].all():
        model = split_model(workspace, card, table, threads=at.threads)
    return diagnose(
        model,
        card,
        table,
        answers=None if answers is None else answers["answer"].to_numpy(np.uint8),
        titles={int(code): title for code, title in params["titles"].items()},
        title=params["title"],
        simulated=params["simulated"],
        max_rows=params["rows"],
        max_points=params["points"],
        points=points,
        threads=at.threads,
        progress=tell,
    )


def read_explanation(workspace: Workspace, found: Output) -> Explanation:
    """Read the document of an explanation."""
    with outputs.local(workspace, found, DOCUMENT) as path:
        return Explanation.from_json(path.read_text(encoding="utf-8"))


def copy_explanation(workspace: Workspace, found: Output, folder: Path) -> None:
    """Copy the files of an explanation into a folder that exists."""
    with outputs.local(workspace, found) as here:
        for file in found.files:
            copyfile(here / file.name, folder / file.name)


def find_explanation(workspace: Workspace, model_id: str) -> Output | None:
    """Find the newest explanation of a model; None where nobody asked for one."""
    where = {"wanted.stage": "explain"}
    for document in workspace.records.find(outputs.COLLECTION, where, sort=["-created"]):
        if list(document["wanted"]["inputs"]["model"]) == [model_id]:
            return outputs.find(workspace, document["_id"])
    return None
