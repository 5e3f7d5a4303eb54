"""Mean and quantiles of every feature in every class, and rows lost to nodata."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pandas as pd

from landcover.learn.classifiers import feature_matrix
from landcover.nouns.signature import ClassSignature, FeatureDistribution, Signatures

QUANTILES = (0.05, 0.25, 0.50, 0.75, 0.95)


class DrawsClasses(Protocol):
    """What a legend must offer here."""

    def name_of(self, code: int) -> str:
        """Name the class of a code."""
        ...

    def colour_of(self, code: int) -> str:
        """Give the colour of a code."""
        ...


def class_signatures(
    rows: pd.DataFrame, feature_names: Sequence[str], legend: DrawsClasses
) -> Signatures:
    """Compute what classes look like.

    Args:
        rows: Rows with ``code`` and the features, without NaN.
        feature_names: Features in order.
        legend: Names and colours of the classes.

    Returns:
        Mean and quantiles (linear interpolation) of each feature, class by class; every row
        counts the same.

    Raises:
        InputError: A feature is missing.
    """
    values = feature_matrix(rows, feature_names).astype(np.float64)
    codes = rows["code"].to_numpy()
    found = []
    for code in np.unique(codes):
        mine = values[codes == code]
        numbers = np.vstack([mine.mean(axis=0), np.quantile(mine, QUANTILES, axis=0)]).T
        spreads = (
            dict(zip(FeatureDistribution.model_fields, row.tolist(), strict=True))
            for row in numbers
        )
        found.append(
            ClassSignature(
                code=int(code),
                name=legend.name_of(int(code)),
                colour=legend.colour_of(int(code)),
                n=len(mine),
                features={
                    name: FeatureDistribution(**spread)
                    for name, spread in zip(feature_names, spreads, strict=True)
                },
            )
        )
    return Signatures(classes=tuple(found))


def nodata_by_class(
    table: pd.DataFrame, feature_names: Sequence[str], labels: str = "label"
) -> dict[str, dict[str, int]]:
    """Count rows without a value, by class and feature.

    Args:
        table: Rows with the class and the features, NaN where nodata.
        feature_names: Features in order.
        labels: Column of the class.

    Returns:
        Class → feature → rows; classes and features without such rows are absent.
    """
    names = list(feature_names)
    counts = table[names].isna().groupby(table[labels].astype(str)).sum()
    return {
        str(label): {name: int(n) for name, n in zip(names, row, strict=True) if n}
        for label, row in zip(counts.index, counts.to_numpy(), strict=True)
        if row.any()
    }
