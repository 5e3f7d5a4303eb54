"""The ground truth of a run: named by content, mappings kept, several files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from landcover import api
from landcover.analysis.label_report import report_labels
from landcover.errors import InputError
from landcover.parts.training.ground_truth import absolute_labels, store_labels, with_mappings
from landcover.recipe import Recipe, make_recipe
from landcover.stores import layout

SEASONS = [{"name": "spring", "primary_month": 3, "fallback_month": 4}]


def recipe(**labels: Any) -> Recipe:
    return make_recipe({"name": "mine", "seasons": SEASONS, "labels": labels})


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    texts = {"a.csv": "1,1,water\n2,1,40\n", "b.csv": "1,1,grass\n3,1,111\n"}
    for name, text in texts.items():
        (tmp_path / name).write_text("lat,lon,label\n" + text)
    return [tmp_path / name for name in texts]


def test_labels_are_stored_once_and_named_by_their_content(
    workspace_folder: Path, files: list[Path]
) -> None:
    workspace = api.open_workspace()
    first = store_labels(workspace, recipe(), str(files[0]))
    assert store_labels(workspace, recipe(), str(files[0])) == first
    assert store_labels(workspace, recipe(conflicts="first"), str(files[0])) != first
    both = store_labels(workspace, recipe(), ",".join(map(str, files)))
    assert both != first
    record = workspace.records.get("labels", both)
    assert record is not None
    assert record["source"] == "a.csv, b.csv"
    assert record["counts"] == {"closedForest": 1, "cropland": 1}
    assert record["dropped"] == {"conflicting labels": 2}
    with workspace.objects.local(layout.labels(both)) as path:
        assert pd.read_parquet(path)["source"].tolist() == ["a.csv", "b.csv"]
    files[1].write_text(files[1].read_text() + "4,1,40\n")
    assert store_labels(workspace, recipe(), ",".join(map(str, files))) != both


def test_a_recipe_keeps_what_its_mapping_files_say(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("label,class\n11,cropland\n")
    mapping = str(tmp_path / "m.csv")
    kept = with_mappings(recipe(mapping=mapping, sources=[{"file": "b*", "mapping": mapping}]))
    assert kept.labels.mapping == {"11": "cropland"}
    assert kept.labels.sources[0].mapping == {"11": "cropland"}
    assert with_mappings(kept) is kept
    with pytest.raises(InputError, match="no such mapping file"):
        with_mappings(recipe(mapping="gone.csv"))


def test_paths_are_made_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute_labels("a.csv,x/b.csv") == f"{tmp_path}/a.csv,{tmp_path}/x/b.csv"
    (tmp_path / "one, two.csv").write_text("")
    assert absolute_labels("one, two.csv") == f"{tmp_path}/one, two.csv"


def test_an_absent_file_is_named(workspace_folder: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.csv: no such ground-truth file. Check --labels"):
        store_labels(api.open_workspace(), recipe(), "gone.csv")


def test_a_report_is_a_page_with_its_numbers(tmp_path: Path, files: list[Path]) -> None:
    out = tmp_path / "deep" / "report"
    summary = report_labels(recipe().labels, ",".join(map(str, files)), out=out)
    assert summary.points == 2
    assert sorted(path.name for path in out.iterdir()) == [
        "conflicts.csv", "labels.html", "labels.json", "points.parquet"
    ]  # fmt: skip
    assert json.loads((out / "labels.json").read_text())["conflict_places"] == 1
    assert len(pd.read_csv(out / "conflicts.csv")) == 2
    assert "Ground truth: 2 points" in (out / "labels.html").read_text()
