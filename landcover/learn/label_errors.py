"""Points whose label a model of other points confidently contradicts.

Confident learning (Northcutt, Jiang & Chuang 2021, J. Artif. Intell. Res. 70): a class is a
confident answer where its probability reaches what it has on average among the points that carry
its label. Where classes lie far apart that average is nearly 1, so 0.7 is always enough here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landcover.learn.folds import unit_folds
from landcover.learn.models import Model, fit_classifier
from landcover.learn.sampling import thin_by_group

FOLDS = 5
TREES = 50
MOST_ROWS = 5_000
"""Rows that each of the models is fitted on; all rows are judged."""
LEAST_GROUPS = 5
"""A class of fewer groups is not judged: a model without one of them hardly knows it."""
ENOUGH = 0.7
"""Probability that is a confident answer in any class."""
COLUMNS = (
    "point_id", "lon", "lat", "given", "suggested", "confidence", "given_probability", "n_rows"
)  # fmt: skip


def find_label_errors(
    table: pd.DataFrame,
    feature_names: Sequence[str],
    *,
    folds: int = FOLDS,
    max_rows: int = MOST_ROWS,
    seed: int = 0,
    threads: int = 1,
    progress: Callable[[float], None] = lambda share: None,
) -> pd.DataFrame:
    """Rank the points that are most likely labelled wrongly.

    Every group is judged by a random forest that was fitted without it; the probabilities of the
    pixels of a point are averaged. Such a point may also be a mixed pixel, a change, or a rare
    kind of its class: a person decides.

    Args:
        table: Rows with ``point_id``, ``lon``, ``lat``, ``code``, ``group`` and the features,
            without NaN.
        feature_names: Features in order.
        folds: Folds of whole groups.
        max_rows: Most rows of one fit, whole groups of every class.
        seed: Seed of folds, rows and fits.
        threads: Threads of a fit.
        progress: Is told the share that is done.

    Returns:
        One row per point, the surest first: ``point_id``, ``lon``, ``lat`` (degrees), ``given``
        and ``suggested`` (class codes), ``confidence`` (probability of the suggested class, 0-1),
        ``given_probability`` (of the given one) and ``n_rows`` (pixels of the point). Empty where
        fewer than two classes have five groups.
    """
    n_groups = table.groupby("code")["group"].nunique()
    judged = table[table["code"].isin(n_groups.index[n_groups >= LEAST_GROUPS])]
    judged = judged.reset_index(drop=True)
    classes = np.unique(judged["code"])
    if classes.size < 2:
        return pd.DataFrame(columns=list(COLUMNS))
    chance = np.zeros((len(judged), classes.size))
    home = unit_folds(judged["code"], judged["group"], folds, seed=seed)
    for number in range(folds):
        progress(number / folds)
        is_test = home == number
        rows = judged[~is_test]
        if len(rows) > max_rows:
            rows = rows[thin_by_group(rows["code"], rows["group"], max_rows, seed=seed)]
        model = fit_classifier(
            rows,
            rows["code"].to_numpy(),
            feature_names=feature_names,
            parameters={"n_trees": TREES},
            seed=seed,
            threads=threads,
        )
        columns = np.searchsorted(classes, model.classes)
        chance[np.ix_(is_test, columns)] = _ask(model, judged[is_test])
    progress(1.0)
    return _rank(judged, classes, chance)


def _ask(model: Model, rows: pd.DataFrame) -> NDArray[np.float64]:
    features = rows[list(model.feature_names)].to_numpy(dtype=np.float32)
    return model.probabilities(np.ascontiguousarray(features))


def _rank(
    judged: pd.DataFrame, classes: NDArray[np.integer], chance: NDArray[np.float64]
) -> pd.DataFrame:
    """Average over points, and list those where another class is a confident answer."""
    points = judged.groupby(["point_id", "code"], sort=True)
    mean = pd.DataFrame(chance).groupby([judged["point_id"], judged["code"]], sort=True).mean()
    first = points[["lon", "lat"]].first().reset_index()
    probability = mean.to_numpy()
    given = np.searchsorted(classes, first["code"].to_numpy())
    of_given = probability[np.arange(len(given)), given]
    usual = np.array([of_given[given == k].mean() for k in range(classes.size)])
    # Among the classes that are confident answers, the likeliest.
    confident = np.where(probability >= np.minimum(usual, ENOUGH), probability, -1.0)
    best = confident.argmax(axis=1)
    found = pd.DataFrame(
        {
            "point_id": first["point_id"],
            "lon": first["lon"],
            "lat": first["lat"],
            "given": first["code"].astype(np.int64),
            "suggested": classes[best].astype(np.int64),
            "confidence": probability[np.arange(len(best)), best],
            "given_probability": of_given,
            "n_rows": points.size().to_numpy(),
        }
    )
    is_suspect = (confident.max(axis=1) > 0) & (best != given)
    found = found[is_suspect].assign(margin=lambda f: f["confidence"] - f["given_probability"])
    ordered: pd.DataFrame = found.sort_values(["margin", "point_id"], ascending=[False, True])
    return ordered.loc[:, list(COLUMNS)].reset_index(drop=True)
