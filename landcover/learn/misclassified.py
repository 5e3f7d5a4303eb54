"""Misclassified places, and what each feature did to the answer there."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landcover.learn.advice import describe_point, feature_title
from landcover.learn.classifiers import feature_matrix
from landcover.learn.explain import Explained, choose_rows
from landcover.learn.models import Model
from landcover.nouns.explanation import MisclassifiedPoint, PointFeature
from landcover.nouns.model import ModelCard

POINT_FEATURES = 8
"""Features that are told of each."""


def choose_misclassified(
    held: pd.DataFrame,
    is_misclassified: NDArray[np.bool_],
    predicted: NDArray[np.uint8],
    most: int,
    points: tuple[str, ...],
    seed: int,
) -> NDArray[np.int64]:
    """Choose misclassified rows: of every confused pair, from as many points as possible.

    Args:
        held: Held-out rows with ``code``, ``group`` and ``point_id``.
        is_misclassified: True on those that the model gets wrong, (n,).
        predicted: What it says, (n,).
        most: Most rows; at least one of every confused pair is chosen nevertheless.
        points: Ids of points of which every misclassified row is chosen beside them.
        seed: Seed of the choice.

    Returns:
        Positions of the rows, ascending.
    """
    missed = np.flatnonzero(is_misclassified)
    rows = held.iloc[missed]
    pair = 256 * rows["code"].to_numpy(dtype=np.int64) + predicted[missed]
    chosen = choose_rows(pair, rows["group"].to_numpy(), most, seed=seed)
    is_named = rows["point_id"].astype(str).isin(points).to_numpy()
    return np.union1d(missed[chosen], missed[is_named])


def describe_misclassified(
    model: Model,
    card: ModelCard,
    called: Mapping[int, str],
    held: pd.DataFrame,
    explained: Explained,
    extra: NDArray[np.int64],
) -> list[MisclassifiedPoint]:
    """Say of misclassified rows what pushed the model towards its answer and the right one.

    Args:
        model: The model.
        card: Its card.
        called: Names of the classes for people.
        held: Held-out rows with the features by name and where they lie.
        explained: The model on these rows.
        extra: Positions of the misclassified rows, among those that are explained.

    Returns:
        One entry per row, the most certain error first.
    """
    names = [feature_title(feature) for feature in card.features.features]
    table = held.iloc[extra]
    features = feature_matrix(table, model.feature_names)
    answers, chances = np.zeros(0, np.intp), np.zeros((0, len(card.codes)))
    if len(table):
        # As the map tells them; Shapley values are of what is before calibration.
        answers, chances, _ = model.decided(model.answers(features))
    found = []
    for number, (position, row) in enumerate(zip(extra, table.to_dict("records"), strict=True)):
        answer = int(answers[number])
        right = card.codes.index(int(row["code"]))
        pushed: list[PointFeature] = []
        if explained.values is not None:
            values = explained.values[int(np.searchsorted(explained.rows, position))]
            push = values[:, answer] - values[:, right]
            pushed = [
                PointFeature(
                    feature=names[f],
                    value=float(features[number, f]),
                    predicted=float(values[f, answer]),
                    reference=float(values[f, right]),
                )
                for f in np.argsort(-np.abs(push), kind="stable")[:POINT_FEATURES]
            ]
        reference = called[card.codes[right]], float(chances[number, right])
        predicted = called[card.codes[answer]], float(chances[number, answer])
        found.append(
            MisclassifiedPoint(
                point=str(row["point_id"]),
                tile=str(row["tile"]),
                row=int(row["row"]),
                column=int(row["column"]),
                lon=float(row["lon"]),
                lat=float(row["lat"]),
                reference=card.codes[right],
                predicted=card.codes[answer],
                p_reference=reference[1],
                p_predicted=predicted[1],
                features=tuple(pushed),
                sentence=describe_point(
                    str(row["point_id"]),
                    str(row["tile"]),
                    reference=reference,
                    predicted=predicted,
                    features=pushed,
                ),
            )
        )
    return sorted(found, key=lambda p: (p.p_reference - p.p_predicted, p.point, p.row, p.column))
