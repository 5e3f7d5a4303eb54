"""The class doctor: separability, confusion and Shapley values joined into advice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from statistics import median

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landcover.learn.accuracy import confusion_matrix
from landcover.learn.advice import advise_pair, advise_small_classes, feature_title
from landcover.learn.classifiers import feature_matrix
from landcover.learn.explain import Cluster, Explained, contrast, explain
from landcover.learn.misclassified import choose_misclassified, describe_misclassified
from landcover.learn.models import Model
from landcover.learn.separability import apart_by_feature, jeffries_matusita
from landcover.nouns.classifiers import CLASSIFIERS
from landcover.nouns.explanation import (
    EXPLAINED_POINTS,
    EXPLAINED_ROWS,
    ClusterWeight,
    ConfusedPair,
    Difference,
    ExplainedClass,
    Explanation,
    FeatureWeight,
)
from landcover.nouns.model import ModelCard

MEASURED = 5
"""Features that a pair's distance is measured in. In all 72 features a few hundred rows, nine of
a point, lie apart in any case: covariances of that size fit the rows, not the class."""
NAMED = 3
MOST_PAIRS = 10
MOST_TILES = 3
MOST_DIFFERENCES = 8
THIN = 0.5
"""A class with less than this share of the median number of groups is thin."""
LEAST_GROUPS = 5


def diagnose(
    model: Model,
    card: ModelCard,
    table: pd.DataFrame,
    *,
    answers: NDArray[np.uint8] | None = None,
    titles: Mapping[int, str] | None = None,
    title: str = "",
    simulated: bool = False,
    max_rows: int = EXPLAINED_ROWS,
    max_points: int = EXPLAINED_POINTS,
    points: tuple[str, ...] = (),
    threads: int = 1,
    progress: Callable[[float, float], None] | None = None,
) -> Explanation:
    """Explain a model by its sample set.

    Args:
        model: A model that was fitted on the rows that train: the map's own, or where that has
            learned from all rows one of the same kind.
        card: Card of the map's model.
        table: The sample set: features by name, ``code``, ``group``, ``is_train``, ``point_id``,
            ``tile``, ``row``, ``column``, ``lon``, ``lat``; finite features only count.
        answers: Answer to each row by a model that did not see its group, uint8, (n,), 0 where
            nobody answered; those of the model where None.
        titles: Names of the classes for people; those of the card where None.
        title: Title of the map.
        simulated: The products are simulated.
        max_rows: Most rows behind the means.
        max_points: Most misclassified points that are explained beside them.
        points: Ids of points that are explained if they are misclassified, whatever the bounds.
        threads: Threads.
        progress: Is told the share of the rows that is done, 0-1, and the seconds that are left.

    Returns:
        What the model goes by, and the confused pairs with advice.
    """
    names = list(model.feature_names)
    is_whole = np.asarray(np.isfinite(feature_matrix(table, names)).all(axis=1), dtype=np.bool_)
    known = table.assign(is_whole=is_whole, answer=0 if answers is None else answers)
    known = known.query("is_whole and code in @card.codes")
    trained = known.query("is_train").reset_index(drop=True)
    learned = known.reset_index(drop=True) if card.fit == "all" else trained
    held = known.query("not is_train").reset_index(drop=True)
    if answers is not None:
        held = held.query("answer > 0").reset_index(drop=True)
    basis = trained if held.empty else held
    own = model.predict(basis)[0]
    predicted = own if answers is None else basis["answer"].to_numpy(dtype=np.uint8)
    is_misclassified = np.zeros(0, dtype=np.bool_)
    is_explained = is_misclassified
    if not held.empty:
        is_misclassified = predicted != held["code"].to_numpy()
        # Only what this model gets wrong as well can be explained by it.
        is_explained = is_misclassified & (own != held["code"].to_numpy())
    extra = choose_misclassified(held, is_explained, own, max_points, points, card.seed)
    explained = explain(
        model,
        basis,
        basis["code"].to_numpy(),
        basis["group"].to_numpy(),
        training=trained if len(trained) else None,
        max_rows=max_rows,
        extra=extra,
        clusters=_permuted(card),
        seed=card.seed,
        threads=threads,
        progress=progress,
    )
    called = {
        code: (titles or {}).get(code, name)
        for code, name in zip(card.codes, card.names, strict=True)
    }
    answered = predicted if len(held) else np.zeros(0, dtype=np.uint8)
    matrix = confusion_matrix(answered, held["code"].to_numpy(), card.codes)
    classes = _classes(card, called, learned, held, matrix)
    pairs = tuple(_pairs(card, classes, learned, held, answered, explained, matrix))
    return Explanation(
        model=card.id,
        kind=card.kind,
        title=title,
        simulated=simulated,
        basis="training" if held.empty else "held-out",
        n_rows=0 if explained.importance is None else int(explained.is_averaged.sum()),
        n_held=len(held),
        overall=None if held.empty else float(1 - is_misclassified.mean()),
        classes=classes,
        matrix=tuple(tuple(int(count) for count in row) for row in matrix),
        features=_weights(card, explained),
        clusters=tuple(
            ClusterWeight(features=c.features, drop=c.drop, spread=c.spread)
            for c in explained.clusters
        ),
        pairs=pairs,
        points=tuple(describe_misclassified(model, card, called, held, explained, extra)),
        n_missed=int(is_misclassified.sum()),
        advice=(*(pair.advice for pair in pairs[:NAMED]), *advise_small_classes(classes)),
        notes=tuple(_notes(model, card, explained, held, classes, int(is_misclassified.sum()))),
    )


def _permuted(card: ModelCard) -> tuple[Cluster, ...] | None:
    """Give what permuted features cost, where it was measured when the model was trained."""
    if card.out_of_fold is None or not card.out_of_fold.permuted:
        return None
    return tuple(Cluster(one.features, one.drop, one.spread) for one in card.out_of_fold.permuted)


def _classes(
    card: ModelCard,
    called: Mapping[int, str],
    trained: pd.DataFrame,
    held: pd.DataFrame,
    matrix: NDArray[np.int64],
) -> tuple[ExplainedClass, ...]:
    groups = [trained.loc[trained["code"] == code, "group"].nunique() for code in card.codes]
    least = max(LEAST_GROUPS, THIN * median(groups))
    found = []
    for k, code in enumerate(card.codes):
        here = held[held["code"] == code]
        n_map, n_reference, hits = int(matrix[k].sum()), len(here), int(matrix[k, k])
        found.append(
            ExplainedClass(
                code=code,
                title=called[code],
                colour=card.colours[k],
                train_rows=int((trained["code"] == code).sum()),
                train_groups=groups[k],
                held_rows=n_reference,
                held_groups=here["group"].nunique(),
                users=hits / n_map if n_map else None,
                producers=hits / n_reference if n_reference else None,
                is_thin=groups[k] < least,
            )
        )
    return tuple(found)


def _weights(card: ModelCard, explained: Explained) -> tuple[FeatureWeight, ...]:
    if explained.importance is None:
        return ()
    found = [
        FeatureWeight(
            name=feature.name,
            period=feature.period,
            layer=feature.layer,
            kind=feature.kind,
            shap=tuple(float(value) for value in values),
        )
        for feature, values in zip(card.features.features, explained.importance, strict=True)
    ]
    return tuple(sorted(found, key=lambda weight: (-weight.total, weight.name)))


def _pairs(
    card: ModelCard,
    classes: tuple[ExplainedClass, ...],
    trained: pd.DataFrame,
    held: pd.DataFrame,
    answered: NDArray[np.uint8],
    explained: Explained,
    matrix: NDArray[np.int64],
) -> list[ConfusedPair]:
    mutual = matrix + matrix.T
    rows = matrix.sum(axis=0)
    confused = [(i, j) for i, j in combinations(range(len(classes)), 2) if mutual[i, j]]
    ranked = sorted(confused, key=lambda ij: (-mutual[ij] / (rows[ij[0]] + rows[ij[1]]), ij))
    found = []
    for i, j in ranked[:MOST_PAIRS]:
        pair = (classes[i], classes[j])
        codes = (pair[0].code, pair[1].code)
        differences = _differences(card, codes, trained, held, explained)
        measured = tuple(d.feature for d in differences[:MEASURED])
        distance = pair_distance(trained, codes, measured)
        is_theirs = held["code"].isin(codes).to_numpy() & np.isin(answered, codes)
        is_wrong = is_theirs & (answered != held["code"].to_numpy())
        # Samples of a library lie in no tile of the run.
        tiles = held.loc[is_wrong & (held["tile"] != "").to_numpy(), "tile"].value_counts()
        worst = sorted(tiles.index, key=lambda tile: (-tiles[tile], tile))[:MOST_TILES]
        n = int(rows[i] + rows[j])
        by_name = {f.name: feature_title(f) for f in card.features.features}
        found.append(
            ConfusedPair(
                codes=codes,
                confused=int(mutual[i, j]),
                rows=n,
                distance=distance,
                measured=measured,
                differences=differences,
                tiles=tuple(worst),
                advice=advise_pair(
                    pair,
                    classes,
                    percent=100 * int(mutual[i, j]) / n,
                    distance=distance,
                    differs_in=[by_name[d.feature] for d in differences],
                    tiles=worst,
                ),
            )
        )
    return found


def _differences(
    card: ModelCard,
    codes: tuple[int, int],
    trained: pd.DataFrame,
    held: pd.DataFrame,
    explained: Explained,
) -> tuple[Difference, ...]:
    """Rank features by how much they hold a pair apart; of a network by their own distance."""
    names = list(explained.feature_names)
    if explained.values is None:
        values = trained[names].to_numpy(dtype=np.float64)
        ranked = apart_by_feature(values, trained["code"].to_numpy(), codes, names)
    else:
        counts = explained.is_averaged
        code = held["code"].to_numpy()[explained.rows[counts]]
        amounts = contrast(explained.values[counts], code, card.codes, codes)
        found = [(name, float(a)) for name, a in zip(names, amounts, strict=True) if a > 0]
        ranked = sorted(found, key=lambda entry: (-entry[1], entry[0]))
    return tuple(Difference(feature=name, amount=a) for name, a in ranked[:MOST_DIFFERENCES])


def pair_distance(
    trained: pd.DataFrame, codes: tuple[int, int], measured: tuple[str, ...]
) -> float | None:
    """Measure how far two classes lie apart.

    Args:
        trained: Training rows: features by name and ``code``.
        codes: The two classes.
        measured: Features to measure in.

    Returns:
        Jeffries-Matusita distance, 0-2; None where a class has too few rows.
    """
    theirs = trained[trained["code"].isin(codes)]
    if not measured or theirs["code"].nunique() < 2:
        return None
    values = theirs[list(measured)].to_numpy(dtype=np.float64)
    distance = float(jeffries_matusita(values, theirs["code"].to_numpy()).distance[0, 1])
    return None if np.isnan(distance) else distance


def _notes(
    model: Model,
    card: ModelCard,
    explained: Explained,
    held: pd.DataFrame,
    classes: tuple[ExplainedClass, ...],
    n_missed: int,
) -> list[str]:
    notes = []
    commonest = max(entry.held_rows for entry in classes)
    if not held.empty and len(held) - n_missed <= commonest:
        notes.append(
            f"The model is right on {100 * (1 - n_missed / len(held)):.1f} % of the held-out rows; "
            f"always answering the commonest class would be right on "
            f"{100 * commonest / len(held):.1f} %. Look for the cause of that first."
        )
    if explained.values is None:
        notes.append(
            f"A {CLASSIFIERS[model.kind].title} has no Shapley values here: what it goes by is "
            "measured by permuting features only, and the features of a pair are ranked by their "
            "own distance."
        )
    elif card.fit == "all":
        notes.append(
            "The map's model has learned from every label. Shapley values and explained points are "
            "of a model of the same settings without the held-out groups."
        )
    if explained.values is not None and model.prior is not None:
        notes.append(
            "Shapley values are those of the forest's votes, before each class is multiplied by "
            "its share."
        )
    if held.empty:
        notes.append(
            "No sample was held out: importance was measured on training samples, where every "
            "model looks better than it is, and confusion is unknown."
        )
    unseen = [entry.title for entry in classes if not entry.held_rows]
    if unseen and not held.empty:
        notes.append(f"Not held out, so of unknown confusion: {', '.join(unseen)}.")
    return notes
