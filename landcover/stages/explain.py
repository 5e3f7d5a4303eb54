"""Explain: what the trained model goes by, which classes it confuses, and what to do about it."""

from __future__ import annotations

from functools import partial

from landcover.learn.explain import ROWS
from landcover.learn.misclassified import POINTS
from landcover.nouns.output import Wanted
from landcover.nouns.stages import version_of
from landcover.parts.task import Task
from landcover.parts.training.explanation import write_model_explanation
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
            "rows": ROWS,
            "points": POINTS,
            "title": task.recipe.title,
            "simulated": task.run.simulated,
            "titles": {str(c.code): c.title for c in task.recipe.labels.legend.classes},
        },
    )
    make = partial(write_model_explanation, task, model, sample_set, wanted.params)
    task.need(wanted, layout.explanation(wanted.id), make)
