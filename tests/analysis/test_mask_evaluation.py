"""Masks judged: worked numbers, scikit-learn's, and a run against a simulation's truth."""

from __future__ import annotations

import json
from math import isnan
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.metrics import jaccard_score, precision_recall_fscore_support

from landcover import api
from landcover.analysis.mask_accuracy import THICK_CODES, Counts, count, judge, table_of
from landcover.analysis.mask_evaluation import on_grid
from landcover.cli import cli
from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.simulate import simulate


def test_the_figures_in_numbers() -> None:
    counts = Counts(hits=3200, false=800, missed=400, rest=5600)
    found = (counts.precision, counts.recall, counts.f1, counts.iou, counts.overall)
    assert found == pytest.approx((0.8, 0.888889, 0.842105, 0.727273, 0.88), abs=1e-6)
    assert isnan(Counts(rest=5).precision)
    assert isnan(Counts(rest=5).f1)
    assert Counts(false=3).f1 == 0


def test_the_figures_are_scikit_learns() -> None:
    random = np.random.default_rng(0)
    marked, there = random.random((2, 50, 50)) < 0.3
    known = random.random((50, 50)) < 0.8
    found = count(marked, there, known)
    precision, recall, f1, _ = precision_recall_fscore_support(
        there[known], marked[known], average="binary"
    )
    assert (found.precision, found.recall, found.f1) == pytest.approx((precision, recall, f1))
    assert found.iou == pytest.approx(jaccard_score(there[known], marked[known]))
    with pytest.raises(InputError, match="bring both to one grid"):
        count(marked, there[1:])


def test_thin_cloud_counts_where_asked_and_gaps_read_not_measured() -> None:
    truth = np.array([[0, 1, 2, 3, 2, 0]])
    mask = (np.array([[0, 1, 1, 0, 0, 1]]) > 0, np.zeros((1, 6), bool))
    known = np.ones((1, 6), bool)
    known[0, 5] = False
    cloud, shadow = judge([(truth, {"deck": mask}, known)])
    assert (cloud.pooled.hits, cloud.pooled.missed, cloud.pooled.false) == (2, 1, 0)
    thick, _ = judge([(truth, {"deck": mask}, known)], THICK_CODES)
    assert (thick.pooled.hits, thick.pooled.false) == (1, 1)
    lines = table_of([cloud, shadow], ("Sen2Cor", "deck"))
    assert lines[1].split() == ["Sen2Cor", "cloud"] + ["not", "measured"] * 5
    assert "0.800" in lines[3]
    assert any("0.55" in line and "0.89" in line and "0.68" in line for line in lines)


def test_a_mask_is_looked_up_on_the_grid_of_the_truth() -> None:
    coarse = Grid(crs="EPSG:32618", ulx=0, uly=100, pixel=20, width=3, height=2)
    pixels = np.arange(1, 7, dtype=np.uint8).reshape(2, 3)
    fine = Grid(crs="EPSG:32618", ulx=30, uly=90, pixel=10, width=4, height=3)
    found, is_inside = on_grid(pixels, coarse, fine)
    assert found.tolist() == [[2, 3, 3, 0], [5, 6, 6, 0], [5, 6, 6, 0]]
    assert not is_inside[:, 3].any()
    with pytest.raises(InputError, match="cannot be judged by a truth in EPSG:32617"):
        on_grid(pixels, coarse, fine.model_copy(update={"crs": "EPSG:32617"}))


@pytest.fixture
def judged(tmp_path: Path, workspace_folder: Path) -> Path:
    region = simulate(
        tmp_path / "region", tiles=["30SUF"], pixels=300, products_per_season=4,
        seasons=["summer"], points_per_class=1, hard_masks=True, seed=3,
    )  # fmt: skip
    for variant in ("deck", "ours"):
        document = {
            "name": "masks",
            "seasons": [{"name": "summer", "first_month": 6, "last_month": 6}],
            "selection": {"max_cloud_percent": 100, "max_products": 9},
            "mask": {"variant": variant, "growth_m": 0},
            "composite": {"layers": ["B02"]},
        }
        api.start_run(
            variant, document, year=2021, products=str(region.products), tiles=["30SUF"],
            until="mask",
        )  # fmt: skip
        report = api.run_inline(variant)
        assert report["state"] == "done", report["troubles"]
    return region.folder


@pytest.mark.slow
def test_ours_gains_what_the_deck_does_not(judged: Path, tmp_path: Path) -> None:
    picture = tmp_path / "masks.png"
    command = ["masks", "evaluate", str(judged), "--run", "deck", "--run", "ours"]
    result = CliRunner().invoke(cli, [*command, "--json", "--plot", str(picture)])
    assert result.exit_code == 0, result.output
    found = {(one["mask"], one["kind"]): one for one in json.loads(result.output)}
    assert len(found) == 6
    assert {one["images"] for one in found.values()} == {4}
    f1 = {key: one["pooled"]["f1"] for key, one in found.items()}
    assert f1["Sen2Cor", "cloud"] == pytest.approx(0.68, abs=0.05)
    assert f1["Sen2Cor", "shadow"] == pytest.approx(0.13, abs=0.05)
    assert f1["ours", "cloud"] > 0.85
    assert f1["ours", "shadow"] > 0.5
    assert f1["deck", "cloud"] < 0.75
    assert picture.stat().st_size > 10_000
    text = CliRunner().invoke(cli, command)
    assert "4 images of" in text.output
    grown = CliRunner().invoke(cli, [*command, "--growth", "0,120", "--json"])
    kept = {(one["mask"], one["growth_m"]): one["clear_kept"] for one in json.loads(grown.output)}
    assert kept["ours", 0] > kept["ours", 120] > 0.3
    alone = CliRunner().invoke(cli, ["masks", "evaluate", str(judged)])
    assert alone.exit_code == 1
    assert "Name a run whose products are those of the images" in alone.output
