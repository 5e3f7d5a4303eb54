"""The HRLC line on a simulated tile: a support vector machine on prepared features, to the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from landcover import api
from landcover.learn.svm_decision import decide
from landcover.parts.training.run_model import open_model
from landcover.simulate import simulate
from landcover.stores.models import read_card
from landcover.stores.rasters import read_array

RECIPE = Path(__file__).parents[2] / "recipes" / "hrlc-svm.yaml"
OPTIONS = (
    "seasons=[{name: m06, first_month: 6, last_month: 6}]",
    "model.search.grid.svm={c: [1, 10], gamma: [0.01, 0.1]}", "model.pca.explained=0.99",
    "validation.splits=[groups]", "validation.seeds=1", "classify.keep=[probabilities]",
)  # fmt: skip


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return simulate(
        tmp_path_factory.mktemp("svm") / "region", tiles=("30SUF",), pixels=240,
        points_per_class=12, seed=5,
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, region: Any) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(tmp_path_factory.mktemp("workspace")))
        api.start_run(
            "svm", RECIPE, year=region.year, products=str(region.products),
            labels=str(region.labels), dem=str(region.dem), overrides=list(OPTIONS),
        )  # fmt: skip
        report = api.run_inline("svm")
        assert report["state"] == "done", report
        yield api.open_workspace()


def output_of(workspace: Any, stage: str, unit: str | None = None) -> Any:
    wanted = {"wanted.stage": stage}
    return next(
        o for o in workspace.records.find("outputs", wanted) if unit in (None, o["wanted"]["unit"])
    )


def model_folder(workspace: Any) -> Path:
    return Path(workspace.objects.href(output_of(workspace, "train", "model")["key"], ""))


def test_the_card_tells_how_features_were_prepared(made: Any) -> None:
    folder = model_folder(made)
    card = read_card(folder)
    assert card.kind == "svm"
    told = json.loads((folder / "preparation.json").read_text())
    assert told["features"] == len(card.features.names)
    chosen = told["selection"]
    assert chosen["dropped"]
    assert len(chosen["kept"]) + len(chosen["dropped"]) == told["features"] - len(told["constant"])
    assert told["inputs"] == [f"pc{n}" for n in range(1, told["components"]["chosen"] + 1)]
    assert sum(told["components"]["explained"]) == pytest.approx(1)
    assert any("principal components explain" in note for note in card.notes)
    assert {"correlation.svg", "components.svg"} <= {path.name for path in folder.iterdir()}


def test_the_map_has_the_classes_of_the_votes(made: Any) -> None:
    folder = model_folder(made)
    card = read_card(folder)
    model = open_model(folder, card)
    output = output_of(made, "classify")
    classes, _ = read_array(made.objects.href(output["key"], "classification.tif"))
    shares, _ = read_array(made.objects.href(output["key"], "probabilities.tif"))
    assert len(set(classes[classes > 0].tolist())) > 2
    is_seen = classes.reshape(240, 240) > 0
    likeliest = np.asarray(card.codes)[shares.reshape(-1, 240, 240).argmax(axis=0)]
    # Bytes of probabilities have ties.
    assert (likeliest == classes.reshape(240, 240))[is_seen].mean() > 0.97
    rows = np.random.default_rng(0).random((50, len(card.features.names))).astype(np.float32)
    assert model.preparation is not None
    votes = decide(model.packed, model.preparation.transform(rows)).winner
    assert np.array_equal(model.predict(rows)[0], model.classes[votes])


def test_every_way_to_calibrate_is_compared(made: Any) -> None:
    card = read_card(model_folder(made))
    assert card.out_of_fold is not None
    known = card.out_of_fold.calibration
    assert known is not None
    assert known.how == "ours isotonic, normalise"
    assert [one.method for one in known.variants].count("isotonic") == 2
    # With twelve points a class a gain is not for certain, and then nothing is kept.
    model = open_model(model_folder(made), card)
    assert (model.calibrator is not None) == known.is_kept
    there = next(made.objects.root.rglob("index.html"))
    page = there.read_text()
    assert "HRLC deck: pairs, isotonic" in page
    assert "ours isotonic, normalise" in page
    # Each class has a curve, on the page and as numbers.
    assert tuple(one.code for one in known.classes) == card.codes
    assert sum(one.n for one in known.classes) == known.after.n == card.out_of_fold.n
    for one in known.classes:
        for curve in (one.before, one.after):
            assert sum(bin.n for bin in curve.bins) == known.after.n
            hits = sum(bin.n * bin.accuracy for bin in curve.bins)
            assert hits == pytest.approx(one.n)
    assert page.count("<figcaption") >= len(card.codes)
    assert "Class by class" in page
    assert "as a map" in page or "as the map" in page
    table = pd.read_csv(there.with_name("calibration.csv"))
    assert set(table["code"]) == set(card.codes)
    assert table[table["calibration"] == "after"]["n"].sum() == known.after.n * len(card.codes)


@pytest.mark.slow
def test_the_deck_calibrates_on_half_of_what_is_held_out(made: Any, region: Any) -> None:
    changes = (
        "model.calibration.variant=deck", "model.fit=split", "model.train_fraction=0.6",
        "model.search=null", "model.calibration.method=sigmoid",
    )  # fmt: skip
    api.start_run(
        "deck", RECIPE, year=region.year, products=str(region.products),
        labels=str(region.labels), dem=str(region.dem), until="validate",
        overrides=[*OPTIONS[:1], *changes],
    )  # fmt: skip
    report = api.run_inline("deck")
    assert report["state"] == "done", report
    state = made.records.find("units", {"run": "deck", "stage": "train"})[0]
    found = [made.records.get("outputs", key) for key in state["outputs"]]
    output = next(o for o in found if o["wanted"]["unit"] == "model")
    folder = Path(made.objects.href(output["key"], ""))
    card = read_card(folder)
    model = open_model(folder, card)
    assert model.calibrator is not None
    assert model.calibrator.decides
    answers = pd.read_parquet(folder / "out_of_fold.parquet")
    held = answers[(answers["fold"] == -1) & ~answers["is_train"]]
    groups = held.groupby("group")["knows"].agg(["any", "all"])
    assert (groups["any"] == groups["all"]).all()
    assert 0.3 < groups["any"].mean() < 0.7
    assert (held["knows"] == (held["answer"] > 0)).all()  # what calibrated has no answer
    told = f"{(~held['knows']).sum()} samples of {(~groups['any']).sum()} held-out"
    assert told in str(card.notes)
    assert card.held_out is not None
    assert card.held_out.n_groups == groups["any"].sum()
    state = made.records.find("units", {"run": "deck", "stage": "validate"})[0]
    found = [made.records.get("outputs", key) for key in state["outputs"]]
    headline = next(o["stats"]["headline"] for o in found if "headline" in o["stats"])
    assert headline["basis"] == "groups"
    assert headline["n"] == answers["knows"].sum()
    state = made.records.find("units", {"run": "deck", "stage": "classify"})[0]
    mapped = made.records.get("outputs", state["outputs"][0])
    assert 0 < mapped["stats"]["calibration_differs_percent"] < 60
    classes, _ = read_array(made.objects.href(mapped["key"], "classification.tif"))
    assert len(set(classes[classes > 0].tolist())) > 2


def test_the_page_shows_the_pictures(made: Any) -> None:
    page = next(made.objects.root.rglob("index.html"))
    text = page.read_text()
    for name in ("correlation.svg", "components.svg"):
        assert f'src="{name}"' in text
        assert (page.parent / name).stat().st_size > 1000
