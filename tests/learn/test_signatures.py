"""Signatures by hand, and rows lost by class and feature."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from landcover.errors import InputError
from landcover.learn.signatures import class_signatures, nodata_by_class
from landcover.nouns.legend import MEDITERRANEAN


def test_mean_and_quantiles_of_each_class() -> None:
    table = pd.DataFrame(
        {
            "code": [7, 7, 7, 7, 7, 9],
            "spring_B04": [0.1, 0.2, 0.3, 0.4, 1.0, 0.5],
            "dem": [5.0, 4.0, 3.0, 2.0, 1.0, 0.0],
        }
    )
    found = class_signatures(table, ["dem", "spring_B04"], MEDITERRANEAN)
    assert [(one.code, one.name, one.n) for one in found.classes] == [
        (7, "cropland", 5), (9, "permanentWater", 1),
    ]  # fmt: skip
    crop, water = found.classes
    assert list(crop.features) == ["dem", "spring_B04"]
    red = crop.features["spring_B04"]
    assert red.mean == pytest.approx(0.4, abs=1e-6)
    # Linear: the 5 % quantile of five lies a fifth of the way from the first to the second.
    assert (red.p05, red.p25, red.p50, red.p75, red.p95) == pytest.approx(
        (0.12, 0.2, 0.3, 0.4, 0.88), abs=1e-6
    )
    assert set(water.features["dem"].to_document().values()) == {0.0}
    assert crop.colour == MEDITERRANEAN.colour_of(7)


def test_a_missing_feature_is_refused() -> None:
    with pytest.raises(InputError, match="lacks slope"):
        class_signatures(pd.DataFrame({"code": [1]}), ["slope"], MEDITERRANEAN)


def test_rows_without_a_value_by_class_and_feature() -> None:
    nan = np.nan
    table = pd.DataFrame(
        {
            "label": ["water", "water", "crop", "crop", "bare"],
            "a": [nan, nan, 1.0, nan, 1.0],
            "b": [1.0, nan, 1.0, 1.0, 1.0],
        }
    )
    assert nodata_by_class(table, ["a", "b"]) == {"crop": {"a": 1}, "water": {"a": 2, "b": 1}}
