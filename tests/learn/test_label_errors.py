"""Labels that were changed on purpose are found, and others are left alone."""

from __future__ import annotations

import numpy as np
import pandas as pd

from landcover.learn import label_errors
from landcover.learn.fitting import fit_recipe
from landcover.learn.label_errors import COLUMNS
from landcover.learn.out_of_fold import answer_out_of_fold
from landcover.recipe import ModelRecipe

NAMES = ["a", "b"]


def points(n: int, seed: int = 0) -> pd.DataFrame:
    """Three classes well apart, points of four pixels; a point is its own group."""
    rng = np.random.default_rng(seed)
    code = np.arange(n) % 3 + 1
    table = pd.DataFrame(
        {
            "point_id": [f"p{i:03}" for i in range(n)],
            "code": code,
            "lon": np.arange(n) / 100,
            "lat": 40.0,
            "a": code * 2.0 + rng.normal(0, 0.4, n),
            "b": rng.normal(0, 1, n),
        }
    )
    table["group"] = table["point_id"]
    pixels = table.loc[table.index.repeat(4)].reset_index(drop=True)
    pixels[NAMES] += rng.normal(0, 0.1, (len(pixels), 2))
    return pixels


def find_label_errors(table: pd.DataFrame, seed: int = 0, threads: int = 1) -> pd.DataFrame:
    """Answer every point by a forest that did not see it, and rank."""
    table = table.reset_index(drop=True)
    if table["code"].nunique() < 2:
        empty = np.full((len(table), 1), np.nan)
        return label_errors.find_label_errors(table, table["code"].unique(), empty)
    recipe = ModelRecipe(trees=50, seed=seed)
    model = fit_recipe(recipe, table, NAMES, threads=threads)
    every = np.ones(len(table), dtype=np.bool_)
    found = answer_out_of_fold(recipe, table, model, trained=every, threads=threads)
    return label_errors.find_label_errors(table, found.classes, found.probabilities)


def test_changed_labels_come_first() -> None:
    table = points(120)
    wrong = {"p010": 3, "p041": 1, "p077": 1}  # they were 2, 3 and 3
    for point, code in wrong.items():
        table.loc[table["point_id"] == point, "code"] = code
    found = find_label_errors(table, seed=1)
    assert tuple(found.columns) == COLUMNS
    top = found.head(3).set_index("point_id")
    assert set(top.index) == set(wrong)
    assert top["given"].to_dict() == wrong
    assert top["suggested"].to_dict() == {"p010": 2, "p041": 3, "p077": 3}
    assert top.loc["p041", "lon"] == 0.41
    assert (top["n_rows"] == 4).all()
    assert (found["confidence"] >= found["given_probability"]).all()
    # What is not wrong is hardly ever named.
    assert len(found) <= 6


def test_the_order_of_rows_plays_no_part() -> None:
    table = points(60)
    table.loc[table["point_id"] == "p010", "code"] = 3
    first = find_label_errors(table)
    assert "p010" in set(first["point_id"])
    again = find_label_errors(table, threads=2)
    pd.testing.assert_frame_equal(first, again)


def test_a_class_of_few_points_is_not_judged() -> None:
    table = points(60)
    rare = points(3, seed=9).assign(code=9, a=50.0)
    rare[["point_id", "group"]] = "rare-" + rare[["point_id", "group"]]
    found = find_label_errors(pd.concat([table, rare]))
    assert not found["point_id"].str.startswith("rare").any()
    assert 9 not in set(found["suggested"])
    assert find_label_errors(rare).empty


def test_the_surest_contradiction_comes_first() -> None:
    """By the difference of the two probabilities: a doubtful pair is no sure one."""
    table = points(24).groupby("point_id", as_index=False).first()
    table["code"] = np.repeat([1, 2], 12)
    own = np.repeat([[0.8, 0.2], [0.2, 0.8]], 12, axis=0)
    own[0], own[1] = (0.1, 0.9), (0.35, 0.65)
    own[12:15] = (0.45, 0.55)  # so that .65 is an answer as sure as is usual for class 2
    own[15:] = (0.4, 0.6)
    found = label_errors.find_label_errors(table, np.array([1, 2]), own)
    assert found["point_id"].to_list() == ["p000", "p001"]
    assert found["given_probability"].to_list() == [0.1, 0.35]
