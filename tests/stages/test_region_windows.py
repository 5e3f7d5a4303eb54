"""A region bounds the work: what is prepared, what is not, and that the pixels are the tile's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from PIL import Image
from pyproj import Transformer

from landcover import api
from landcover.analysis import several_maps
from landcover.errors import InputError
from landcover.ledger import outputs, runs, units
from landcover.nouns.colour import rgb_of
from landcover.nouns.grid import Grid, Window
from landcover.nouns.output import Output
from landcover.nouns.run import Unit
from landcover.parts.mapping import work_windows
from landcover.parts.task import Job, Task
from landcover.parts.training.model_lookup import load_model
from landcover.publish.cartography import ALARM
from landcover.recipe.restoring import Restore
from landcover.simulate import simulate
from landcover.stores.rasters import read_array

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
TILE, SIDE, BLOCK = "30SUF", 300, 60
SETTINGS = [
    "seasons=[{name: summer, primary_month: 6, fallback_month: 7}]",
    "model.trees=5",
    "composite.layers=[B02, B03, B04, B08, B8A, B09]",
    "features.indices=[ndvi]",
    "features.neighbourhood={layers: [B04, B8A], sizes: [3, 5]}",
    "labels.neighbourhood=1",
    "mask.growth_m=120",
]


def begin(
    site: Any, name: str, region: Path | None, more: list[str] | None = None, **given: Any
) -> None:
    api.start_run(
        name, RECIPE, year=site.year, products=str(site.products), dem=str(site.dem),
        tiles=(TILE,), region=region, overrides=[*SETTINGS, *(more or [])],
        **{"labels": str(site.labels), "until": "publish", **given},
    )  # fmt: skip
    report = api.run_inline(name)
    assert report["state"] == "done", report


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("windows") / "site"
    return simulate(folder, tiles=(TILE,), pixels=SIDE, points_per_class=40, seed=3)


@pytest.fixture(scope="module")
def labels(site: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The labels of the left half of the tile: some of them outside the region."""
    document = json.loads(Path(site.labels).read_text())
    west, south, east, north = shapely.total_bounds(
        [shapely.geometry.shape(one["geometry"]) for one in document["features"]]
    )
    document["features"] = [
        one
        for one in document["features"]
        if (c := shapely.geometry.shape(one["geometry"]).centroid).x < west + 0.3 * (east - west)
        and c.y > south + 0.4 * (north - south)
    ]
    path = tmp_path_factory.mktemp("labels") / "labels.geojson"
    path.write_text(json.dumps(document))
    return path


