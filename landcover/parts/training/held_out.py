"""What a model knows of its own accuracy: answers to groups that trained none of who answered."""

from __future__ import annotations

import numpy as np
import pandas as pd

from landcover.learn.accuracy import accuracy
from landcover.learn.out_of_fold import OutOfFold
from landcover.nouns.accuracy import AccuracyReport
from landcover.parts.task import Task

DESIGN = (
    "groups of the training labels that features and settings were not chosen on, each answered by "
    "a model that did not see it: chosen, not drawn at random, so this is no probability sample"
)


def held_out_accuracy(task: Task, found: OutOfFold, table: pd.DataFrame) -> AccuracyReport | None:
    """Validate a model on the samples that were held out of the split.

    Args:
        task: The run: legend, seed, whether its products are simulated.
        found: Answers of models that did not see the groups.
        table: The whole sample set, with ``is_train``.

    Returns:
        The report; None where no sample was held out.
    """
    held = ~table["is_train"].to_numpy(dtype=np.bool_) & found.knows
    if not held.any():
        return None
    return accuracy(
        found.codes[held],
        table["code"].to_numpy()[held],
        legend=task.recipe.labels.legend,
        groups=table["group"].to_numpy()[held],
        title="Held-out samples",
        design=DESIGN,
        simulated=task.run.simulated,
        seed=task.recipe.model.seed,
    )
