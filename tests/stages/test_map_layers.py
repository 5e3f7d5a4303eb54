"""Further layers of a map: written on request, whatever the windows, and nothing half done."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from landcover import api
from landcover.analysis.several_maps import map_with_models
from landcover.errors import InputError
from landcover.features.stack import FeatureStack
from landcover.learn.kinds.contract import Answers
from landcover.learn.layers import NO_EXTRA_LAYERS, normalised_entropy
from landcover.learn.trust import load_trust
from landcover.ledger import outputs, runs, units
from landcover.nouns.grid import Window
from landcover.nouns.output import Output
from landcover.parts.mapping import map_rasters as mapping
from landcover.parts.task import Job, Task
from landcover.parts.training.run_model import load_model, open_model
from landcover.parts.work_grid import composites_of, terrain_of, tile_work_grid
from landcover.recipe import Classify
from landcover.simulate import simulate
from landcover.stores.models import TRUST, read_card
from landcover.stores.rasters import RasterStyle, describe, read_array, write_raster

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
TILE, SIDE = "30SUF", 360
ALL = "classify.keep=[probabilities, entropy, margin, n_clear, trust, set_size]"
SETTINGS = [
    "seasons=[{name: spring, primary_month: 3, fallback_month: 4},"
    " {name: summer, primary_month: 6, fallback_month: 7}]",
    "model.trees=10",
]


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return simulate(
        tmp_path_factory.mktemp("layers") / "region", tiles=(TILE,), pixels=SIDE,
        points_per_class=15, seed=4,
    )  # fmt: skip


@pytest.fixture(scope="module")
def workspace(region: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A workspace with one map of all layers, and one without further layers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(tmp_path_factory.mktemp("workspace")))
        for name, overrides in (("plain", []), ("all", [ALL])):
            begin(region, name, *overrides)
            report = api.run_inline(name)
            assert report["state"] == "done", report
        yield api.open_workspace()


def begin(region: Any, name: str, *overrides: str, until: str = "classify") -> None:
    api.start_run(
        name, RECIPE, year=region.year, products=str(region.products), labels=str(region.labels),
        dem=str(region.dem), until=until, overrides=[*SETTINGS, *overrides],
    )  # fmt: skip


def map_of(workspace: Any, run: str) -> Output:
    state = units.load(workspace.records, run, "classify", TILE)
    assert state is not None
    assert state.is_finished, state.message
    return outputs.load(workspace, state.outputs[0])


def layer(workspace: Any, output: Output, name: str) -> np.ndarray[Any, Any]:
    return read_array(workspace.objects.href(output.key, f"{name}.tif"))[0].squeeze()


def classify_again(workspace: Any, region: Any, run: str, *overrides: str, **job: Any) -> Any:
    """Classify in a run of its own that reuses what was prepared and trained."""
    begin(region, run, *overrides)
    for group in ("prepare", "terrain", "sample", "train"):
        for entry in api.plan(run, group):  # type: ignore[arg-type]
            for stage in {"prepare": ("collect", "mask", "composite")}.get(group, (group,)):
                stage_of(run, stage, entry["unit"])
    api.plan(run, "classify")
    return stage_of(run, "classify", TILE, **job)


def stage_of(run: str, stage: Any, unit: str, memory_gb: float = 1, threads: int = 1) -> Any:
    document = {"schema": 1, "run": run, "unit": unit, "attempt": 1}
    return api.run(stage, {**document, "memory_gb": memory_gb, "threads": threads})


def test_without_further_layers_nothing_changes(workspace: Any) -> None:
    plain, rich = map_of(workspace, "plain"), map_of(workspace, "all")
    assert [file.name for file in plain.files] == ["classification.tif", "confidence.tif"]
    assert dict(plain.wanted.params) == {"index_variant": "paper"}
    same = {file.name: file.sha256 for file in rich.files}
    assert all(same[file.name] == file.sha256 for file in plain.files)
    assert plain.id != rich.id


def test_layers_are_those_of_the_model(workspace: Any) -> None:
    output = map_of(workspace, "all")
    task = Task(workspace, *runs.load(workspace, "all"), unit_of(workspace))
    key, card = load_model(task)
    folder = Path(workspace.objects.href(key, ""))
    model = open_model(folder, card)
    grid = tile_work_grid(task, TILE)
    composites = composites_of(task, TILE)
    stack = FeatureStack(task, grid, composites, terrain_of(task, TILE), card.features)
    window = Window(100, 50, 40, 60)
    rows = stack.read(window).reshape(len(card.features.names), -1).T
    is_valid = np.isfinite(rows).all(axis=1)
    raw = model.probabilities(np.ascontiguousarray(rows[is_valid]))
    probability = model.decided(Answers(raw, raw)).probabilities
    part = window.slices

    def cut(name: str) -> np.ndarray[Any, Any]:
        values = layer(workspace, output, name)[..., part[0], part[1]]
        return values.reshape(*values.shape[:-2], -1)[..., is_valid]

    assert np.array_equal(cut("probabilities"), np.floor(254 * probability + 0.5).T)
    expected = np.floor(254 * normalised_entropy(probability) + 0.5)
    assert np.array_equal(cut("entropy"), expected)
    ordered = np.sort(probability, axis=1)
    assert np.array_equal(cut("margin"), np.floor(254 * (ordered[:, -1] - ordered[:, -2]) + 0.5))
    with (folder / TRUST).open("rb") as file:
        limit = load_trust(file).scores.threshold(0.9)  # type: ignore[union-attr]
    # Sets are of what the model says before calibration, as the scores behind the limit are.
    sizes = np.maximum((1 - raw <= limit).sum(axis=1), 1)
    assert np.array_equal(cut("set_size"), sizes)
    info = describe(workspace.objects.href(output.key, "probabilities.tif"))
    assert info.shape == (SIDE, SIDE)
    assert layer(workspace, output, "probabilities").shape[0] == len(card.codes)


def test_nodata_is_the_same_in_every_layer(workspace: Any) -> None:
    output = map_of(workspace, "all")
    is_nodata = layer(workspace, output, "classification") == 0
    assert 0 < is_nodata.mean() < 1
    for name in ("confidence", "entropy", "margin", "trust", "set_size"):
        assert np.array_equal(layer(workspace, output, name) == 255, is_nodata), name
    probabilities = layer(workspace, output, "probabilities")
    assert np.array_equal((probabilities == 255).any(axis=0), is_nodata)
    outside = layer(workspace, output, "trust") == 1
    assert output.stats["outside_percent"] == pytest.approx(
        100 * outside.sum() / (~is_nodata).sum(), abs=1e-4
    )


def test_clear_observations_are_those_of_the_poorest_season(workspace: Any) -> None:
    found = layer(workspace, map_of(workspace, "all"), "n_clear")
    seasons = []
    for document in workspace.records.find("outputs", {"wanted.stage": "composite"}):
        path = workspace.objects.href(document["key"], "n_clear_10m.tif")
        seasons.append(read_array(path)[0].squeeze())
    assert len(seasons) == 2
    assert np.array_equal(found, np.minimum(*seasons))
    assert not np.array_equal(*seasons)


def test_memory_decides_windows_and_no_pixel(
    workspace: Any, region: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = map_of(workspace, "all")
    before = {file.name: file.sha256 for file in first.files}
    workspace.objects.remove(first.key)
    planned: list[int] = []
    real = mapping.plan_windows

    def counting(*shape: int, **how: Any) -> list[Window]:
        windows = real(*shape, **how)
        planned.append(len(windows))
        return windows

    monkeypatch.setattr(mapping, "plan_windows", counting)
    outcome = classify_again(workspace, region, "small", ALL, memory_gb=0.02, threads=2)
    assert outcome["state"] == "done", outcome
    assert planned[0] > 4
    again = map_of(workspace, "small")
    assert again.id == first.id
    assert {file.name: file.sha256 for file in again.files} == before


def test_a_worker_that_holds_much_takes_smaller_windows(
    workspace: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("landcover.parts.task.LEAST_GB", 0.01)
    task = Task(workspace, *runs.load(workspace, "plain"), unit_of(workspace))
    _, card = load_model(task)
    grid = tile_work_grid(task, TILE)
    stack = FeatureStack(
        task, grid, composites_of(task, TILE), terrain_of(task, TILE), card.features
    )

    def n_windows(held_gb: float) -> int:
        job = Job(memory_gb=1.0, resident_gb=lambda: held_gb)
        plan = mapping.Plan(grid, stack, {}, None, card, Classify(), NO_EXTRA_LAYERS, {})  # type: ignore[arg-type]
        return len(mapping._windows(replace(task, job=job), plan))

    assert n_windows(0.3) < n_windows(0.79)


def test_a_killed_map_leaves_nothing(
    workspace: Any, region: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps = Path(workspace.objects.href("maps", ""))
    before = sorted(maps.rglob("*"))
    n_records = workspace.records.count_documents("outputs", {})
    real = mapping.predict_blocks
    calls = []

    def failing(*arguments: Any, **more: Any) -> Any:
        calls.append(1)
        if len(calls) > 2:
            raise MemoryError
        return real(*arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(mapping, "predict_blocks", failing)
        outcome = classify_again(
            workspace, region, "killed", "classify.keep=[margin]", memory_gb=0.02
        )
    assert outcome["state"] == "failed"
    assert sorted(maps.rglob("*")) == before
    assert workspace.records.count_documents("outputs", {}) == n_records
    assert stage_of("killed", "classify", TILE)["state"] == "done", "a new attempt goes on"


def test_the_card_tells_what_was_measured(workspace: Any) -> None:
    (document,) = workspace.records.find("models")
    card = read_card(workspace.objects.href(document["key"], ""))
    assert card.trust is not None
    assert [c.stated for c in card.trust.coverages] == [0.8, 0.9, 0.95]
    assert all(c.lowest <= c.mean <= c.highest for c in card.trust.coverages)
    assert all(1 <= c.mean_size <= len(card.codes) for c in card.trust.coverages)
    assert card.trust.applicability is not None
    assert 0 <= card.trust.applicability.training_outside_percent < 20


@pytest.mark.parametrize("name", ["trust", "set_size"])
def test_a_changed_trust_file_is_refused(workspace: Any, region: Any, name: str) -> None:
    (document,) = workspace.records.find("models")
    path = Path(workspace.objects.href(document["key"], TRUST))
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"x")
    changed = classify_again(workspace, region, f"changed-{name}", f"classify.keep=[{name}]")
    assert changed["state"] == "failed"
    assert changed["error_family"] == "input"
    assert "trust.npz: its checksum" in changed["message"]
    # It was set aside; the same command trains the model again, with the same bytes.
    again = classify_again(workspace, region, f"changed-{name}", f"classify.keep=[{name}]")
    assert again["state"] == "done", again
    assert path.read_bytes() == whole


def test_a_tile_without_one_complete_pixel_is_skipped(workspace: Any, region: Any) -> None:
    """A layer of a season is nodata everywhere: one sentence names it, no empty map."""
    where = {"wanted.stage": "composite", "wanted.unit": f"{TILE}/{region.year}-summer"}
    composite = workspace.records.find("outputs", where)
    path = Path(workspace.objects.href(composite[0]["key"], "B11.tif"))
    whole = path.read_bytes()
    pixels, grid = read_array(path)
    try:
        write_raster(path, np.full_like(pixels, -32768), grid, RasterStyle("int16", -32768))
        path.write_bytes(path.read_bytes().ljust(len(whole), b"\0"))  # sizes are checked
        outcome = classify_again(workspace, region, "empty", "classify.keep=[entropy, margin]")
    finally:
        path.write_bytes(whole)
    assert outcome["state"] == "skipped"
    assert "summer_B11" in outcome["message"]
    assert "no pixel has all" in outcome["message"]
    assert outcome["message"].endswith("Give products that cover the tile.")


def unit_of(workspace: Any) -> Any:
    state = units.load(workspace.records, "all", "classify", TILE)
    assert state is not None
    return state.unit


def test_probabilities_are_published_with_the_map(region: Any, workspace: Any) -> None:
    begin(region, "published", ALL, "publish.probabilities=true", until="publish")
    report = api.run_inline("published")
    assert report["state"] == "done", report
    published = outputs.load(workspace, report["outputs"][0])
    name = "probabilities_32630.tif"
    assert name in {file.name for file in published.files}
    there = workspace.objects.href(published.key, name)
    of_map = next(o for o in map_outputs(workspace, "published"))
    expected, _ = read_array(workspace.objects.href(of_map.key, "probabilities.tif"))
    found, _ = read_array(there)
    assert np.array_equal(found, expected)
    assert describe(there).dtype == "uint8"
    page = Path(workspace.objects.href(published.key, "index.html")).read_text()
    assert "is the largest class, with" in page
    assert name in page
    item = json.loads(Path(workspace.objects.href(published.key, "item_32630.json")).read_text())
    asset = item["assets"]["probabilities"]
    assert asset["href"] == f"./{name}"
    assert len(asset["bands"]) == len(expected)


def test_several_models_map_in_one_pass(
    region: Any, workspace: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(region, "few", "model.n_features=3", "model.trees=4")
    assert api.run_inline("few")["state"] == "done"
    read: list[Window] = []
    original = FeatureStack.read

    def counted(self: FeatureStack, window: Window, *more: Any) -> Any:
        read.append(window)
        return original(self, window, *more)

    monkeypatch.setattr(FeatureStack, "read", counted)
    maps = map_with_models(workspace, "plain", ["few", "plain"], tmp_path, Job())
    assert len(read) == len(set(read))
    for path, run in zip(maps, ("few", "plain"), strict=True):
        output = next(o for o in map_outputs(workspace, run))
        for name in ("classification.tif", "confidence.tif"):
            expected, _ = read_array(workspace.objects.href(output.key, name))
            found, _ = read_array(path.with_name(name))
            assert np.array_equal(found, expected), (run, name)
    with pytest.raises(InputError, match="one is named twice"):
        map_with_models(workspace, "plain", ["few", "few"], tmp_path, Job())


def map_outputs(workspace: Any, run: str) -> list[Output]:
    """Load the class maps of a run."""
    states = units.states(workspace.records, run, "classify")
    return [outputs.load(workspace, name) for state in states for name in state.outputs]