@pytest.fixture(scope="module")
def region(site: Any, labels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A triangle in the lower left; its lower corner lies in blocks without a label."""
    grid = Grid.from_document(grid_of(site))
    corners = np.array([(20, 190), (110, 200), (40, 270)]) * grid.pixel
    move = Transformer.from_crs(grid.crs, "EPSG:3035", always_xy=True).transform
    x, y = move(grid.ulx + corners[:, 0], grid.uly - corners[:, 1])
    path = tmp_path_factory.mktemp("region") / "valley.gpkg"
    shape = shapely.to_wkb(shapely.Polygon(np.column_stack([x, y])))
    pyogrio.raw.write(
        str(path), np.array([shape], object), [np.array(["valley"], object)], ["name"],
        geometry_type="Polygon", crs="EPSG:3035",
    )  # fmt: skip
    return path


def grid_of(site: Any) -> dict[str, Any]:
    file = next(Path(site.products).rglob("*B02_10m.jp2"))
    with rasterio.open(file) as raster:
        t = raster.transform
        return {
            "crs": f"EPSG:{raster.crs.to_epsg()}", "ulx": t.c, "uly": t.f, "pixel": t.a,
            "width": raster.width, "height": raster.height,
        }  # fmt: skip


@pytest.fixture(scope="module")
def workspaces(
    site: Any, labels: Path, region: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Any, Any]]:
    """A workspace with the region only; one with the whole tile first, then with the region."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(work_windows, "ALIGNMENT_PX", BLOCK)
        found = []
        for name in ("part", "whole"):
            patch.setenv("LANDCOVER_WORKSPACE", str(tmp_path_factory.mktemp(name)))
            if name == "whole":
                begin(site, "whole", None, labels=str(labels))
            begin(site, "region", region, labels=str(labels))
            found.append(api.open_workspace())
        yield found[0], found[1]


def outputs_of(workspace: Any, run: str, stage: Any) -> list[Output]:
    states = units.states(workspace.records, run, stage)
    assert all(state.is_finished for state in states)
    return [outputs.load(workspace, i) for state in states for i in state.outputs]


def raster(workspace: Any, output: Output, name: str) -> np.ndarray[Any, Any]:
    return read_array(workspace.objects.href(output.key, name))[0].squeeze()


def windows_in(output: Output) -> list[Window]:
    document = output.wanted.params["windows"]
    one = work_windows.WorkWindows.from_document(dict(document))
    return one.on(Grid.from_document(output.stats["grid"]))


def test_a_part_of_the_tile_is_worked_on(workspaces: Any) -> None:
    part, whole = workspaces
    (mapped,) = outputs_of(part, "region", "classify")
    blocks = {(b["row"], b["column"]) for b in mapped.wanted.params["windows"]["blocks"]}
    # The triangle from (190, 20) over (200, 110) to (270, 40) in blocks of 60 px, 16 px around.
    assert {(2, 0), (2, 1), (3, 0), (3, 1), (3, 2), (4, 0)} <= blocks
    assert (4, 4) not in blocks
    assert len(blocks) < 20
    assert 0 < mapped.stats["windows_percent"] < 80
    for stage in ("mask", "composite", "terrain", "classify"):
        for output in outputs_of(part, "region", stage):
            assert output.stats["windows_percent"] < 80
    for output in outputs_of(whole, "whole", "classify"):
        assert "windows" not in output.wanted.params
        assert "windows_percent" not in output.stats


def test_pixels_equal_those_of_the_whole_tile(workspaces: Any) -> None:
    part, whole = workspaces
    (mapped,), (all_mapped,) = (
        outputs_of(w, run, "classify") for w, run in ((part, "region"), (whole, "whole"))
    )
    inside = np.zeros((SIDE, SIDE), bool)
    for window in windows_in(mapped):
        assert not inside[window.slices].any()
        inside[window.slices] = True
    for name, nodata in (("classification.tif", 0), ("confidence.tif", 255)):
        mine, all_of_it = raster(part, mapped, name), raster(whole, all_mapped, name)
        assert np.array_equal(mine[inside], all_of_it[inside])
        assert (mine[~inside] == nodata).all()
        assert (all_of_it[~inside] != nodata).any()


def test_several_models_map_the_windows_of_the_region(workspaces: Any, tmp_path: Path) -> None:
    part, _ = workspaces
    (mapped,) = outputs_of(part, "region", "classify")
    (path,) = several_maps.map_with_models(part, "region", ["region"], tmp_path, Job())
    for name in ("classification.tif", "confidence.tif"):
        there = Path(part.objects.href(mapped.key, name))
        assert path.with_name(name).read_bytes() == there.read_bytes()
    run, recipe = runs.load(part, "region")
    task = Task(part, run, recipe, Unit(id=TILE, label=TILE, tile=TILE))
    model = load_model(lambda: part, "region")
    narrow = work_windows.WorkWindows(
        alignment=BLOCK, pixel=10, blocks=(work_windows.Block(row=2, column=0),), halo=1
    )
    with pytest.raises(InputError, match="look 2 px around a pixel, but run region has a region"):
        several_maps._require_reach(task, model, narrow)


def test_layers_equal_those_of_the_whole_tile(workspaces: Any) -> None:
    part, whole = workspaces
    for stage, names in (
        ("composite", ("B04.tif", "B8A.tif", "B09.tif", "n_clear_10m.tif")),
        ("terrain", ("elevation.tif", "slope.tif", "aspect.tif")),
    ):
        mine, all_of_it = (
            outputs_of(w, run, stage)[0] for w, run in ((part, "region"), (whole, "whole"))
        )
        for name in names:
            a, b = raster(part, mine, name), raster(whole, all_of_it, name)
            with rasterio.open(part.objects.href(mine.key, name)) as opened:
                pixel = opened.transform.a
            grid = Grid(
                crs="EPSG:32630", ulx=0, uly=0, pixel=pixel, width=a.shape[1], height=a.shape[0]
            )
            one = work_windows.WorkWindows.from_document(dict(mine.wanted.params["windows"]))
            assert one.halo == 2
            inside = np.zeros(a.shape, bool)
            for window in one.on(grid):
                inside[window.slices] = True
            assert np.array_equal(a[inside], b[inside], equal_nan=a.dtype.kind == "f"), name
            assert not np.array_equal(a, b, equal_nan=a.dtype.kind == "f"), name


def test_what_looks_at_the_whole_tile_gets_it(workspaces: Any) -> None:
    part, _ = workspaces
    run, recipe = runs.load(part, "region")
    (mapped,) = outputs_of(part, "region", "classify")
    grid = Grid.from_document(mapped.stats["grid"])
    found = []
    for restore in (None, Restore()):
        other = recipe.model_copy(update={"restore": restore})
        task = Task(part, run, other, Unit(id=TILE, label=TILE, tile=TILE))
        found.append(work_windows.windows_of(task, TILE, grid, alignment=BLOCK))
    assert found[0] is not None
    assert found[0].inner.to_document() == mapped.wanted.params["windows"]
    assert found[1] is None


def test_labels_outside_the_region_train(workspaces: Any) -> None:
    part, whole = workspaces
    mine, all_of_it = (
        outputs_of(w, run, "sample")[0] for w, run in ((part, "region"), (whole, "whole"))
    )
    assert [f.sha256 for f in mine.files] == [f.sha256 for f in all_of_it.files]
    assert mine.id != all_of_it.id


def test_whole_tiles_that_are_there_are_taken(workspaces: Any) -> None:
    _, whole = workspaces
    for stage in ("mask", "composite", "terrain", "sample", "train", "classify", "mosaic"):
        before = [output.id for output in outputs_of(whole, "whole", stage)]
        assert [output.id for output in outputs_of(whole, "region", stage)] == before, stage
        states = units.states(whole.records, "region", stage)
        assert {state.state for state in states} == {"reused"}, stage


def test_the_published_map_is_the_same(workspaces: Any) -> None:
    files = []
    for workspace in workspaces:
        (report,) = outputs_of(workspace, "region", "publish")
        folder = Path(workspace.objects.href(report.key, ""))
        files.append(
            [read_array(path)[0] for path in (*folder.glob("map_*.tif"), *folder.glob("conf*.tif"))]
        )
    for mine, all_of_it in zip(*files, strict=True):
        assert np.array_equal(mine, all_of_it)
        assert np.unique(mine).size > 2


def test_the_page_says_what_its_shares_are_of(workspaces: Any) -> None:
    told = "of the blocks that it touches or that hold a label"
    for workspace, is_told in zip(workspaces, (True, False), strict=True):
        (report,) = outputs_of(workspace, "region", "publish")
        folder = Path(workspace.objects.href(report.key, ""))
        html = (folder / "index.html").read_text()
        assert (told in html) is is_told
        shares = json.loads((folder / "quality.geojson").read_text())["features"][0]["properties"]
        assert ("windows_pct" in shares) is is_told
        # Where nobody looked, the picture does not say that nothing clear was seen.
        with Image.open(folder / "true_colour_32630.png") as picture:
            pixels = np.array(picture.convert("RGB")).reshape(-1, 3)
        alarm = (pixels == rgb_of(ALARM)).all(axis=1).mean()
        assert alarm < 0.01


OPTIONS = {
    "ladder": [
        "composite.ladder={growths_m: [240, 120]}", "composite.method=geomedian",
        "composite.view_angle=nbar",
    ],
    "along time": [
        "composite.statistics={layers: [B04, ndvi], percentiles: [25, 75], min_clear: 2}"
    ],
}  # fmt: skip


@pytest.mark.parametrize("options", list(OPTIONS))
def test_options_of_a_composite_give_the_pixels_of_the_whole_tile(
    options: str, site: Any, region: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work_windows, "ALIGNMENT_PX", BLOCK)
    found = []
    for name, place in (("part", region), ("whole", None)):
        monkeypatch.setenv("LANDCOVER_WORKSPACE", str(tmp_path / name))
        begin(site, name, place, labels=None, until="composite", more=OPTIONS[options])
        workspace = api.open_workspace()
        (output,) = outputs_of(workspace, name, "composite")
        found.append((workspace, output))
    (part, mine), (whole, all_of_it) = found
    windows = work_windows.WorkWindows.from_document(dict(mine.wanted.params["windows"]))
    names = [file.name for file in mine.files]
    assert names == [file.name for file in all_of_it.files]
    assert len(names) > 6
    differing = 0
    for name in names:
        a, grid = read_array(part.objects.href(mine.key, name))
        b, _ = read_array(whole.objects.href(all_of_it.key, name))
        inside = np.zeros(grid.shape, bool)
        for window in windows.on(grid):
            inside[window.slices] = True
        is_float = a.dtype.kind == "f"
        assert np.array_equal(a[:, inside], b[:, inside], equal_nan=is_float), name
        differing += not np.array_equal(a, b, equal_nan=is_float)
    assert differing > len(names) // 2
