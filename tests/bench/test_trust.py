"""The bench of trust layers: its figures by hand, and that calibration and test stay apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from landcover.bench import answers, models, trust, unknowns
from landcover.bench.tables import Request, lines
from landcover.errors import InputError


def found(n: int = 200, **changes: np.ndarray) -> trust.Predictions:
    """Give rows of twenty units: every tenth is wrong, and every wrong one lies outside."""
    number = np.arange(n)
    wrong = number % 10 == 0
    unit = (number % 20).astype(np.str_)
    yes = np.ones((n, 3), np.bool_)
    given = {
        "right": ~wrong, "confidence": np.where(wrong, 0.5, 0.9), "index": wrong + 0.1,
        "outside": wrong, "covered": yes, "size": np.full((n, 3), 2), "bare": ~wrong[:, None] & yes,
        "smoothed": yes, "group": unit, "unit": unit, "fold": number % 5,
    }  # fmt: skip
    return trust.Predictions(**{**given, **changes})


def test_auroc_equals_that_of_scikit_learn_with_ties() -> None:
    rng = np.random.default_rng(0)
    wrong, doubt = rng.random(300) < 0.2, rng.integers(0, 9, 300) / 9 + 0.0
    assert answers.auroc(wrong, doubt) == pytest.approx(roc_auc_score(wrong, doubt))
    assert np.isnan(answers.auroc(np.zeros(5, np.bool_), doubt[:5]))


def test_an_area_that_holds_all_errors_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "RESAMPLES", 50)
    told = trust.summary(found())
    assert (told["rows"], told["errors"], told["units"], told["units_outside"]) == (200, 20, 20, 2)
    assert told["share_outside"] == 0.1
    assert told["inside"] == {"value": 1, "low": 1, "high": 1}
    assert told["outside"]["value"] == 0
    assert told["errors_outside"]["value"] == told["errors_least_confident"]["value"] == 1
    assert told["auroc_index"]["value"] == told["auroc_confidence"]["value"] == 1
    assert told["accuracy_by_decile"] == [1] * 9 + [0]
    assert [one["may_be_empty"] for one in told["sets"]] == [0.9] * 3
    assert told["sets"][0]["size"] == 2
    low, high = told["accuracy"]["low"], told["accuracy"]["high"]
    assert low < 0.9 < high
    text = trust.told("made up", told)
    assert text[0].startswith("made up: 200 rows, 20 errors, 20 units; 10.0% of the rows outside")


def test_groups_weigh_the_same_whatever_their_size() -> None:
    group = np.array(["a"] * 190 + ["b"] * 10)
    covered = np.repeat((group == "b")[:, None], 3, axis=1)
    told = trust.summary(found(covered=covered, group=group, unit=group))
    assert told["sets"][0]["covered"] == told["sets"][0]["covered_units"] == 0.5
    assert told["sets"][0]["covered_rows"] == 0.05
    assert "low" not in told["accuracy"], "two units give no interval"


def samples(n_groups: int = 60, size: int = 4) -> models.Samples:
    """Make samples of two classes that one feature tells apart, more or less."""
    rng = np.random.default_rng(1)
    n = n_groups * size
    codes = np.repeat(np.arange(n_groups) % 2 + 1, size)
    table = pd.DataFrame({"a": codes + rng.normal(0, 0.5, n), "b": rng.normal(0, 1, n)})
    table = table.astype("float32").assign(
        code=codes, group=np.repeat([f"g{i}" for i in range(n_groups)], size)
    )
    return models.Samples(table, ("a", "b"), "block")


def test_every_row_is_answered_once_by_figures_that_did_not_see_it() -> None:
    known = samples()
    splits = {name: (fold, unit) for name, fold, unit in trust._splits("x", known.table, 0)}
    assert set(splits) == {"row", "group"}, "no regions are known for this set"
    fold, unit = splits["group"]
    assert known.table.assign(fold=fold).groupby("group")["fold"].nunique().max() == 1
    predictions = trust.evaluate(known, fold, unit, "group", 0, 1)
    assert 0.7 < predictions.right.mean() < 1
    # Sets as shipped hold what smaller ones hold, and whatever is right.
    assert (predictions.covered >= predictions.bare).all()
    assert (predictions.covered >= predictions.right[:, None]).all()
    assert (np.diff(predictions.size, axis=1) >= 0).all()
    # Groups are drawn alike, so decided at random sets hold what was stated.
    for share, coverage in zip(predictions.smoothed.mean(axis=0), answers.COVERAGES, strict=True):
        assert abs(share - coverage) < 0.1


def three_classes(n_groups: int) -> models.Samples:
    """Add a third class, far from the others."""
    known = samples(n_groups)
    table = known.table
    far = table[table["code"] == 1].assign(code=3, a=20.0, group=lambda t: "far " + t["group"])
    return known._replace(table=pd.concat([table, far], ignore_index=True))


def test_a_class_that_no_sample_shows_is_dissimilar_where_it_lies_apart() -> None:
    known = three_classes(60)
    _, group = np.unique(known.table["group"], return_inverse=True)
    found = unknowns.unknown_classes(known, group % answers.FOLDS, 0, 1)
    assert [one["class"] for one in found] == [1, 2, 3]
    assert found[2]["auroc_index"] == found[2]["outside"] == 1
    assert found[2]["others_outside"] < 0.2
    assert found[2]["rows"] == 30 * 4
    assert unknowns.unknown_classes(samples(8), np.zeros(32, np.int64), 0, 1) == []
    assert len(unknowns.told("made up", found)) == 4


def test_regions_are_made_of_whole_groups(data_dir: Path) -> None:
    for name in ("library", "flanders", "slovenia"):
        table = models.SETS[name](data_dir / "spectral-library").table
        region = trust.REGIONS[name](table)
        assert table.assign(region=region).groupby("group")["region"].nunique().max() == 1
        assert region.nunique() >= trust.LEAST_UNITS


def test_the_bench_prints_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "spectral-library").mkdir()
    monkeypatch.setenv("LANDCOVER_DATA", str(tmp_path))
    monkeypatch.setattr(models, "SETS", {"made up": lambda folder: three_classes(30)})
    monkeypatch.setattr(trust, "RESAMPLES", 5)
    report = trust.measure(Request(folder=tmp_path, threads=1), lambda share, what: None)
    assert [row.engine for row in report.rows] == ["held out by row", "held out by group"]
    text = "\n".join(lines(report))
    assert "made up, held out by group: 180 rows" in text
    assert "sets: stated  covered" in text
    assert "made up, classes left out of training" in text


def test_without_data_the_bench_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LANDCOVER_DATA", raising=False)
    with pytest.raises(InputError, match="bench trust: LANDCOVER_DATA must name a folder"):
        trust.measure(Request(folder=tmp_path), lambda share, what: None)
