"""The bench of models on real samples: what it reads, and that engines get the same splits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from landcover.bench import models
from landcover.bench.tables import Request
from landcover.errors import InputError
from landcover.learn.models import fit_classifier


def test_the_library_is_read_as_reflectance_of_three_seasons(data_dir: Path) -> None:
    found = models.seasons_of_the_library(data_dir / "spectral-library")
    assert len(found.names) == 3 * (9 + 7) + 2
    table = found.table
    assert table[list(found.names)].notna().all(axis=None)
    assert 0 < table["summer_B04"].median() < 0.3
    np.testing.assert_allclose(
        table["summer_NDVI"],
        (table["summer_B08"] - table["summer_B04"]) / (table["summer_B08"] + table["summer_B04"]),
        rtol=1e-4,
        atol=1e-5,
    )
    assert table.groupby("code")["group"].nunique().min() > 1


def test_slovenian_land_use_is_held_out_by_squares(data_dir: Path) -> None:
    found = models.land_use_of_slovenia(data_dir / "spectral-library")
    assert len(found.names) == 2 * 13 + 1
    table = found.table
    assert set(table["code"]) <= {1, 2, 3, 4, 8}
    assert table["group"].value_counts().max() <= models.SQUARE_PX**2
    # Forest is darker than grassland in red.
    red = table.groupby("code")["2015-07-11_B04"].median()
    assert red[2] < red[3]
    assert table["dem"].between(600, 900).all()


def test_engines_are_judged_on_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(40) % 2 + 1, 5)
    table = pd.DataFrame({"a": codes + rng.normal(0, 0.8, 200), "b": rng.normal(0, 1, 200)})
    table = table.assign(code=codes, group=np.repeat([f"g{n}" for n in range(40)], 5))
    known = models.Samples(table, ("a", "b"), "block")

    def small(rows: pd.DataFrame, names: tuple[str, ...], seed: int, threads: int) -> Any:
        model = fit_classifier(
            rows, rows["code"], feature_names=names, parameters={"n_trees": 5}, seed=seed
        )
        return lambda held: model.predict(held)[0]

    monkeypatch.setattr(models, "ENGINES", {"one": small, "other": small})
    monkeypatch.setattr(models, "PLAIN", "none")
    first, predictions = models.evaluate("made up", "one", known, 0, 1)
    again, others = models.evaluate("made up", "other", known, 0, 1)
    np.testing.assert_array_equal(predictions.codes, others.codes)
    np.testing.assert_array_equal(predictions.answers, others.answers)
    costs = ("fit_cpu_s", "answer_cpu_us")
    for name in set(first.result) - set(costs):
        assert first.result[name] == again.result[name]
    assert all(first.result[name] > 0 for name in costs)
    overall = first.result["overall"]
    assert 0.6 < overall["lowest"] <= overall["mean"] <= overall["highest"] <= 1
    # A fifth of 20 groups of each class, five rows each, five seeds.
    assert first.result["held_out_rows"] == 2 * 4 * 5 * 5


def test_boosted_trees_are_an_opponent_that_stops_by_no_row() -> None:
    rng = np.random.default_rng(1)
    codes = np.repeat([3, 7], 100)
    rows = pd.DataFrame({"a": codes + rng.normal(0, 0.1, 200)}).assign(code=codes)
    boosted = [name for name in models.ENGINES if name.startswith("boosting")]
    assert len(boosted) == 3
    for name in boosted:
        answers = models.ENGINES[name](rows, ("a",), 0, 1)(rows.sample(frac=1, random_state=0))
        assert sorted(answers) == codes.tolist(), name


def test_without_data_the_bench_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LANDCOVER_DATA", raising=False)
    with pytest.raises(InputError, match="LANDCOVER_DATA must name a folder"):
        models.measure(Request(folder=tmp_path), lambda share, what: None)
