"""Explain: what the trained model goes by, which classes it confuses, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from landcover.learn.explain import ROWS
from landcover.learn.misclassified import POINTS
from landcover.nouns.output import Output, Wanted
from landcover.nouns.stages import version_of
from landcover.parts.task import Task
from landcover.parts.training.explanation import diagnose_model
from landcover.parts.training.model_lookup import LoadedModel
from landcover.parts.training.run_model import open_model
from landcover.publish.doctor import write_explanation
from landcover.stores import layout
from landcover.stores.models import read_card


def explain(task: Task) -> None:
    """Explain the model of the run by its sample set.

    Raises:
        MissingDataError: No model was trained.
    """
    trained = {output.unit: output for output in task.outputs_of("train", "all")}
    model, sample_set = trained["model"], trained["samples"]
    wanted = Wanted(
        stage="explain",
        version=version_of("explain"),
        unit="explanation",
        inputs={"model": (model.id,), "sample_set": (sample_set.id,)},
        params={
            "rows": ROWS,
            "points": POINTS,
            "title": task.recipe.title,
            "simulated": task.run.simulated,
            "titles": {str(c.code): c.title for c in task.recipe.labels.legend.classes},
        },
    )
    make = partial(_make, task, model, sample_set, wanted.params)
    task.need(wanted, layout.explanation(wanted.id), make)


def _make(
    task: Task, model: Output, sample_set: Output, params: Mapping[str, Any], path: Path
) -> dict[str, Any]:
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
