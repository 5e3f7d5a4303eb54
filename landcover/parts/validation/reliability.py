"""Whether a model's confidence can be taken at its word."""

from __future__ import annotations

import numpy as np
import pandas as pd

from landcover.learn.calibration import (
    brier_score,
    expected_calibration_error,
    log_loss,
    reliability,
)
from landcover.nouns.model import ModelCard
from landcover.nouns.validation import Calibration, CalibrationBin
from landcover.parts.task import Task
from landcover.parts.training.run_model import open_model
from landcover.stores.models import ARRAYS


def calibration_of(task: Task, key: str, card: ModelCard, held: pd.DataFrame) -> Calibration | None:
    """Compare the confidence of the run's model with its hits on held-out samples.

    Args:
        task: The run.
        key: Where the model is.
        card: Its card.
        held: Samples that did not train, with the model's features.

    Returns:
        Curve and scores; None where no sample has a class of the model.
    """
    rows = held[held["code"].isin(card.codes)]
    if rows.empty:
        return None
    with task.local_at(key, ARRAYS) as path:
        model = open_model(path.parent, card)
    features = np.ascontiguousarray(rows[list(card.features.names)].to_numpy(np.float32))
    probabilities = model.probabilities(features)
    truth = np.searchsorted(model.classes, rows["code"].to_numpy())
    is_right = probabilities.argmax(axis=1) == truth
    # Means of thousands of votes may exceed 1 by a rounding error.
    curve = reliability(np.clip(probabilities.max(axis=1), 0, 1), is_right)
    return Calibration(
        bins=tuple(CalibrationBin(**entry._asdict()) for entry in curve),
        expected_error=expected_calibration_error(curve),
        brier=brier_score(probabilities, truth),
        log_loss=log_loss(probabilities, truth),
        n=len(rows),
    )
