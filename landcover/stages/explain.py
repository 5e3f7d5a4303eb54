"""Explain: what the trained model goes by, which classes it confuses, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from landcover.nouns.explanation import EXPLAINED_POINTS, EXPLAINED_ROWS
from landcover.nouns.output import Output, Wanted
from landcover.nouns.stages import version_of
from landcover.parts.task import Task
from landcover.stores import layout


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
            "rows": EXPLAINED_ROWS,
            "points": EXPLAINED_POINTS,
            "title": task.recipe.title,
            "simulated": task.run.simulated,
            "titles": {str(c.code): c.title for c in task.recipe.labels.legend.classes},
        },
    )
    make = partial(_write, task, model, sample_set, wanted.params)
    task.need(wanted, layout.explanation(wanted.id), make)


def _write(
    task: Task, model: Output, sample_set: Output, params: Mapping[str, Any], path: Path
) -> dict[str, Any]:
    # What reads models: who only plans needs none of it.
    from landcover.parts.training.explanation import write_model_explanation

    return write_model_explanation(task, model, sample_set, params, path)
