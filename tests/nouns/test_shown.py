"""What a notebook shows of a value: one line of at most a few hundred characters, or a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from landcover import api
from landcover.nouns.base import Noun
from landcover.nouns.grid import Grid
from landcover.nouns.legend import MEDITERRANEAN
from landcover.nouns.shown import short


def rows(count: int = 400) -> tuple[pd.DataFrame, Any]:
    rng = np.random.default_rng(0)
    code = np.repeat([1, 2], count // 2)
    return pd.DataFrame({"ndvi": rng.normal(code, 0.3), "slope": rng.normal(size=count)}), code


def values() -> dict[str, Any]:
    table, code = rows()
    model = api.fit_classifier(table, np.where(code == 1, "bare", "<crop>"))
    return {
        "model": model,
        "explained": api.explain(model, table, model.predict(table)[0]),
        "separability": api.jeffries_matusita(table, code),
        "accuracy": api.accuracy(code, code[::-1]),
        "legend": MEDITERRANEAN,
    }


@pytest.mark.parametrize("name", ["model", "explained", "separability", "accuracy", "legend"])
def test_values_are_short_and_have_a_table(name: str) -> None:
    value = values()[name]
    assert repr(value).startswith(f"{type(value).__name__}(")
    assert "\n" not in repr(value)
    assert len(repr(value)) < 1200
    html = value._repr_html_()
    assert html.count("<tr>") == html.count("</tr>") >= 1
    assert len(html) < 4000


def test_a_model_names_its_classes_and_is_escaped() -> None:
    model = values()["model"]
    assert repr(model) == (
        "OpenedModel(kind='random-forest', features=2, classes='1 <crop>, 2 bare')"
    )
    assert "1 &lt;crop&gt;, 2 bare" in model._repr_html_()


def test_a_small_noun_says_everything() -> None:
    grid = Grid(crs="EPSG:32630", ulx=300_000, uly=4_100_040, pixel=10, width=5, height=4)
    assert repr(grid) == (
        "Grid(crs='EPSG:32630', ulx=300000, uly=4.10004e+06, pixel=10, width=5, height=4)"
    )
    assert isinstance(grid, Noun)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.123456789, "0.123457"),
        ("x" * 100, "'" + "x" * 57 + "…'"),
        (tuple(range(100)), "tuple of 100"),
        (dict.fromkeys(range(100)), "dict of 100"),
        (np.zeros((3, 4), np.float32), "float32 3 × 4"),
        (pd.DataFrame({"a": [1, 2]}), "table 2 × 1"),
        (None, "None"),
        ((1, 2), "(1, 2)"),
    ],
)
def test_a_field_in_a_few_characters(value: Any, expected: str) -> None:
    assert short(value) == expected
