"""Models are registered, decided about, compared, and refused where they do not fit."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from scipy.stats import binomtest

from landcover import api
from landcover.analysis.model_comparison import compare_models
from landcover.cli import cli
from landcover.errors import InputError
from landcover.ledger.models import decide, entries, find_entry
from landcover.simulate import simulate

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
ONE_SEASON = "seasons=[{name: summer, primary_month: 6, fallback_month: 7}]"


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return simulate(
        tmp_path_factory.mktemp("registry") / "region", tiles=("30SUF",), pixels=240,
        points_per_class=12, seed=5,
    )  # fmt: skip


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(tmp_path_factory.mktemp("models")))
        yield api.open_workspace()


def start(region: Any, name: str, *overrides: str, **options: Any) -> None:
    given = {"dem": str(region.dem), **options}
    if "model" not in options:
        given["labels"] = str(region.labels)
    api.start_run(
        name, RECIPE, year=region.year, products=str(region.products),
        overrides=[ONE_SEASON, "model.trees=10", *overrides], **given,
    )  # fmt: skip


def trained(region: Any, workspace: Any, name: str, *overrides: str) -> str:
    """Train a model and give its id."""
    start(region, name, *overrides, until="train")
    report = api.run_inline(name)
    assert report["state"] == "done", report
    state = workspace.records.find("units", {"run": name, "stage": "train"})[0]
    found = [workspace.records.get("outputs", key) for key in state["outputs"]]
    return str(next(o["_id"] for o in found if o["wanted"]["unit"] == "model"))


@pytest.fixture(scope="module")
def models(region: Any, workspace: Any) -> dict[str, str]:
    return {
        "forest": trained(region, workspace, "forest"),
        "trees": trained(region, workspace, "trees", "model.kind=extra-trees"),
        "seed": trained(region, workspace, "seed", "model.seed=3"),
        "few": trained(region, workspace, "few", "features.indices=[ndvi]"),
    }


@pytest.fixture
def spare(workspace: Any, models: dict[str, str]) -> Any:
    """A registered model whose status a test may change."""
    document = workspace.records.get("models", models["few"])
    yield models["few"]
    workspace.records.replace_one("models", document)


def call(workspace: Any, *arguments: str) -> Result:
    folder = Path(workspace.records.path).parent
    return CliRunner().invoke(cli, [*arguments, "--workspace", str(folder)])


def test_a_model_is_found_by_a_beginning_of_its_id(workspace: Any, models: dict[str, str]) -> None:
    assert find_entry(workspace, models["forest"][:9]).id == models["forest"]
    assert {entry.id for entry in entries(workspace.records)} == set(models.values())
    assert all(entry.status == "candidate" for entry in entries(workspace.records))
    here = Path(workspace.records.path).parent
    with pytest.raises(InputError, match=f"no model of workspace {here} has an id that begins so"):
        find_entry(workspace, "xyz")
    with pytest.raises(InputError, match=f"no model of workspace {here}"):
        find_entry(workspace, "")


def test_an_ambiguous_beginning_is_refused(workspace: Any, models: dict[str, str]) -> None:
    twin = models["forest"][:-1] + ("0" if models["forest"][-1] != "0" else "1")
    document = workspace.records.get("models", models["forest"])
    from landcover.stores.overlay import OverlayRecords

    above = OverlayRecords(workspace.records)
    above.insert_one("models", {**document, "_id": twin})
    with pytest.raises(InputError, match=r"2 runs and models .* begin so \(.*Give more of it"):
        find_entry(replace(workspace, records=above), models["forest"][:-1])


def test_candidate_to_approved_to_retired_and_no_way_back(workspace: Any, spare: str) -> None:
    records = workspace.records
    approved = decide(records, spare, "approved", " agrees with the field ")
    assert (approved.status, approved.reason) == ("approved", "agrees with the field")
    assert decide(records, spare, "approved", "again") == approved
    retired = decide(records, spare, "retired", "labels of the wrong year")
    assert [one.status for one in retired.history] == ["approved", "retired"]
    with pytest.raises(InputError) as caught:
        decide(records, spare, "approved", "please")
    assert str(caught.value) == (
        f"Model {spare} is retired (labels of the wrong year) and cannot become approved: maps "
        "may have been withdrawn because of it. Train a model anew and approve that one."
    )
    assert find_entry(workspace, spare).status == "retired"


def test_a_decision_needs_a_reason(workspace: Any, spare: str) -> None:
    with pytest.raises(InputError, match="say why it becomes retired"):
        decide(workspace.records, spare, "retired", "  ")


def test_a_model_that_is_trained_again_keeps_status_and_reason(
    region: Any, workspace: Any, spare: str
) -> None:
    decide(workspace.records, spare, "approved", "good")
    assert trained(region, workspace, "few", "features.indices=[ndvi]") == spare
    found = find_entry(workspace, spare)
    assert (found.status, found.reason) == ("approved", "good")


def test_a_retired_model_makes_no_map(region: Any, workspace: Any, spare: str) -> None:
    decide(workspace.records, spare, "retired", "drifted.")
    with pytest.raises(InputError, match=rf"{spare} was retired on 20..-..-..: drifted\. Use"):
        start(region, "with-retired", "features.indices=[ndvi]", model=spare)


def test_a_retired_model_is_refused_while_a_run_is_under_way(
    region: Any, workspace: Any, spare: str
) -> None:
    start(region, "late", "features.indices=[ndvi]", model=spare, until="classify")
    decide(workspace.records, spare, "retired", "drifted")
    report = api.run_inline("late")
    assert report["state"] == "failed"
    assert any("was retired" in trouble for trouble in report["troubles"])


def test_missing_features_are_named(region: Any, models: dict[str, str]) -> None:
    with pytest.raises(InputError) as caught:
        start(
            region, "lacks", "composite.layers=[B02,B03,B04,B05,B08,B8A,B09,B11]",
            "features.indices=[ndvi,savi]", model=models["few"],
        )  # fmt: skip
    assert str(caught.value) == (
        f"Model {models['few']}: the recipe does not offer 6 of its 18 features: summer_AOT, "
        "summer_B01, summer_B06, summer_B07, summer_B12 and 1 more; it offers summer_savi, which "
        "the model does not read. Use the recipe that the model was trained with."
    )


def test_missing_terrain_points_to_the_dem(region: Any, models: dict[str, str]) -> None:
    with pytest.raises(InputError, match=r"slope, aspect, dem\. Terrain comes with --dem\."):
        start(region, "flat", model=models["forest"], dem=None)


def test_a_layer_that_no_product_has_is_told_by_the_tile(
    region: Any, workspace: Any, models: dict[str, str], tmp_path: Path
) -> None:
    products = tmp_path / "products"
    shutil.copytree(region.products, products, ignore=shutil.ignore_patterns("*B06*"))
    api.start_run(
        "without", RECIPE, year=region.year, products=str(products), dem=str(region.dem),
        overrides=[ONE_SEASON], model=models["forest"], until="classify",
    )  # fmt: skip
    report = api.run_inline("without")
    assert report["state"] == "failed"
    (trouble,) = [t for t in report["troubles"] if "does not offer" in t]
    assert "1 of its 26 features: summer_B06. No product of the run has their layers." in trouble


def test_other_classes_are_named(region: Any, models: dict[str, str]) -> None:
    legend = (
        "labels.legend={classes: [{code: 1, name: closedForest, colour: '#007800', title: F},"
        "{code: 7, name: wheat, colour: '#F096FF', title: W}]}"
    )
    with pytest.raises(InputError) as caught:
        start(region, "classes", legend, model=models["forest"])
    assert "code 7 is cropland in the model and wheat in the legend" in str(caught.value)
    assert "code 9 (permanentWater in the model) is not in the legend" in str(caught.value)


def test_another_index_variant_is_refused(region: Any, models: dict[str, str]) -> None:
    with pytest.raises(InputError, match=r"features\.index_variant=paper"):
        start(region, "variant", "features.index_variant=literature", model=models["forest"])


def test_one_changed_byte_of_the_card_or_the_arrays_is_told(
    region: Any, workspace: Any, models: dict[str, str]
) -> None:
    folder = Path(workspace.objects.href(f"models/{models['seed']}"))
    for name, sentence in (("card.json", "changed or damaged"), ("arrays.npz", "of its record")):
        before = (folder / name).read_bytes()
        # A colour's digit leaves the card valid JSON of the right shape.
        place = before.index(b'"#') + 2 if name == "card.json" else len(before) // 2
        changed = bytearray(before)
        changed[place] = ord("1") if changed[place] == ord("0") else ord("0")
        (folder / name).write_bytes(changed)
        try:
            with pytest.raises(InputError, match=sentence):
                api.load_model(models["seed"])
            if name == "card.json":
                with pytest.raises(InputError, match="not the registered"):
                    start(region, "damaged", model=models["seed"])
        finally:
            (folder / name).write_bytes(before)
    assert api.load_model(models["seed"]).card.id == models["seed"]


def test_a_loaded_model_answers_a_table_by_name(workspace: Any, models: dict[str, str]) -> None:
    folder = Path(workspace.objects.href(f"models/{models['forest']}"))
    loaded = api.load_model(folder)
    assert api.load_model(models["forest"][:10]).card == loaded.card
    table = pd.read_parquet(
        workspace.objects.href(f"samplesets/{loaded.card.sample_set_id}.parquet")
    )
    codes, confidence = loaded.predict(table)
    shuffled = table[sorted(table.columns, reverse=True)]
    np.testing.assert_array_equal(loaded.predict(shuffled)[0], codes)
    assert set(codes) <= set(loaded.card.codes)
    assert ((confidence > 0) & (confidence <= 1)).all()
    with pytest.raises(InputError, match="summer_B02"):
        loaded.predict(table.rename(columns={"summer_B02": "renamed"}))
    held = ~table["is_train"].to_numpy()
    # The map's model has learned from these too; who judges it did not see them.
    assert (codes == table["code"])[held].mean() == 1
    answers = pd.read_parquet(folder / "out_of_fold.parquet")
    right = (answers["answer"] == table["code"])[held].mean()
    assert loaded.card.held_out is not None
    assert loaded.card.held_out.overall == pytest.approx(right)
    assert right < 1
    assert loaded.card.held_out.n == held.sum()
    assert loaded.card.held_out.simulated


def test_a_model_folder_is_taken_into_another_workspace(
    region: Any, workspace: Any, models: dict[str, str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    elsewhere = tmp_path / "delivered"
    shutil.copytree(workspace.objects.href(f"models/{models['few']}"), elsewhere)
    monkeypatch.setenv("LANDCOVER_WORKSPACE", str(tmp_path / "other"))
    options = {"model": str(elsewhere), "until": "classify"}
    start(region, "adopted", "features.indices=[ndvi]", **options)
    other = api.open_workspace()
    assert other.records.get("runs", "adopted")["run"]["arguments"]["model"] == models["few"]
    assert find_entry(other, models["few"]).status == "candidate"
    assert api.run_inline("adopted")["state"] == "done"
    card = json.loads((elsewhere / "card.json").read_text())
    (elsewhere / "card.json").write_text(json.dumps({**card, "notes": ["better"]}))
    with pytest.raises(InputError, match="with another card"):
        start(region, "again", "features.indices=[ndvi]", **options)


def test_two_models_of_one_sample_set_are_compared_by_group(
    workspace: Any, models: dict[str, str]
) -> None:
    found = compare_models(workspace, models["forest"], models["trees"])
    loaded = [api.load_model(models[name]) for name in ("forest", "trees")]
    path = workspace.objects.href(f"samplesets/{loaded[0].card.sample_set_id}.parquet")
    held = pd.read_parquet(path).query("~is_train").reset_index(drop=True)
    right = []
    for one in loaded:
        href = workspace.objects.href(f"models/{one.card.id}/out_of_fold.parquet")
        right.append(pd.read_parquet(href).query("~is_train")["answer"].reset_index(drop=True))
        right[-1] = right[-1] == held["code"]
    balance = (right[1].astype(int) - right[0].astype(int)).groupby(held["group"]).sum()
    assert (found.only_first, found.only_second) == ((balance < 0).sum(), (balance > 0).sum())
    n = found.only_first + found.only_second
    expected = binomtest(found.only_first, n, 0.5).pvalue if n else 1.0
    assert found.p_value == pytest.approx(expected)
    assert found.n_groups == held["group"].nunique()
    assert (found.first.overall, found.second.overall) == pytest.approx(
        tuple(one.mean() for one in right)
    )
    mirrored = compare_models(workspace, models["trees"], models["forest"])
    assert (mirrored.only_first, mirrored.only_second) == (found.only_second, found.only_first)


def test_models_of_other_sample_sets_but_the_same_groups_are_compared(
    workspace: Any, models: dict[str, str]
) -> None:
    found = compare_models(workspace, models["forest"], models["few"])
    assert (found.first.n_features, found.second.n_features) == (26, 18)
    assert found.n_left_out == 0


def test_other_held_out_groups_are_no_comparison(workspace: Any, models: dict[str, str]) -> None:
    with pytest.raises(InputError) as caught:
        compare_models(workspace, models["forest"], models["seed"])
    sentence = str(caught.value)
    assert "were not held out from the same groups" in sentence
    assert f"only of {models['forest']} (" in sentence
    assert "model.seed" in sentence
    with pytest.raises(InputError, match="are the same model"):
        compare_models(workspace, models["forest"], models["forest"])


def test_the_command_line(workspace: Any, models: dict[str, str], spare: str) -> None:
    listed = json.loads(call(workspace, "model", "list", "--json").output)
    assert {one["id"] for one in listed} == set(models.values())
    assert spare in call(workspace, "model", "list").output
    shown = call(workspace, "model", "show", models["forest"][:8])
    assert shown.exit_code == 0
    assert "held-out samples: overall" in shown.output
    document = json.loads(call(workspace, "model", "show", spare, "--json").output)
    assert document["entry"]["status"] == "candidate"
    assert document["card"]["id"] == spare
    compared = call(workspace, "model", "compare", models["forest"], models["trees"])
    assert compared.exit_code == 0
    assert "held-out groups" in compared.output or "on the same" in compared.output
    done = call(workspace, "model", "approve", spare, "--reason", "looks right")
    assert done.output == f"Model {spare}: candidate → approved.\n"
    again = call(workspace, "model", "approve", spare, "--reason", "other")
    assert again.output == f"Model {spare} was approved already: looks right\n"
    call(workspace, "model", "retire", spare, "--reason", "no")
    refused = call(workspace, "model", "approve", spare, "--reason", "yes")
    assert refused.exit_code == 1
    assert refused.output.startswith(f"Error: Model {spare} is retired (no)")
    approved = json.loads(call(workspace, "model", "list", "--status", "approved", "--json").output)
    assert approved == []
