"""Points whose label a model of other points confidently contradicts.

Confident learning (Northcutt, Jiang & Chuang 2021, J. Artif. Intell. Res. 70): a class is a
confident answer where its probability reaches what it has on average among the points that carry
its label. Where classes lie far apart that average is nearly 1, so 0.7 is always enough here.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

LEAST_GROUPS = 5
"""A class of fewer groups is not judged: a model without one of them hardly knows it."""
ENOUGH = 0.7
"""Probability that is a confident answer in any class."""
COLUMNS = (
    "point_id", "lon", "lat", "given", "suggested", "confidence", "given_probability", "n_rows"
)  # fmt: skip


def find_label_errors(
    table: pd.DataFrame, classes: NDArray[np.integer], probabilities: NDArray[np.float64]
) -> pd.DataFrame:
    """Rank the points that are most likely labelled wrongly.

    The probabilities of the pixels of a point are averaged. Such a point may also be a mixed
    pixel, a change, or a rare kind of its class: a person decides.

    Args:
        table: Rows with ``point_id``, ``lon``, ``lat``, ``code`` and ``group``.
        classes: Codes of the columns, ascending, (K,).
        probabilities: What a model answers that did not see the row's group, (n, K); NaN in rows
            that nobody answered, which take no part.

    Returns:
        One row per point, the surest first: ``point_id``, ``lon``, ``lat`` (degrees), ``given``
        and ``suggested`` (class codes), ``confidence`` (probability of the suggested class, 0-1),
        ``given_probability`` (of the given one) and ``n_rows`` (pixels of the point). Empty where
        fewer than two classes have five groups.
    """
    is_answered = np.isfinite(probabilities).all(axis=1)
    n_groups = table[is_answered].groupby("code")["group"].nunique()
    enough = n_groups.index[n_groups >= LEAST_GROUPS].to_numpy()
    is_column = np.isin(classes, enough)
    keep = is_answered & table["code"].isin(classes[is_column]).to_numpy()
    if is_column.sum() < 2 or not keep.any():
        return pd.DataFrame(columns=list(COLUMNS))
    chance = probabilities[keep][:, is_column]
    total = chance.sum(axis=1, keepdims=True)
    even = np.full_like(chance, 1 / chance.shape[1])
    chance = np.divide(chance, total, out=even, where=total > 0)
    return _rank(table[keep].reset_index(drop=True), classes[is_column], chance)


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
