"""Standard, enhanced and full-map: who trains, who judges, and what stays as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from landcover import api
from landcover.analysis.sample_files import export_samples
from landcover.errors import UsageError
from landcover.ledger import outputs, runs
from landcover.simulate import simulate

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
ONE_SEASON = "seasons=[{name: summer, primary_month: 6, fallback_month: 7}]"
NEAR = ("sampling.distance_m=60", "sampling.mapping=mediterranean")


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Any:
    found = simulate(
        tmp_path_factory.mktemp("strategies") / "region", tiles=("30SUF",), pixels=240,
        points_per_class=6, seed=5,
    )  # fmt: skip
    # Shrubs and crops with two points each: what a strategy has to fill up.
    labels = json.loads(found.labels.read_text())
    rare = [f for f in labels["features"] if f["properties"]["label"] in ("shrubland", "cropland")]
    by_class: dict[str, int] = {}
    for feature in rare:
        name = feature["properties"]["label"]
        by_class[name] = by_class.get(name, 0) + 1
        if by_class[name] > 2:
            labels["features"].remove(feature)
    found.labels.write_text(json.dumps(labels))
    return found


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(tmp_path_factory.mktemp("strategies")))
        yield api.open_workspace()


def run(
    region: Any,
    name: str,
    *overrides: str,
    label_map: str | None = "truth",
    state: str = "done",
) -> dict[str, Any]:
    arguments = {} if label_map is None else {"label_map": str(region.truth["30SUF"])}
    api.start_run(
        name, RECIPE, year=region.year, products=str(region.products), labels=str(region.labels),
        until="validate", **arguments,
        overrides=[ONE_SEASON, "model.trees=10", "validation.seeds=2", *overrides],
    )  # fmt: skip
    report = api.run_inline(name)
    assert report["state"] == state, report
    return report


def table_of(workspace: Any, name: str) -> tuple[Any, pd.DataFrame, pd.DataFrame]:
    """Read sample set, samples and answers of a run."""
    state = workspace.records.find("units", {"run": name, "stage": "train"})[0]
    found = [outputs.load(workspace, key) for key in state["outputs"]]
    samples = next(o for o in found if o.wanted.unit == "samples")
    model = next(o for o in found if o.wanted.unit == "model")
    with outputs.local(workspace, samples) as path:
        table = pd.read_parquet(path)
    with outputs.local(workspace, model, "out_of_fold.parquet") as path:
        return samples, table, pd.read_parquet(path)


def test_standard_leaves_no_trace(region: Any, workspace: Any) -> None:
    run(region, "plain", label_map=None)
    run(region, "standard", "sampling.strategy=standard")
    plain, standard = (table_of(workspace, name)[0] for name in ("plain", "standard"))
    assert plain.id == standard.id
    assert "use" not in table_of(workspace, "plain")[1].columns


def test_enhanced_points_only_train(region: Any, workspace: Any, tmp_path: Path) -> None:
    run(region, "enhanced", "sampling.strategy=enhanced", *NEAR)
    samples, table, answers = table_of(workspace, "enhanced")
    record = workspace.records.get("labels", runs.load(workspace, "enhanced")[0].label_id)
    assert record["added"] == {"shrubland": 4, "cropland": 4}
    of_map = (table["use"] == "train").to_numpy()
    assert of_map.any()
    assert table.loc[of_map, "is_train"].all()
    assert table.loc[of_map, "source"].unique().tolist() == ["30SUF.tif"]
    assert (answers.loc[of_map, "answer"] == 0).all()
    assert (answers.loc[~of_map, "answer"] > 0).all()
    # The labels are divided as without a map.
    plain = table_of(workspace, "plain")[1].set_index(["point_id", "dx", "dy"])["is_train"]
    own = table[~of_map].set_index(["point_id", "dx", "dy"])["is_train"]
    assert own.equals(plain.loc[own.index])
    export_samples(workspace, samples, tmp_path / "a.csv")
    written = pd.read_csv(tmp_path / "a.csv")
    assert written["use"].value_counts().to_dict() == table["use"].value_counts().to_dict()


def test_full_map_is_judged_by_labels_alone(region: Any, workspace: Any) -> None:
    run(
        region, "full", "sampling.strategy=full-map", "sampling.samples_per_class=15",
        "model.n_features=6", *NEAR,
    )  # fmt: skip
    samples, table, answers = table_of(workspace, "full")
    is_label = (table["use"] == "test").to_numpy()
    assert (table["is_train"] == ~is_label).all()
    assert not set(table.loc[is_label, "group"]) & set(table.loc[~is_label, "group"])
    learned = set(table.loc[~is_label, "code"])
    knows = table["code"].isin(learned).to_numpy() & is_label
    assert (answers.loc[knows, "knows"]).all()
    assert (answers.loc[is_label, "fold"] == -1).all()
    accuracy = [
        output for output in workspace.records.find("outputs", {"wanted.stage": "validate"})
        if output["wanted"]["inputs"].get("sample_set") == [samples.id]
    ]  # fmt: skip
    assert {o["wanted"]["unit"] for o in accuracy} == {"accuracy", "validation"}
    held = next(o for o in accuracy if o["wanted"]["unit"] == "accuracy")
    assert held["stats"]["n"] == int(knows.sum())


def test_a_map_without_a_place_to_draw_teaches_nothing(region: Any, workspace: Any) -> None:
    report = run(
        region, "nothing", "sampling.strategy=full-map", "sampling.distance_m=90000",
        "sampling.mapping=mediterranean", "validation.splits=[groups]", state="failed",
    )  # fmt: skip
    (why,) = [reason for reason in report["reasons"] if reason.startswith("train failed")]
    assert "samples only judge: sampling.strategy full-map trains on points of the map" in why
    assert "Lower sampling.distance_m or sampling.erosion" in why


def test_a_seed_of_its_own_draws_other_points(region: Any, workspace: Any) -> None:
    run(region, "other", "sampling.strategy=enhanced", "sampling.seed=7", *NEAR)
    one, other = (table_of(workspace, name)[1] for name in ("enhanced", "other"))
    assert set(one[one["use"] == "train"]["point_id"]) != set(
        other[other["use"] == "train"]["point_id"]
    )
    assert set(one[one["use"] == "both"]["point_id"]) == set(
        other[other["use"] == "both"]["point_id"]
    )


def test_a_strategy_without_a_map_is_refused(region: Any, workspace: Any) -> None:
    with pytest.raises(UsageError, match="name it with --label-map"):
        run(region, "none", "sampling.strategy=full-map", label_map=None)
