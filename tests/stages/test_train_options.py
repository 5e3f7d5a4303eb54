"""What the recipe's model section does to a run: kinds, fewer features, balance and weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from landcover import api
from landcover.errors import InputError
from landcover.learn.selection import select_features
from landcover.nouns.signature import Signatures
from landcover.parts.training.run_model import open_model
from landcover.simulate import simulate
from landcover.stores.models import read_card
from landcover.stores.rasters import read_array

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
ONE_SEASON = "seasons=[{name: summer, primary_month: 6, fallback_month: 7}]"


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return simulate(
        tmp_path_factory.mktemp("train") / "region", tiles=("30SUF",), pixels=240,
        points_per_class=12, seed=5,
    )  # fmt: skip


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(tmp_path_factory.mktemp("options")))
        yield api.open_workspace()


def run(region: Any, name: str, *overrides: str) -> dict[str, Any]:
    api.start_run(
        name, RECIPE, year=region.year, products=str(region.products), labels=str(region.labels),
        dem=str(region.dem), until="validate",
        overrides=[ONE_SEASON, "model.trees=10", *overrides],
    )  # fmt: skip
    report = api.run_inline(name)
    assert report["state"] == "done", report
    return report


def model_of(workspace: Any, name: str) -> tuple[Any, Any]:
    """Read card and model of a run."""
    state = workspace.records.find("units", {"run": name, "stage": "train"})[0]
    found = [workspace.records.get("outputs", key) for key in state["outputs"]]
    output = next(o for o in found if o["wanted"]["unit"] == "model")
    folder = Path(workspace.objects.href(output["key"], ""))
    card = read_card(folder)
    return card, open_model(folder, card)


@pytest.mark.parametrize("kind", ["random-forest", "extra-trees", "mlp"])
def test_every_kind_maps_a_tile(region: Any, workspace: Any, kind: str) -> None:
    run(region, kind, f"model.kind={kind}", "model.hidden=[12]", "model.epochs=30")
    card, model = model_of(workspace, kind)
    assert card.kind == model.kind == kind
    assert ("hidden" in card.parameters) == (kind == "mlp")
    state = workspace.records.find("units", {"run": kind, "stage": "classify"})[0]
    output = workspace.records.get("outputs", state["outputs"][0])
    classes, _ = read_array(workspace.objects.href(output["key"], "classification.tif"))
    assert len(set(classes[classes > 0].tolist())) > 2
    assert set(classes[classes > 0].tolist()) <= set(card.codes)


def test_a_model_of_few_features_reads_no_other(region: Any, workspace: Any) -> None:
    run(region, "few", "model.n_features=4")
    card, _ = model_of(workspace, "few")
    full, _ = model_of(workspace, "random-forest")
    assert len(card.features.names) == 4
    assert [n for n in full.features.names if n in card.features.names] == list(card.features.names)
    # Chosen on the rows of the split that train, though the map's model learns from all of them.
    table = pd.read_parquet(workspace.objects.href(f"samplesets/{card.sample_set_id}.parquet"))
    rows = table[table["is_train"]]
    chosen = select_features(
        rows, rows["code"].to_numpy(), rows["group"].to_numpy(),
        feature_names=full.features.names, n_features=4, seed=card.seed,
    ).kept  # fmt: skip
    assert [n for n in full.features.names if n in chosen] == list(card.features.names)
    assert card.n_train_rows == len(table) > len(rows)
    reused = run(region, "many", "model.n_features=1000")
    assert reused["state"] == "done"
    assert model_of(workspace, "many")[0].features == full.features


def test_the_model_of_the_split_learns_from_its_rows_alone(region: Any, workspace: Any) -> None:
    run(region, "split", "model.fit=split")
    card, _ = model_of(workspace, "split")
    of_all, _ = model_of(workspace, "random-forest")
    table = pd.read_parquet(workspace.objects.href(f"samplesets/{card.sample_set_id}.parquet"))
    assert (of_all.fit, of_all.n_train_rows) == ("all", len(table))
    assert (card.fit, card.n_train_rows) == ("split", int(table["is_train"].sum()))
    assert card.sample_set_id == of_all.sample_set_id
    assert card.id != of_all.id
    assert card.held_out is not None
    assert card.held_out.n == int((~table["is_train"]).sum())


def test_balance_and_weights_change_the_model_and_not_the_samples(
    region: Any, workspace: Any
) -> None:
    plain, forest = model_of(workspace, "random-forest")
    run(region, "balanced", "model.balance=drop_neighbours", "model.balance_target=20")
    balanced, _ = model_of(workspace, "balanced")
    assert balanced.sample_set_id == plain.sample_set_id
    assert balanced.n_train_groups == plain.n_train_groups
    assert balanced.n_train_rows < plain.n_train_rows
    run(region, "weighed", "model.class_weight=balanced", "model.group_weight=group")
    weighed, _ = model_of(workspace, "weighed")
    assert weighed.n_train_rows == plain.n_train_rows
    assert weighed.arrays_sha256 != plain.arrays_sha256
    run(region, "shares", "model.prior_exponent=1")
    shares, model = model_of(workspace, "shares")
    # The forest is the same; what follows it in the file is calibrated after the factors.
    for name in ("feature", "threshold", "children", "leaf_probabilities"):
        assert np.array_equal(getattr(model.packed, name), getattr(forest.packed, name))
    assert model.prior is not None
    assert sum(shares.prior) == pytest.approx(1)


def test_an_approved_model_stays_approved_when_it_is_found_again(
    region: Any, workspace: Any
) -> None:
    card, _ = model_of(workspace, "random-forest")
    document = workspace.records.get("models", card.id)
    assert document["status"] == "candidate"
    workspace.records.replace_one("models", {**document, "status": "approved"})
    run(region, "again")
    assert workspace.records.get("models", card.id)["status"] == "approved"


def test_arrays_of_another_model_are_refused(region: Any, workspace: Any) -> None:
    card, _ = model_of(workspace, "random-forest")
    few, _ = model_of(workspace, "few")
    folder = Path(workspace.objects.href(f"models/{few.id}", ""))
    with pytest.raises(InputError, match="features or classes of its arrays"):
        open_model(folder, card.model_copy(update={"arrays_sha256": few.arrays_sha256}))
    with pytest.raises(InputError, match="checksum"):
        open_model(folder, card)


def test_a_search_chooses_the_model_and_the_card_says_how(region: Any, workspace: Any) -> None:
    grid = "{kind: [random-forest, extra-trees], min_samples_leaf: [1, 40]}"
    run(region, "searched", f"model.search={{grid: {grid}, folds: 2}}")
    card, model = model_of(workspace, "searched")
    assert card.search is not None
    assert [trial.settings for trial in card.search.trials] == [
        {},
        {"min_samples_leaf": 40},
        {"kind": "extra-trees"},
        {"kind": "extra-trees", "min_samples_leaf": 40},
    ]
    chosen = card.search.trials[card.search.chosen]
    assert chosen.macro_f1 == max(trial.macro_f1 for trial in card.search.trials)
    assert card.kind == model.kind == chosen.settings.get("kind", "random-forest")
    assert card.parameters["min_samples_leaf"] == chosen.settings.get("min_samples_leaf", 1)
    # The search saw the rows of the split that train; the map's model learns from all of them.
    table = pd.read_parquet(workspace.objects.href(f"samplesets/{card.sample_set_id}.parquet"))
    assert card.search.n_rows == table["is_train"].sum()
    assert card.n_train_rows == len(table)
    assert card.search.n_fits == 8


def test_a_look_at_the_samples_lies_beside_the_model(region: Any, workspace: Any) -> None:
    run(region, "looked-at")
    state = workspace.records.find("units", {"run": "looked-at", "stage": "train"})[0]
    found = [workspace.records.get("outputs", key) for key in state["outputs"]]
    samples, model = sorted(found, key=lambda output: output["wanted"]["unit"] == "model")
    folder = Path(workspace.objects.href(model["key"], ""))
    signatures = Signatures.from_json((folder / "signatures.json").read_text())
    card = read_card(folder)
    assert {entry.code for entry in signatures.classes} >= set(card.codes)
    assert sum(entry.n for entry in signatures.classes) == sum(samples["stats"]["counts"].values())
    assert list(signatures.classes[0].features) == list(card.features.names)
    assert (folder / "signatures.svg").read_text().startswith("<?xml")
    suspects = json.loads((folder / "suspects.geojson").read_text())["features"]
    assert len(suspects) == model["stats"]["n_suspects"] < model["stats"]["n_points"]
    for rank, feature in enumerate(suspects, start=1):
        said = feature["properties"]
        assert said["rank"] == rank
        assert said["label"] != said["suggested"]
        assert said["confidence"] >= said["label_probability"]
