"""A change divided into land, input and model: planted change, one model, one input."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from landcover import api
from landcover.analysis import attribution
from landcover.analysis.attribution import Limits, join_causes, split_change
from landcover.analysis.map_pair import (
    Pair,
    differences_of_input,
    find_pairs,
    require_old_model_fits,
    require_one_grid,
)
from landcover.cli import cli
from landcover.errors import InputError, UsageError
from landcover.ledger import outputs, units
from landcover.ledger.lookup import find_maps
from landcover.nouns.change import ChangeSplit
from landcover.nouns.grid import Grid
from landcover.nouns.output import Output
from landcover.parts.mapping.tile_windows import Source
from landcover.parts.task import Job
from landcover.parts.training.model_lookup import find_card
from landcover.raster.mosaic import lattice_union
from landcover.recipe import Recipe
from landcover.simulate import simulate, site_simulator
from landcover.stores.rasters import (
    RasterStyle,
    describe,
    read_array,
    read_code_names,
    write_raster,
)
from landcover.stores.workspace import Workspace

pytestmark = pytest.mark.slow

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
TILE, SIDE = "30SUF", 240
PLANTED, CORE = np.s_[90:150, 30:90], np.s_[96:144, 36:84]
WATER = 9
SETTINGS = [
    "seasons=[{name: summer, primary_month: 6, fallback_month: 7}]",
    "model.trees=20",
]


@pytest.fixture(scope="module")
def regions(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Any]:
    """One ground in two years; in the second a lake was dug."""
    folder, found = tmp_path_factory.mktemp("regions"), {}
    untouched = site_simulator.draw_landscape

    def with_a_lake(*arguments: Any) -> Any:
        land = untouched(*arguments)
        classes = land.classes.copy()
        classes[PLANTED] = WATER
        return replace(land, classes=classes)

    for year in (2021, 2022):
        with pytest.MonkeyPatch.context() as patch:
            if year == 2022:
                patch.setattr(site_simulator, "draw_landscape", with_a_lake)
            found[year] = simulate(
                folder / str(year), tiles=(TILE,), pixels=SIDE, year=year, points_per_class=20,
                products_per_season=4, seasons=("summer",), only_usable=True, seed=4,
            )  # fmt: skip
    return found


@pytest.fixture(scope="module")
def workspace(regions: dict[int, Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Two years with a model each, and runs that share an input or the first model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(tmp_path_factory.mktemp("workspace")))
        begin(regions, "old", 2021, until="mosaic")
        begin(regions, "new", 2022, until="mosaic")
        begin(regions, "other-model", 2021, "model.seed=7", "model.trees=5")
        model = model_of(api.open_workspace(), "old")
        begin(regions, "poorer", 2021, "selection.max_products=1", model=model)
        begin(regions, "old-again", 2022, model=model)
        yield api.open_workspace()


def begin(regions: dict[int, Any], name: str, year: int, *overrides: str, **more: Any) -> None:
    region = regions[year]
    labels = {} if "model" in more else {"labels": str(region.labels)}
    api.start_run(
        name, RECIPE, year=year, products=str(region.products),
        overrides=[*SETTINGS, *overrides], **{"until": "classify", **labels, **more},
    )  # fmt: skip
    report = api.run_inline(name)
    assert report["state"] == "done", report


def model_of(workspace: Workspace, run: str) -> str:
    state = units.load(workspace.records, run, "classify", TILE)
    assert state is not None
    return outputs.load(workspace, state.outputs[0]).wanted.inputs["model"][0]


def hectares(split: ChangeSplit) -> dict[str, float]:
    return {cause.name: cause.hectares for cause in split.causes}


def test_a_lake_that_was_dug_is_land(
    workspace: Workspace, regions: dict[int, Any], tmp_path: Path
) -> None:
    path = tmp_path / "change.tif"
    split = split_change(workspace, "old", "new", path)
    causes = read_array(path)[0].squeeze()
    first, second = (read_array(map_path(workspace, run))[0].squeeze() for run in ("old", "new"))
    truth = read_array(regions[2021].truth[TILE])[0].squeeze()
    dry = np.zeros(causes.shape, bool)
    dry[CORE] = True
    dry &= (truth != WATER) & (causes != 0)
    assert dry.sum() > 1000
    assert np.isin(causes[dry], [2, 5]).mean() > 0.9
    # Elsewhere nothing happened: little may be called so.
    calm = causes != 0
    calm[PLANTED] = False
    assert np.isin(causes[calm], [2, 5]).mean() < 0.02
    # Every pixel of the raster is in the table, and the pairs add up.
    is_other = (first != second) & (first != 0) & (second != 0)
    np.testing.assert_array_equal(causes > 1, is_other)
    assert [cause.pixels for cause in split.causes] == [
        int((causes == k).sum()) for k in (2, 3, 4, 5)
    ]
    assert split.same_pixels == int((causes == 1).sum())
    assert sum(row.pixels for row in split.classes) == int(is_other.sum())
    assert split.changed_hectares == pytest.approx(is_other.sum() / 100)
    for row in split.classes:
        assert sum(row.by_cause.values()) == pytest.approx(row.hectares)
    into_water = [row for row in split.classes if row.second == "permanentWater"]
    assert sum(row.by_cause["land"] for row in into_water) > 0.7 * hectares(split)["land"]
    assert read_code_names(path).names == {1: "same", 2: "land", 3: "input", 4: "model", 5: "both"}
    info = describe(path)
    assert (info.dtype, info.grid) == ("uint8", describe(map_path(workspace, "old")).grid)


def map_path(workspace: Workspace, run: str) -> str:
    output = find_maps(workspace, run)[0]
    return workspace.objects.href(output.key, "classification.tif")


def test_windows_and_threads_change_nothing(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = split_change(workspace, "old", "new", tmp_path / "a.tif")
    planned = attribution.plan_windows
    seen = []

    def small(height: int, width: int, **more: Any) -> Any:
        seen.append(more["memory_gb"])
        return planned(
            height, width, **{**more, "memory_gb": 64 * 64 * more["bytes_per_pixel"] / 1e9}
        )

    monkeypatch.setattr(attribution, "plan_windows", small)
    job = Job(memory_gb=0.5, threads=2)
    parts = split_change(workspace, "old", "new", tmp_path / "b.tif", job=job)
    assert seen == [0.25, 0.25]
    assert parts == whole
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


def test_same_input_and_two_models_is_all_model(workspace: Workspace) -> None:
    split = split_change(workspace, "old", "other-model")
    areas = hectares(split)
    assert areas["model"] > 0
    assert areas == {"land": 0, "input": 0, "model": split.changed_hectares, "both": 0}
    assert "Both maps were made from the same composites, so everything is of the model." in (
        split.notes
    )


def test_a_class_that_the_old_model_does_not_know_is_told(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = find_card(lambda: workspace, model_of(workspace, "new"))[0]
    more = found.model_copy(
        update={"codes": (*found.codes, 20), "names": (*found.names, "glacier")}
    )
    monkeypatch.setattr(attribution, "find_card", lambda *_: (more, None))
    notes = split_change(workspace, "old", "new").notes
    assert [n for n in notes if "does not know glacier" in n]
    assert not [n for n in notes if "blended" in n]


def test_same_input_and_same_model_is_no_change(workspace: Workspace, tmp_path: Path) -> None:
    split = split_change(workspace, "old", "old", tmp_path / "change.tif")
    assert split.changed_hectares == 0
    assert split.classes == ()
    assert all(cause.of_changed is None for cause in split.causes)
    assert split.sentence.startswith("None of ")
    assert set(np.unique(read_array(tmp_path / "change.tif")[0])) <= {0, 1}


def test_same_model_and_fewer_observations_is_all_input(workspace: Workspace) -> None:
    split = split_change(workspace, "old", "poorer")
    assert hectares(split)["input"] == pytest.approx(split.changed_hectares)
    assert split.changed_hectares > 1
    # One product cannot show two clear observations; where one is enough, doubt decides alone.
    once = hectares(split_change(workspace, "old", "poorer", limits=Limits(1, 0.5)))
    assert 0 < once["land"] < 0.5 * split.changed_hectares
    loose = hectares(split_change(workspace, "old", "poorer", limits=Limits(0, 0.0)))
    assert loose["input"] == 0
    assert loose["land"] == pytest.approx(split.changed_hectares)
    assert any("One model made both maps" in note for note in split.notes)
    assert any("recipes differ in selection (max_products: 5 / 1)" in note for note in split.notes)


def test_the_old_model_on_the_new_input_is_what_its_own_run_maps(workspace: Workspace) -> None:
    """Where the first model mapped the second year itself, that map is what lies between."""
    between, new = (read_array(map_path(workspace, run))[0] for run in ("old-again", "new"))
    both = (between != 0) & (new != 0)
    split = split_change(workspace, "old-again", "new")
    model = int(((between != new) & both).sum())
    assert {c.name: c.pixels for c in split.causes} == {
        "land": 0, "input": 0, "model": model, "both": 0,
    }  # fmt: skip


@pytest.fixture
def pair(workspace: Workspace) -> Pair:
    return find_pairs(workspace, "old", "new")[0][0]


def changed(output: Output, **params: Any) -> Output:
    wanted = output.wanted.model_copy(update={"params": {**output.wanted.params, **params}})
    return output.model_copy(update={"wanted": wanted})


def refuse(workspace: Workspace, pair: Pair, match: str, **new: Any) -> None:
    cards = [find_card(lambda: workspace, one.model)[0] for one in (pair.old, pair.new)]
    with pytest.raises(InputError, match=match):
        require_old_model_fits(*cards, replace(pair, new=replace(pair.new, **new)))


def recipe_with(pair: Pair, section: str, **fields: Any) -> Recipe:
    document = pair.new.recipe.to_document()
    document[section] |= fields
    return Recipe.from_document(document)


def test_other_features_are_refused(workspace: Workspace, pair: Pair) -> None:
    other = recipe_with(pair, "features", index_variant="literature")
    refuse(workspace, pair, "indices are of the variant paper", recipe=other)
    layers = dict(pair.new.composites["summer"].stats["layers"])
    del layers["B05"]
    stats = {**pair.new.composites["summer"].stats, "layers": layers}
    lacking = {"summer": pair.new.composites["summer"].model_copy(update={"stats": stats})}
    match = r"run new does not offer \d+ of its \d+ features: summer_B05"
    refuse(workspace, pair, match, composites=lacking)


def test_another_legend_is_refused(workspace: Workspace, pair: Pair) -> None:
    document = pair.new.recipe.to_document()
    document["labels"]["legend"]["classes"][0]["name"] = "woodland"
    renamed = Recipe.from_document(document)
    refuse(workspace, pair, "code 1 is closedForest in the model and woodland", recipe=renamed)
    old, new = (find_card(lambda: workspace, one.model)[0] for one in (pair.old, pair.new))
    names = ("woodland", *new.names[1:])
    with pytest.raises(InputError, match="code 1 is closedForest in it and woodland in model"):
        require_old_model_fits(old, new.model_copy(update={"names": names}), pair)


def test_another_radiometry_is_refused(workspace: Workspace, pair: Pair) -> None:
    above = {"summer": changed(pair.new.composites["summer"], view_angle="nbar")}
    match = r"summer composites with composite.view_angle=none, run new has nbar"
    refuse(workspace, pair, match, composites=above)


def test_another_grid_is_refused(pair: Pair) -> None:
    grid = {**pair.new.output.stats["grid"], "width": SIDE - 6}
    stats = {**pair.new.output.stats, "grid": grid}
    moved = replace(pair.new, output=pair.new.output.model_copy(update={"stats": stats}))
    with pytest.raises(InputError, match=rf"{SIDE}x{SIDE} px .* the second on .* 234x{SIDE}"):
        require_one_grid(replace(pair, new=moved))


def test_other_ways_to_the_input_are_told(pair: Pair) -> None:
    assert differences_of_input([pair]) == []
    summer = pair.new.composites["summer"]
    products = [
        {**product, "date": product["date"].replace("-06-", "-08-"), "baseline": 301}
        for product in summer.stats["products"]
    ]
    summer = summer.model_copy(update={"stats": {**summer.stats, "products": products}})
    recipe = recipe_with(pair, "composite", method="geomedian")
    other = replace(pair, new=replace(pair.new, composites={"summer": summer}, recipe=recipe))
    composite, season, baseline = differences_of_input([other])
    assert composite.startswith("The recipes differ in composite (method: median / geomedian)")
    assert "61 days later in the year" in season
    assert baseline == "Processing baselines differ: 04.00, 05.09 and 03.01."


def test_maps_of_elsewhere_are_refused(workspace: Workspace, tmp_path: Path) -> None:
    strange = tmp_path / "map.tif"
    strange.write_bytes(Path(map_path(workspace, "new")).read_bytes())
    with pytest.raises(InputError, match=r"no output of workspace .* made it"):
        split_change(workspace, "old", str(strange))
    with pytest.raises(InputError, match="Map nobody: no such file"):
        split_change(workspace, "old", "nobody")
    with pytest.raises(UsageError, match="swing of 0-1"):
        Limits(2, 1.5)


def test_overlapping_tiles_count_once(tmp_path: Path) -> None:
    # 6 x 6 px each, four columns in common: two belong to the left tile, two to the right one.
    left = Grid(crs="EPSG:32630", ulx=0, uly=60, pixel=10, width=6, height=6)
    right = left.model_copy(update={"ulx": 20})
    causes = {left: np.full((6, 6), 2, np.uint8), right: np.full((6, 6), 4, np.uint8)}
    causes[left][2, 3] = 0  # the left tile has no class here, the right one has
    sources = []
    for name, grid in (("l", left), ("r", right)):
        paths = {}
        for file, values in (
            ("change.tif", causes[grid]),
            ("first", np.full((6, 6), 1, np.uint8)),
            ("second", np.full((6, 6), 7, np.uint8)),
        ):
            write_raster(tmp_path / f"{name}_{file}", values, grid, RasterStyle("uint8", 0))
            paths[file] = str(tmp_path / f"{name}_{file}")
        sources.append(Source(name, paths, grid))
    target = lattice_union([left, right])
    counts = join_causes(sources, target, tmp_path / "joined.tif", Job())
    joined = read_array(tmp_path / "joined.tif")[0].squeeze()
    expected = np.repeat([[2, 2, 2, 2, 4, 4, 4, 4]], 6, axis=0)
    expected[2, 3] = 4
    # Near the upper and lower edge both tiles are equally deep, and the first one counts.
    expected[[0, -1], 4:6] = 2
    expected[[1, -2], 4] = 2
    np.testing.assert_array_equal(joined, expected)
    assert counts.sum() == 48
    assert (counts[2, 1, 7], counts[4, 1, 7]) == ((expected == 2).sum(), (expected == 4).sum())


def test_the_command_takes_runs_and_writes_why(workspace: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shown = CliRunner().invoke(cli, ["compare", "old", "new", "--split", "--out", str(out)])
    assert shown.exit_code == 0, shown.output
    split = split_change(workspace, "old", "new")
    assert split.sentence in shown.output
    document = json.loads((out / "comparison.json").read_text())
    assert document["split"] == json.loads(split.model_dump_json())
    # Pixels that both maps know are those that are divided.
    assert split.changed_hectares + split.same_hectares == pytest.approx(
        sum(map(sum, document["hectares"]))
    )
    with (out / "change.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sum(float(row["land"]) for row in rows) == pytest.approx(hectares(split)["land"])
    page = (out / "comparison.html").read_text()
    assert split.sentence in page
    for file in out.iterdir():
        if file.name != "comparison.html":
            assert f'href="{file.name}"' in page, file.name
    assert (out / "change.png").read_bytes().startswith(b"\x89PNG")
    refused = CliRunner().invoke(cli, ["compare", "old", "new", "--least-clear", "1"])
    assert refused.exit_code == 2
    assert "go with --split" in refused.output
