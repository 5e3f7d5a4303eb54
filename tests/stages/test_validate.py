"""Validate in a whole run: what flatters and what does not stand side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from landcover import api
from landcover.analysis.doctor import visit
from landcover.errors import InputError, MissingDataError
from landcover.ledger.units import states as load_states
from landcover.nouns.explanation import ValidatedExplanation
from landcover.nouns.grid import Grid
from landcover.nouns.headline import Headline
from landcover.nouns.validation import Validation
from landcover.parts.reporting.headline import headline_in
from landcover.parts.validation import validated_diagnosis as judged_module
from landcover.parts.validation.reference_files import name_reference
from landcover.parts.validation.reference_points import (
    beside_training,
    load_reference,
    read_reference,
    store_reference,
)
from landcover.recipe import Labels, make_recipe
from landcover.simulate import simulate
from landcover.stores.rasters import open_raster

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
OVERRIDES = [
    "seasons=[{name: summer, primary_month: 6, fallback_month: 7}]",
    "model.trees=15",
    "validation.trees=10",
    "validation.block_km=1",
    "validation.seeds=3",
    "validation.folds=3",
]


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return simulate(
        tmp_path_factory.mktemp("validate") / "region", tiles=("30SUF", "30SVF"), pixels=240,
        points_per_class=12, seasons=("summer",), seed=5,
    )  # fmt: skip


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(tmp_path_factory.mktemp("workspace")))
        yield api.open_workspace()


def run(region: Any, name: str, **more: Any) -> dict[str, Any]:
    arguments = {"labels": str(region.labels), "overrides": OVERRIDES} | more
    api.start_run(
        name, RECIPE, year=region.year, products=str(region.products), dem=str(region.dem),
        **arguments,
    )  # fmt: skip
    return api.run_inline(name)


def outputs_of(workspace: Any, name: str, stage: str) -> dict[str, dict[str, Any]]:
    state = workspace.records.find("units", {"run": name, "stage": stage})[0]
    found = [workspace.records.get("outputs", key) for key in state["outputs"]]
    return {document["wanted"]["unit"]: document for document in found}


def validation_of(workspace: Any, name: str) -> Validation:
    document = outputs_of(workspace, name, "validate")["validation"]
    path = Path(workspace.objects.href(document["key"], "validation.json"))
    return Validation.from_json(path.read_text())


@pytest.fixture(scope="module")
def whole(region: Any, workspace: Any) -> Validation:
    """A run with a simple random sample of the region as independent points."""
    report = run(
        region, "whole", test_labels=str(region.labels_independent), test_design="simple-random"
    )
    assert report["state"] == "done", report
    return validation_of(workspace, "whole")


def test_what_flatters_stands_beside_what_does_not(whole: Validation) -> None:
    names = [split.name for split in whole.splits]
    assert names == ["rows", "held-out", "groups", "blocks", "tiles", "independent"]
    overall = {split.name: split.overall for split in whole.splits}
    assert overall["rows"] > 0.95
    assert overall["rows"] > overall["groups"] + 0.05
    assert overall["groups"] > overall["independent"]
    assert all(0 < split.majority_baseline < split.overall for split in whole.splits)
    assert {(gap.first, gap.second) for gap in whole.gaps} == {
        ("rows", "independent"), ("rows", "blocks"), ("blocks", "independent"),
    }  # fmt: skip
    gap = whole.gaps[0].classes[0]
    assert gap.interval is not None
    assert gap.interval[1] < 0
    assert gap.n_groups[1] == whole.splits[-1].n_groups


def test_seeds_calibration_and_independent_points(whole: Validation) -> None:
    held = whole.split("held-out")
    assert held is not None
    assert held.seeds is not None
    assert held.seeds.n == 3
    assert held.seeds.overall[1] <= held.seeds.overall[0] <= held.seeds.overall[2]
    # Every group is asked once, by models that did not see it.
    groups = whole.split("groups")
    assert groups is not None
    assert whole.calibration is not None
    assert whole.calibration.n == groups.n
    assert sum(entry.n for entry in whole.calibration.bins) == groups.n
    assert whole.independent is not None
    assert whole.independent.refused == ""
    area = whole.independent.area
    assert area is not None
    assert area.overall.half_width is not None
    # Two windows of 240 px meet or overlap: at most 2 x 576 ha, all of them in the estimate.
    assert area.total_area == pytest.approx(sum(entry.area.value for entry in area.classes))
    assert 500 < area.total_area <= 1152


def test_the_page_shows_them(whole: Validation, workspace: Any) -> None:
    document = next(iter(outputs_of(workspace, "whole", "publish").values()))
    folder = Path(workspace.objects.href(document["key"], ""))
    page = (folder / "index.html").read_text()
    assert json.loads((folder / "suspects.geojson").read_text())["type"] == "FeatureCollection"
    drawn = (folder / "signatures.svg").read_text()
    assert "<svg" in drawn
    assert "Closed forest (" in drawn, "titles, as everywhere on the page"
    assert "closedForest" not in drawn
    for words in ("Where not to trust the map", "signatures.svg", "labelled points",
                  "Side by side", "This map, independent points", "Calibration curve",
                  "Commission error", "Omission error", "The gap: Random pixels",
                  "before calibration,"):  # fmt: skip
        assert words in page
    assert Validation.from_json((folder / "validation.json").read_text()) == whole
    table = pd.read_csv(folder / "validation.csv")
    assert set(table["split"]) == {split.name for split in whole.splits}


def test_the_class_doctor_is_joined_with_the_points(
    whole: Validation, workspace: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = next(iter(outputs_of(workspace, "whole", "publish").values()))
    folder = Path(workspace.objects.href(document["key"], ""))
    found = ValidatedExplanation.from_json((folder / "explanation.json").read_text())
    assert whole.independent is not None
    report, judged = whole.independent.agreement, found.judgement
    matrix = np.array(report.matrix)
    assert (judged.run, judged.n, judged.overall) == ("whole", report.n, report.overall)
    assert judged.n_missed == report.n - np.trace(matrix)
    for pair, there in zip(found.pairs, judged.pairs, strict=True):
        i, j = (report.codes.index(code) for code in pair.codes)
        assert there.codes == pair.codes
        assert there.confused == matrix[i, j] + matrix[j, i]
        assert there.points == matrix[:, [i, j]].sum()
    # What is explained is a test point, wrong on the map, with features from the composites.
    model = api.load_model(found.model)
    assert 0 < len(judged.points) <= judged.n_missed
    for point in judged.points:
        i, j = (report.codes.index(code) for code in (point.predicted, point.reference))
        assert matrix[i].sum() > 0
        assert matrix[:, j].sum() > 0
        assert point.predicted != point.reference
        assert point.p_predicted >= point.p_reference
        assert point.features
    run_id = workspace.records.get("runs", "whole")["run"]["test_label_id"]
    places = load_reference(workspace, run_id).points
    assert {(p.lon, p.lat) for p in judged.points} <= set(
        zip(places["lon"], places["lat"], strict=True)
    )
    for point in judged.points[:3]:
        window = (point.row, point.column, 1, 1)
        values = api.open_features(point.tile, window, found.model, workspace=workspace)
        code, confidence = model.predict(values.to_numpy().reshape(1, -1))
        assert code[0] == point.predicted
        assert confidence[0] == pytest.approx(point.p_predicted)
    page = (folder / "doctor.html").read_text()
    assert 'href="#point-' in page
    assert "independent points agree with the map of run" in page
    # The command joins the same, by the run and by its model.
    again = visit(workspace, "whole", out=tmp_path)
    assert again == found
    assert (tmp_path / "doctor.html").read_text() == page
    assert visit(workspace, found.model[:10]) == found

    # Without the composites the points still say what is confused.
    def gone(task: Any, tile: str) -> Any:
        raise MissingDataError(f"{tile}: no season could be prepared.")

    monkeypatch.setattr(judged_module, "composites_of", gone)
    bare = visit(workspace, "whole")
    assert isinstance(bare, ValidatedExplanation)
    assert bare.judgement == judged.model_copy(update={"points": ()})


def test_a_second_run_finds_all_of_it(whole: Validation, region: Any, workspace: Any) -> None:
    report = run(
        region, "again", test_labels=str(region.labels_independent), test_design="simple-random"
    )
    assert report["counts"] == {"reused": sum(report["counts"].values())}
    ids = [
        {unit: one["_id"] for unit, one in outputs_of(workspace, name, "validate").items()}
        for name in ("whole", "again")
    ]
    assert ids[0] == ids[1]


def test_without_a_probability_sample_there_is_no_interval(
    whole: Validation, region: Any, workspace: Any
) -> None:
    # The training points as test points: those that trained are left out, and of the others
    # nobody said how they were drawn.
    overrides = [*OVERRIDES, "model.fit=split"]
    report = run(
        region, "own", test_labels=str(region.labels), until="validate", overrides=overrides
    )
    assert report["state"] == "done", report
    found = validation_of(workspace, "own").independent
    assert found is not None
    assert found.area is None
    assert "probability sample" in found.refused
    train, held = (
        whole.split("groups").n_groups - whole.split("held-out").n_groups,  # type: ignore[union-attr]
        whole.split("held-out").n_groups,  # type: ignore[union-attr]
    )
    note = next(n for n in found.agreement.notes if "were left out" in n)
    left_out, of = (int(word) for word in note.split() if word.isdigit())
    assert left_out >= train
    assert found.agreement.n + found.agreement.unclassified == of - left_out
    assert found.agreement.n <= held + (of - train - held)


def test_an_existing_model_is_judged_by_test_points_alone(
    whole: Validation, region: Any, workspace: Any
) -> None:
    model = outputs_of(workspace, "whole", "train")["model"]["_id"]
    report = run(
        region, "named", labels=None, model=model, test_labels=str(region.labels_independent),
        test_design="simple-random",
    )  # fmt: skip
    assert report["state"] == "done", report
    found = validation_of(workspace, "named")
    assert [split.name for split in found.splits] == ["independent"]
    assert found.independent == whole.independent
    assert set(outputs_of(workspace, "named", "validate")) == {"validation"}


def test_test_points_off_the_map_are_told(whole: Validation, region: Any, tmp_path: Path) -> None:
    far = tmp_path / "far.csv"
    far.write_text("lon,lat,label\n40.0,10.0,cropland\n")
    report = run(region, "far", test_labels=str(far), until="validate")
    assert "None of the 1 test points (--test-labels) lies on the map" in " ".join(
        report["troubles"]
    )


def test_points_beside_a_training_point_are_found() -> None:
    grid = Grid(crs="EPSG:32630", ulx=500_000, uly=4_200_000, pixel=10, width=50, height=50)
    from pyproj import Transformer

    # Training point in pixel (20, 20), of which only the pixel to its lower right is left.
    trained = pd.DataFrame({"tile": ["a"], "row": [21], "column": [21], "dx": [1], "dy": [1]})
    rows, columns = [20, 21, 22, 19, 20], [20, 21, 20, 19, 22]
    x = [500_000 + 10 * column + 5 for column in columns]
    y = [4_200_000 - 10 * row - 5 for row in rows]
    lon, lat = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform(x, y)
    points = pd.DataFrame({"lon": lon, "lat": lat})
    found = beside_training(points, trained, {"a": grid})
    assert found.tolist() == [True, True, False, True, False]
    assert not beside_training(points, trained.assign(tile="b"), {"a": grid}).any()


def test_a_reference_is_kept_as_it_was_read(workspace: Any, tmp_path: Path) -> None:
    recipe = make_recipe(
        {"name": "x", "seasons": [{"name": "a", "primary_month": 6, "fallback_month": 7}]}
    )
    sheet = tmp_path / "sheet.csv"
    sheet.write_text(
        "id,lon,lat,stratum,stratum_area_ha,label\n"
        "p1,5,40,1,10.5,closedForest\np2,5.1,40,7,99,cropland\np3,5.2,40,9,3,\n"
    )
    found = load_reference(workspace, store_reference(workspace, recipe, sheet, None))
    assert found.design == "stratified"
    assert found.stratum_area == {1: 10.5, 7: 99.0, 9: 3.0}
    assert found.points["stratum"].tolist() == [1, 7]
    assert found.notes[0].startswith("1 of 3 points of the sheet have no label")
    plain = read_reference(sheet, Labels(), "simple-random")
    assert (plain.design, plain.stratum_area) == ("simple-random", {})
    with pytest.raises(InputError, match="no such file of reference points"):
        read_reference(tmp_path / "none.csv", Labels(), None)


def test_reference_points_are_named_for_a_plan_without_reading_them(
    workspace: Any, tmp_path: Path
) -> None:
    document = {"name": "x", "seasons": [{"name": "a", "primary_month": 6, "fallback_month": 7}]}
    recipe = make_recipe(document)
    points = tmp_path / "named.csv"
    points.write_text("lon,lat,label\n5,40,closedForest\n5.1,40,cropland\n")
    new = name_reference(workspace, recipe, points, None)
    assert workspace.records.get("labels", new) is None
    kept = store_reference(workspace, recipe, points, None)
    assert name_reference(workspace, recipe, points, None) == kept
    # The same bytes read otherwise, or drawn otherwise, are other points.
    other = make_recipe({**document, "model": {"seed": 77}})
    for given, design in ((other, None), (recipe, "simple-random")):
        assert name_reference(workspace, given, points, design) not in (kept, new)
    points.write_text("lon,lat,label\n5,40,cropland\n5.1,40,cropland\n")
    assert name_reference(workspace, recipe, points, None) not in (kept, new)


def test_random_labels_are_near_chance_in_everything_that_is_told(
    region: Any, workspace: Any, tmp_path: Path
) -> None:
    document = json.loads(Path(region.labels).read_text())
    labels = [feature["properties"]["label"] for feature in document["features"]]
    shuffled = np.random.default_rng(3).permutation(labels)
    for feature, label in zip(document["features"], shuffled, strict=True):
        feature["properties"]["label"] = str(label)
    path = tmp_path / "random.geojson"
    path.write_text(json.dumps(document))
    report = run(region, "random", labels=str(path))
    assert report["state"] == "done", report
    found = validation_of(workspace, "random")
    card = api.load_model(outputs_of(workspace, "random", "train")["model"]["_id"]).card
    assert card.fit == "all"
    assert card.n_train_groups == found.split("groups").n_groups  # type: ignore[union-attr]
    told = {split.name: (split.overall, split.n_groups) for split in found.splits}
    # Neighbours of a tested pixel train there, and the page says that it is good for nothing.
    assert told.pop("rows")[0] > 0.8
    assert card.held_out is not None
    assert card.out_of_fold is not None
    told["card"] = card.held_out.overall, card.held_out.n_groups or 0
    told["all groups"] = float(card.out_of_fold.overall or 0), card.out_of_fold.n_groups
    document = outputs_of(workspace, "random", "validate")["validation"]
    headline = Headline.from_document(document["stats"]["headline"])
    told["headline"] = float(headline.overall or 0), headline.n_groups or 0
    share = max(np.unique(labels, return_counts=True)[1]) / len(labels)
    for name, (overall, n_groups) in told.items():
        # Chance, and three standard errors over the groups.
        assert overall < share + 3 * np.sqrt(share * (1 - share) / n_groups), name
    assert max(abs(one.drop) for one in card.out_of_fold.permuted) < 0.15
    # The page, the tag of the file, STAC, the receipt and the record say the same.
    published = next(iter(outputs_of(workspace, "random", "publish").values()))
    folder = Path(workspace.objects.href(published["key"], ""))
    page = (folder / "index.html").read_text()
    assert headline.sentence in page
    assert json.loads((folder / "receipt.json").read_text())["accuracy"] == headline.sentence
    for item in folder.glob("item_*.json"):
        properties = json.loads(item.read_text())["properties"]
        assert properties["landcover:accuracy"] == headline.sentence
    for file in folder.glob("map_*.tif"):
        with open_raster(file) as raster:
            assert raster.tags()["accuracy"] == headline.sentence
    states = load_states(workspace.records, "random")
    assert headline_in(workspace.records, states) == headline
