"""Where to label next, from a run, a map by id and a map by path."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from landcover import api
from landcover.analysis.sample_files import read_samples
from landcover.cli import cli
from landcover.errors import InputError, UsageError
from landcover.learn.area import area_weighted_accuracy
from landcover.ledger.lookup import find_samples
from landcover.nouns.label_priority import LabelPlan
from landcover.nouns.validation import Validation
from landcover.parts.mapping.map_lookup import codes_at, find_maps, mapped_hectares
from landcover.parts.training.out_of_fold import read_answers
from landcover.simulate import simulate
from landcover.stores.models import read_card

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return simulate(
        tmp_path_factory.mktemp("next") / "region", tiles=("30SUF",), pixels=240,
        points_per_class=30, seed=5,
    )  # fmt: skip


@pytest.fixture(scope="module")
def workspace(region: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(tmp_path_factory.mktemp("labelled")))
        run(region, "first", until="classify")
        yield api.open_workspace()


def run(region: Any, name: str, *overrides: str, **given: Any) -> None:
    api.start_run(
        name, RECIPE, year=region.year, products=str(region.products),
        labels=str(region.labels), dem=str(region.dem), **given,
        overrides=[
            "seasons=[{name: summer, primary_month: 6, fallback_month: 7}]", "model.trees=10",
            "model.train_fraction=0.5", *overrides,
        ],
    )  # fmt: skip
    report = api.run_inline(name)
    assert report["state"] == "done", report


@pytest.fixture(scope="module")
def plan(workspace: Any) -> LabelPlan:
    return api.label_next("first", points=12)


def map_of(workspace: Any) -> str:
    return str(workspace.records.find("outputs", {"wanted.stage": "classify"})[0]["_id"])


def test_places_are_uncertain_spread_and_away_from_samples(workspace: Any, plan: LabelPlan) -> None:
    assert [point.rank for point in plan.points] == list(range(1, 13))
    dataset = api.open_map(map_of(workspace))
    table = read_samples(workspace, find_samples(workspace, "first"))
    assert plan.n_samples == table["point_id"].nunique()
    confidence = dataset["confidence"].to_numpy().astype(float)
    known = confidence[dataset["classification"].to_numpy() > 0] / 254
    assert np.mean([point.confidence for point in plan.points]) < known.mean()
    points = pd.DataFrame([point.to_document() for point in plan.points])
    maps = find_maps(lambda: workspace, map_of(workspace))
    np.testing.assert_array_equal(codes_at(maps, points), points["code"])
    assert points["distance_m"].min() > 20
    assert points["lon"].nunique() == 12


def test_intervals_are_those_of_held_out_points_that_nobody_learned_from(
    workspace: Any, plan: LabelPlan
) -> None:
    maps = find_maps(lambda: workspace, map_of(workspace))
    table = read_samples(workspace, find_samples(workspace, "first"))
    model = next(
        o for o in workspace.records.find("outputs", {"wanted.stage": "train"})
        if o["wanted"]["unit"] == "model"
    )  # fmt: skip
    folder = Path(workspace.objects.href(model["key"], ""))
    table["answer"] = read_answers(workspace, model["key"], read_card(folder))["answer"].to_numpy()
    held = table[~table["is_train"] & (table["dx"] == 0) & (table["dy"] == 0)]
    hectares = mapped_hectares(maps)
    codes = sorted(hectares)
    matrix = pd.crosstab(
        pd.Categorical(held["answer"], categories=codes),
        pd.Categorical(held["code"], categories=codes), dropna=False,
    ).to_numpy()  # fmt: skip
    assert [entry.n_known for entry in plan.classes] == matrix.sum(axis=1).tolist()
    assert sum(entry.n_new for entry in plan.classes) == 12
    report = area_weighted_accuracy(matrix, [hectares[code] for code in codes])
    for entry, expected in zip(plan.classes, report.classes, strict=True):
        assert entry.half_width_ha == pytest.approx(expected.area.half_width)
        assert entry.expected_ha is not None
        assert entry.expected_ha <= entry.half_width_ha + 1e-9
    assert any(entry.change is not None and entry.change < 0 for entry in plan.classes)
    assert any("not drawn" in note for note in plan.notes)


def test_a_map_by_id_and_by_path(workspace: Any, plan: LabelPlan, tmp_path: Path) -> None:
    assert api.label_next(map_of(workspace)[:10], points=12) == plan
    document = workspace.records.get("outputs", map_of(workspace))
    folder = tmp_path / "copied"
    shutil.copytree(workspace.objects.href(document["key"]), folder)
    alone = api.label_next(str(folder), points=3)
    assert alone.n_samples == 0
    assert alone.points[0].distance_m is None
    assert any("samples of the map are unknown" in note for note in alone.notes)
    assert all(entry.half_width_ha is None for entry in alone.classes)
    assert api.label_next(str(folder), points=12, samples="first").points == plan.points
    (folder / "confidence.tif").unlink()
    with pytest.raises(InputError, match=r"no confidence\.tif beside it"):
        api.label_next(str(folder))


def test_a_filled_in_file_is_ground_truth(workspace: Any, tmp_path: Path) -> None:
    path = tmp_path / "next.geojson"
    plan = api.label_next("first", points=5, out=path)
    document = json.loads(path.read_text())
    assert [f["properties"]["rank"] for f in document["features"]] == [1, 2, 3, 4, 5]
    assert [f["geometry"]["coordinates"] for f in document["features"]] == [
        [point.lon, point.lat] for point in plan.points
    ]
    for feature in document["features"][:4]:
        feature["properties"]["label"] = "cropland"
    path.write_text(json.dumps(document))
    table = api.read_labels(path).points
    assert len(table) == 4
    assert set(table["label"]) == {"cropland"}


def test_a_kmz_holds_the_same_places_and_equal_bytes(workspace: Any, tmp_path: Path) -> None:
    import zipfile

    first, second = tmp_path / "a.kmz", tmp_path / "b.kmz"
    plan = api.label_next("first", points=4, out=first)
    api.label_next("first", points=4, out=second)
    assert first.read_bytes() == second.read_bytes()
    text = zipfile.ZipFile(first).read("doc.kml").decode()
    for point in plan.points:
        assert f"<coordinates>{point.lon},{point.lat}</coordinates>" in text
    filled = tmp_path / "filled.kml"
    filled.write_text(
        text.replace(
            '<Data name="label"><value></value>', '<Data name="label"><value>cropland</value>'
        )
    )
    assert len(api.read_labels(filled, label="label").points) == 4


def test_what_is_not_there_is_told(workspace: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing"):
        api.label_next("nothing")
    with pytest.raises(UsageError, match=r"\.geojson or \.kmz"):
        api.label_next("first", out=tmp_path / "next.shp")
    folder = str(Path(workspace.records.path).parent)
    out = tmp_path / "next.geojson"
    shown = CliRunner().invoke(
        cli, ["label-next", "first", "--points", "12", "--out", str(out), "--workspace", folder]
    )
    assert shown.exit_code == 0, shown.output
    assert "12 places" in shown.output
    assert "2 more in the file" in shown.output
    assert out.exists()
    refused = CliRunner().invoke(
        cli, ["label-next", "nobody", "--out", str(out), "--workspace", folder]
    )
    assert refused.exit_code == 1
    assert refused.output.startswith("Error: Map nobody")


def test_independent_points_of_the_run_come_first(
    region: Any, workspace: Any, plan: LabelPlan
) -> None:
    run(
        region, "judged", "validation.splits=[]", "validation.seeds=1", until="validate",
        test_labels=str(region.labels_independent), test_design="simple-random",
    )  # fmt: skip
    found = api.label_next("judged", points=12)
    states = workspace.records.find("units", {"run": "judged", "stage": "validate"})
    made = [workspace.records.get("outputs", key) for key in states[0]["outputs"]]
    key = next(one["key"] for one in made if one["wanted"]["unit"] == "validation")
    path = Path(workspace.objects.href(key, "validation.json"))
    independent = Validation.from_json(path.read_text()).independent
    assert independent is not None
    report = independent.agreement
    hectares = mapped_hectares(find_maps(lambda: workspace, map_of(workspace)))
    by_code = dict(zip(report.codes, np.array(report.matrix).sum(axis=1).tolist(), strict=True))
    assert min(by_code.get(code, 0) for code in hectares) >= 2
    assert [entry.n_known for entry in found.classes] == [by_code[c] for c in sorted(hectares)]
    assert any(f"{report.n} independent points" in note for note in found.notes)
    assert found.points == plan.points
    # The map is known by its content: who names it by its id has the same points.
    assert api.label_next(map_of(workspace), points=12).classes == found.classes
