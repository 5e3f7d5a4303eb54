"""How often sets of classes hold the true one in regions that were left out of training."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landcover.learn.accuracy import NamesClasses
from landcover.learn.classifiers import feature_matrix
from landcover.learn.conformal import conformal_scores
from landcover.learn.models import Model
from landcover.nouns.model import ModelCard
from landcover.nouns.validation import RegionCoverage, SplitName
from landcover.parts.training.out_of_fold import probabilities_in

STATED = 0.9
"""Share that sets are asked to hold: the default of ``classify.coverage``."""


class Watched:
    """A fitted model that keeps what it says of the true class of every row it is asked about."""

    def __init__(self, model: Model, watch: Watch) -> None:
        """Take the model, and where its scores go."""
        self._model, self._watch = model, watch

    def predict(self, features: pd.DataFrame) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """Answer rows of the table, which have their place in it as index."""
        rows = feature_matrix(features, self._model.feature_names)
        probability = self._model.probabilities(rows)
        self._watch.take(features, probability, self._model.classes)
        winner = probability.argmax(axis=1)
        confidence = probability[np.arange(len(winner)), winner]
        return self._model.classes[winner], confidence


class Watch:
    """Scores of the rows of a table: 1 - probability of the true class, NaN where unknown."""

    def __init__(self, n: int) -> None:
        """Make room for n rows."""
        self.scores: NDArray[np.float64] = np.full(n, np.nan)
        self.is_right = np.zeros(n, dtype=np.bool_)

    def take(
        self, rows: pd.DataFrame, probability: NDArray[np.float64], classes: NDArray[np.uint8]
    ) -> None:
        """Keep the scores of rows whose class the model has learned."""
        code, place = rows["code"].to_numpy(), rows.index.to_numpy()
        column = np.minimum(np.searchsorted(classes, code), classes.size - 1)
        knows = classes[column] == code
        given = probability[np.arange(len(code)), column]
        self.scores[place[knows]] = 1 - given[knows]
        self.is_right[place] = classes[probability.argmax(axis=1)] == code


def coverage_of_regions(
    name: SplitName,
    table: pd.DataFrame,
    folds: NDArray[np.int64],
    watch: Watch,
    answers: pd.DataFrame,
    card: ModelCard,
    legend: NamesClasses,
) -> RegionCoverage | None:
    """Hold sets of classes against regions that neither model nor threshold saw.

    Args:
        name: What the regions are.
        table: All samples, with ``code``, ``group``, ``tile`` and ``source``.
        folds: Region of each, (n,).
        watch: What models without its region say of each.
        answers: Out-of-fold answers to the same samples, in the same order.
        card: Card of the map's model.
        legend: Names the classes.

    Returns:
        Coverage of each region; None where no region could be asked.
    """
    p, codes = probabilities_in(answers, card), table["code"].to_numpy()
    knows, groups = answers["knows"].to_numpy(bool), table["group"].to_numpy().astype(str)
    holds = np.zeros(len(table), dtype=np.bool_)
    regions: dict[str, float] = {}
    for one in np.unique(folds):
        inside = (folds == one) & np.isfinite(watch.scores)
        outside = (folds != one) & knows
        if not inside.any() or not outside.any():
            continue
        scores = conformal_scores(p[outside], np.array(card.codes), codes[outside], groups[outside])
        limit = scores.threshold(STATED)
        holds[inside] = (watch.scores[inside] <= limit) | watch.is_right[inside]
        by_group = pd.Series(holds[inside]).groupby(groups[inside]).mean()
        regions[_name(name, table[folds == one], int(one))] = round(float(by_group.mean()), 4)
    if not regions:
        return None
    asked = np.isfinite(watch.scores)
    by_class = {
        legend.name_of(int(code)): round(float(holds[asked & (codes == code)].mean()), 4)
        for code in np.unique(codes[asked])
    }
    return RegionCoverage(split=name, stated=STATED, regions=regions, by_class=by_class)


def _name(name: SplitName, rows: pd.DataFrame, number: int) -> str:
    column = {"tiles": "tile", "sources": "source"}.get(name)
    listed = sorted(set(rows[column].astype(str))) if column else []
    if not listed:
        return f"blocks {number + 1}"
    more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""
    return ", ".join(listed[:3]) + more
