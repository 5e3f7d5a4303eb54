"""What a model knows of its own accuracy: its answers on the groups that did not train."""

from __future__ import annotations

import pandas as pd

from landcover.learn.accuracy import accuracy
from landcover.learn.models import Model
from landcover.nouns.accuracy import AccuracyReport
from landcover.parts.task import Task

DESIGN = (
    "groups of the training labels that were held out: chosen, not drawn at random, so this is no "
    "probability sample"
)


def held_out_accuracy(task: Task, model: Model, table: pd.DataFrame) -> AccuracyReport | None:
    """Validate a model on the samples that were held out of its training.

    Args:
        task: The run: legend, seed, whether its products are simulated.
        model: The model.
        table: The whole sample set, with ``is_train``.

    Returns:
        The report; None where no sample was held out.
    """
    held = table[~table["is_train"]]
    if held.empty:
        return None
    codes, _ = model.predict(held)
    return accuracy(
        codes,
        held["code"].to_numpy(),
        legend=task.recipe.labels.legend,
        groups=held["group"].to_numpy(),
        title="Held-out samples",
        design=DESIGN,
        simulated=task.run.simulated,
        seed=task.recipe.model.seed,
    )
