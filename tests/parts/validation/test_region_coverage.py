"""Sets of classes held against regions that neither model nor threshold saw."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from landcover.parts.class_names import Names
from landcover.parts.validation.region_coverage import STATED, Watch, coverage_of_regions

CARD: Any = SimpleNamespace(codes=(1, 2))
NAMES = Names({1: "a", 2: "b"})


def table(n: int = 40) -> pd.DataFrame:
    number = np.arange(n)
    return pd.DataFrame(
        {
            "code": number % 2 + 1,
            "group": [f"g{i}" for i in number],
            "tile": np.where(number < n // 2, "A", "B"),
            "source": "one",
        }
    )


def answers(samples: pd.DataFrame, p_true: float) -> pd.DataFrame:
    """Out-of-fold answers that give every true class the same probability."""
    p1 = np.where(samples["code"] == 1, p_true, 1 - p_true)
    return samples.assign(knows=True, p1=p1, p2=1 - p1)


def watched(samples: pd.DataFrame, p_true: np.ndarray) -> Watch:
    watch = Watch(len(samples))
    p1 = np.where(samples["code"] == 1, p_true, 1 - p_true)
    watch.take(samples, np.column_stack([p1, 1 - p1]), np.array([1, 2], np.uint8))
    return watch


def test_a_region_that_is_harder_than_the_others_is_seen() -> None:
    samples = table()
    folds = (samples["tile"] == "B").to_numpy().astype(np.int64)
    # In A the model without A is as sure as elsewhere; in B it mostly misses.
    p_true = np.where(samples["tile"] == "A", 0.8, 0.2)
    found = coverage_of_regions(
        "tiles", samples, folds, watched(samples, p_true), answers(samples, 0.8), CARD, NAMES
    )
    assert found is not None
    assert found.stated == STATED
    assert found.regions == {"A": 1.0, "B": 0.0}
    assert found.by_class == {"a": 0.5, "b": 0.5}


def test_rows_of_a_class_that_no_model_knew_take_no_part() -> None:
    samples = table()
    samples.loc[samples["tile"] == "B", "code"] = 9
    folds = (samples["tile"] == "B").to_numpy().astype(np.int64)
    watch = watched(samples, np.full(len(samples), 0.8))
    known = answers(samples.assign(code=table()["code"]), 0.8).assign(code=samples["code"])
    known["knows"] = samples["code"] != 9
    found = coverage_of_regions("tiles", samples, folds, watch, known, CARD, NAMES)
    # Nothing outside of A sets a threshold, and nothing inside B can be asked.
    assert found is None
