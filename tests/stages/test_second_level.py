"""A legend of two levels, from labels to a map of the second one."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rasterio
from click.testing import CliRunner

from landcover import api
from landcover.analysis.sample_files import export_samples, read_samples
from landcover.analysis.several_maps import map_with_models
from landcover.cli import cli
from landcover.errors import InputError
from landcover.features.stack import FeatureStack
from landcover.learn.sampling import split_by_group
from landcover.ledger import outputs, runs, units
from landcover.ledger.lookup import find_samples
from landcover.nouns.grid import Window
from landcover.nouns.output import Output
from landcover.parts.task import Job, Task
from landcover.parts.training.run_model import load_model
from landcover.parts.training.second_level import open_second, second_layer
from landcover.parts.work_grid import composites_of, terrain_of, tile_work_grid
from landcover.simulate import simulate
from landcover.stores.models import CARD, read_card
from landcover.stores.rasters import read_array

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
TILE = "30SUF"
COVER = {"closedForest": "dense", "openForest": "sparse"}
"""What the simulator knows, as the second level of one class of forest."""


def inner(code: int, name: str, colour: str = "#101010") -> dict[str, Any]:
    return {"code": code, "name": name, "colour": colour, "title": name}


def outer(code: int, name: str, *second: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**inner(code, name), **more, "second": list(second)}


LEGEND = {
    "classes": [
        outer(
            1, "forest", inner(11, "dense", "#004000"), inner(12, "sparse", "#40A040"),
            inner(13, "burnt"), aliases=["closedForest", "openForest"],
        ),
        outer(3, "shrubland"), outer(4, "herbaceousVegetation"), outer(5, "herbaceousWetland"),
        # One class of the second level has samples.
        outer(6, "bareSparseVegetation", inner(61, "rock"), inner(62, "sand")),
        # One of three has a single point.
        outer(7, "cropland", inner(71, "maize"), inner(72, "wheat"), inner(73, "rice")),
        outer(8, "builtUp"), outer(9, "permanentWater"),
    ]
}  # fmt: skip


def with_second(path: Path, to: Path) -> Path:
    document = json.loads(path.read_text())
    crops = 0
    for feature in document["features"]:
        label, found = feature["properties"]["label"], ""
        if label in COVER:
            found = COVER[label]
        elif label == "bareSparseVegetation":
            found = "rock"
        elif label == "cropland":
            found = "rice" if crops == 0 else ("maize", "wheat")[crops % 2]
            crops += 1
        feature["properties"]["label2"] = found
    to.write_text(json.dumps(document))
    return to


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return simulate(
        tmp_path_factory.mktemp("levels") / "region", tiles=(TILE,), pixels=240,
        points_per_class=12, seed=5,
    )  # fmt: skip


@pytest.fixture(scope="module")
def labels(region: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_second(Path(region.labels), tmp_path_factory.mktemp("labels") / "two.geojson")


@pytest.fixture(scope="module")
def workspace(region: Any, labels: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One run with the second level, and one that does not ask for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(tmp_path_factory.mktemp("workspace")))
        run(region, "one", labels=labels)
        run(region, "two", "labels.second=label2", labels=labels)
        yield api.open_workspace()


def run(region: Any, name: str, *overrides: str, **given: Any) -> None:
    api.start_run(
        name, RECIPE, year=region.year, products=str(region.products), dem=str(region.dem),
        overrides=[
            "seasons=[{name: summer, primary_month: 6, fallback_month: 7}]", "model.trees=10",
            "model.train_fraction=0.6", f"labels.legend={json.dumps(LEGEND)}", *overrides,
        ],
        **{"until": "classify"} | {name: str(value) for name, value in given.items()},
    )  # fmt: skip
    report = api.run_inline(name)
    assert report["state"] == "done", report


def map_of(workspace: Any, run: str) -> Output:
    state = units.load(workspace.records, run, "classify", TILE)
    assert state is not None
    return outputs.load(workspace, state.outputs[0])


def layer(workspace: Any, run: str, name: str) -> np.ndarray[Any, Any]:
    return read_array(workspace.objects.href(map_of(workspace, run).key, name))[0].squeeze()


def task_of(workspace: Any, run: str) -> Task:
    state = units.load(workspace.records, run, "classify", TILE)
    assert state is not None
    return Task(workspace, *runs.load(workspace, run), state.unit)


def folder_of(workspace: Any, run: str) -> Path:
    key, _ = load_model(task_of(workspace, run))
    return Path(workspace.objects.href(key, ""))


def samples_of(workspace: Any, run: str) -> pd.DataFrame:
    return read_samples(workspace, find_samples(workspace, run))


def test_without_a_second_level_there_is_no_trace_of_one(workspace: Any) -> None:
    assert "code2" not in samples_of(workspace, "one").columns
    folder = folder_of(workspace, "one")
    assert "second" not in json.loads((folder / CARD).read_text())
    assert not list(folder.glob("arrays_*"))
    found = map_of(workspace, "one")
    assert [file.name for file in found.files] == ["classification.tif", "confidence.tif"]
    assert "second_pixels" not in found.stats


def test_the_first_level_is_the_same_with_a_second(workspace: Any) -> None:
    plain, divided = samples_of(workspace, "one"), samples_of(workspace, "two")
    pd.testing.assert_frame_equal(plain, divided.drop(columns="code2"))
    one, two = (read_card(folder_of(workspace, name)) for name in ("one", "two"))
    assert one.id != two.id
    assert one.arrays_sha256 == two.arrays_sha256
    for name in ("classification.tif", "confidence.tif"):
        assert np.array_equal(layer(workspace, "one", name), layer(workspace, "two", name))


def test_samples_carry_the_second_code(workspace: Any, tmp_path: Path) -> None:
    table = samples_of(workspace, "two")
    assert table["code2"].dtype == np.int64
    points = table.drop_duplicates("point_id")
    found = {int(code): set(rows["code2"]) for code, rows in points.groupby("code")}
    assert found[1] == {11, 12}
    assert found[6] == {61}
    assert found[7] == {71, 72, 73}
    assert found[9] == {0}
    for code, rows in points[points["code2"] > 0].groupby("code2"):
        assert (rows["is_train"].nunique() == 2) == (rows["group"].nunique() > 1), code
    export_samples(workspace, find_samples(workspace, "two"), tmp_path / "two.csv")
    exported = pd.read_csv(tmp_path / "two.csv")
    assert exported.columns[-1] == "code2"
    assert exported["code2"].tolist() == table["code2"].tolist()


def test_a_seed_that_leaves_a_class_on_one_side_is_mended(
    region: Any, labels: Path, workspace: Any
) -> None:
    table = samples_of(workspace, "two")
    known = (table["code"].to_numpy(), table["group"].to_numpy())
    second = table["code2"].to_numpy()

    def is_divided(is_train: Any) -> bool:
        parts = table.assign(is_train=is_train)[second > 0].groupby("code2")
        return all(own["is_train"].nunique() == 2 for _, own in parts if own["group"].nunique() > 1)

    one_sided = (
        seed
        for seed in range(500)
        if not is_divided(split_by_group(*known, train_fraction=0.6, seed=seed).is_train)
    )
    seed = next(one_sided)
    options = ["labels.second=label2", f"model.seed={seed}"]
    run(region, "mended", *options, labels=labels, until="train")
    found = samples_of(workspace, "mended")
    assert is_divided(found["is_train"])
    expected = split_by_group(*known, train_fraction=0.6, seed=seed, second=second)
    pd.testing.assert_series_equal(found["point_id"], table["point_id"])
    np.testing.assert_array_equal(found["is_train"], expected.is_train)


def test_the_card_describes_the_models(workspace: Any) -> None:
    card, table = read_card(folder_of(workspace, "two")), samples_of(workspace, "two")
    assert [second.code for second in card.second] == [1, 7]
    forest = card.second[0]
    assert forest.codes == (11, 12)
    assert forest.names == ("dense", "sparse")
    assert forest.colours == ("#004000", "#40A040")
    # The map's models learn from every label.
    trained = table[table["code"] == 1]
    assert forest.class_counts == trained["code2"].value_counts().to_dict()
    assert forest.class_groups == trained.groupby("code2")["group"].nunique().to_dict()
    notes = " ".join(card.notes)
    assert "bareSparseVegetation is not divided" in notes
    assert "found rock" in notes
    # The only point of rice is learned, and no model without it can be asked.
    assert 73 in card.second[1].codes
    assert "rice (cropland) was not validated" in notes


def test_the_card_is_told(workspace: Any) -> None:
    card = read_card(folder_of(workspace, "two"))
    shown = CliRunner().invoke(cli, ["model", "show", card.id])
    assert shown.exit_code == 0, shown.output
    lines = [line.split() for line in shown.output.splitlines()]
    assert ["second", "level", "of", "forest", "code", "rows", "groups"] in lines
    counts, groups = card.second[0].class_counts, card.second[0].class_groups
    assert ["dense", "11", str(counts[11]), str(groups[11])] in lines
    assert "both levels right" in shown.output


def test_its_accuracy_is_that_of_held_out_groups(workspace: Any) -> None:
    folder, table = folder_of(workspace, "two"), samples_of(workspace, "two")
    card = read_card(folder)
    forest = card.second[0]
    found = pd.read_parquet(folder / "out_of_fold.parquet")
    is_held = ~table["is_train"] & (table["code"] == 1)
    held, answers = table[is_held], found[is_held]
    is_right = (answers["second"] == held["code2"]).to_numpy()
    # Models that did not see these groups answer otherwise than the map's, which has.
    learned = open_second(folder, card, forest).predict(held)[0]
    assert (learned == held["code2"].to_numpy()).mean() > is_right.mean()
    assert forest.held_out is not None
    assert forest.held_out.n == len(held)
    assert forest.held_out.n_groups == held["group"].nunique()
    assert forest.held_out.overall == pytest.approx(is_right.mean())
    # The simulator's two forests differ, so a model must beat the commoner of them.
    assert forest.held_out.overall > forest.held_out.majority_baseline
    both = is_right & (answers["answer"] == 1).to_numpy()
    assert forest.both_right == pytest.approx(both.mean(), abs=1e-4)
    assert "probability sample" in forest.held_out.design


def test_the_map_is_that_of_the_models(workspace: Any) -> None:
    task = task_of(workspace, "two")
    folder = folder_of(workspace, "two")
    card = read_card(folder)
    first = layer(workspace, "two", "classification.tif")
    second = layer(workspace, "two", "classification2.tif")
    assert second.dtype == np.uint8
    assert not second[~np.isin(first, [1, 7])].any()
    assert second[np.isin(first, [1, 7])].all()
    counts = {str(code): int((second == code).sum()) for code in np.unique(second[second > 0])}
    assert map_of(workspace, "two").stats["second_pixels"] == counts
    assert {"11", "12"} <= set(counts)
    stack = FeatureStack(
        task, tile_work_grid(task, TILE), composites_of(task, TILE), terrain_of(task, TILE),
        card.features,
    )  # fmt: skip
    window = Window(0, 0, 120, 240)
    rows = stack.read(window).reshape(len(card.features.names), -1).T
    part = window.slices
    for entry in card.second:
        expected = open_second(folder, card, entry).predict(rows)[0]
        is_asked = (first[part] == entry.code).ravel()
        assert np.array_equal(second[part].ravel()[is_asked], expected[is_asked])


def test_several_models_map_both_levels(workspace: Any, tmp_path: Path) -> None:
    maps = map_with_models(workspace, "two", ["two", "one"], tmp_path, Job())
    for path, run, n_files in zip(maps, ("two", "one"), (3, 2), strict=True):
        made = map_of(workspace, run)
        assert len(list(path.parent.iterdir())) == n_files
        for file in path.parent.iterdir():
            there = Path(workspace.objects.href(made.key, file.name))
            assert file.read_bytes() == there.read_bytes(), (run, file.name)


def test_names_and_colours_are_in_the_file(workspace: Any) -> None:
    path = workspace.objects.href(map_of(workspace, "two").key, "classification2.tif")
    with rasterio.open(path) as raster:
        assert raster.nodata == 0
        assert raster.colormap(1)[12] == (0x40, 0xA0, 0x40, 255)
        assert raster.tags(1)["class_11"] == "dense"


@pytest.mark.parametrize("threads", [1, 3])
def test_parts_of_a_window_change_nothing(workspace: Any, threads: int) -> None:
    folder = folder_of(workspace, "two")
    card = read_card(folder)
    models = {entry.code: open_second(folder, card, entry) for entry in card.second}
    rng = np.random.default_rng(0)
    features = rng.normal(0.2, 0.1, (len(card.features.names), 7, 11)).astype(np.float32)
    first = rng.choice([0, 1, 7, 9], (7, 11)).astype(np.uint8)
    with ThreadPoolExecutor(threads) as pool:
        found = second_layer(models, first, features, pool, threads)
    rows = features.reshape(len(features), -1).T
    expected = np.zeros(77, np.uint8)
    for code, model in models.items():
        is_asked = first.ravel() == code
        expected[is_asked] = model.predict(rows)[0][is_asked]
    assert np.array_equal(found.ravel(), expected)


def test_joined_samples_train_the_first_level_only(
    region: Any, labels: Path, workspace: Any, tmp_path: Path
) -> None:
    export_samples(workspace, find_samples(workspace, "two"), tmp_path / "other.csv")
    table = pd.read_csv(tmp_path / "other.csv")
    table.assign(year=2019).to_csv(tmp_path / "other.csv", index=False)
    run(
        region, "joined", "labels.second=label2", labels=labels,
        samples=tmp_path / "other.csv", until="train",
    )  # fmt: skip
    joined = samples_of(workspace, "joined")
    is_own = joined["library"] == ""
    assert not is_own.all()
    assert joined["code2"].dtype == np.int64
    assert not joined.loc[~is_own, "code2"].any()
    state = units.load(workspace.records, "joined", "train", "all")
    assert state is not None
    made = [outputs.load(workspace, one) for one in state.outputs]
    key = next(one.key for one in made if one.unit == "model")
    card = read_card(workspace.objects.href(key, ""))
    two = read_card(folder_of(workspace, "two"))
    assert card.n_train_rows > two.n_train_rows
    assert [s.class_counts for s in card.second] == [s.class_counts for s in two.second]


def test_a_model_from_a_folder_brings_its_second_level(
    region: Any, workspace: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(folder_of(workspace, "two"), folder)
    expected = layer(workspace, "two", "classification2.tif")
    monkeypatch.setenv("LANDCOVER_WORKSPACE", str(tmp_path / "other"))
    run(region, "mapped", model=folder)
    assert np.array_equal(layer(api.open_workspace(), "mapped", "classification2.tif"), expected)
    (folder / "arrays_7.npz").write_bytes(b"others")
    monkeypatch.setenv("LANDCOVER_WORKSPACE", str(tmp_path / "third"))
    with pytest.raises(InputError, match=r"arrays_7\.npz: its checksum"):
        run(region, "refused", model=folder)


def test_it_is_joined_and_published(labels: Path, workspace: Any, region: Any) -> None:
    run(region, "published", "labels.second=label2", "mosaic.min_pixels=4", labels=labels,
        until="publish")  # fmt: skip
    state = units.load(workspace.records, "published", "publish", "all")
    assert state is not None
    folder = Path(workspace.objects.href(outputs.load(workspace, state.outputs[0]).key, ""))
    with rasterio.open(folder / "map_32630.tif") as raster:
        first = raster.read(1)
    with rasterio.open(folder / "second_32630.tif") as raster:
        second = raster.read(1)
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert raster.nodata == 0
        assert raster.colormap(1)[11] == (0, 0x40, 0, 255)
        assert raster.tags(1)["class_12"] == "sparse"
    card = read_card(folder_of(workspace, "two"))
    parents = {code: one.code for one in card.second for code in one.codes}
    for code in np.unique(second[second > 0]).tolist():
        assert set(np.unique(first[second == code]).tolist()) == {parents[code]}
    could = np.isin(first, [1, 7])
    assert (second[could] > 0).mean() > 0.97
    item = json.loads((folder / "item_32630.json").read_text())
    asset = item["assets"]["classification_second"]
    inner_codes = [code for one in card.second for code in one.codes]
    assert [c["value"] for c in asset["classification:classes"]] == [*inner_codes, 0]
    assert asset["classification:classes"][0]["color_hint"] == "004000"
    assert "classification_second" in json.loads((folder / "collection.json").read_text())[
        "item_assets"
    ]  # fmt: skip
    page = (folder / "index.html").read_text()
    assert "Area of each class of the second level" in page
    assert f"{(second == 11).sum() / 100:,.1f} ha" in page
    assert "the second level is right for" in page
    assert (folder / "second_32630.qml").is_file()
    assert 'label="sparse"' in (folder / "second_32630.sld").read_text()
    assert page.count("second_32630.png") >= 2
