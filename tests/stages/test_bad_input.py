"""What a user may get wrong: one sentence each, nothing lost, the other tiles go on."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from landcover import api
from landcover.errors import InputError, MissingDataError, UsageError
from landcover.ledger import units
from landcover.simulate import SimulatedRegion, simulate

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
QUICK = [
    "seasons=[{name: summer, primary_month: 6, fallback_month: 7}]",
    "model.trees=10", "validation.rows=100", "validation.trees=5",
]  # fmt: skip


@pytest.fixture(scope="session")
def region(tmp_path_factory: pytest.TempPathFactory) -> SimulatedRegion:
    return simulate(
        tmp_path_factory.mktemp("region"), pixels=240, points_per_class=20, seed=3,
        seasons=["summer"],
    )  # fmt: skip


@pytest.fixture
def arguments(region: SimulatedRegion, tmp_path: Path, workspace_folder: Path) -> dict[str, Any]:
    """A run on a copy of the region that a test may damage."""
    products = tmp_path / "products"
    shutil.copytree(region.products, products)
    return {
        "year": region.year,
        "products": str(products),
        "labels": str(region.labels),
        "dem": str(region.dem),
        "overrides": QUICK,
    }


def state(run: str, stage: str, unit: str) -> Any:
    return units.load(api.open_workspace().records, run, stage, unit)  # type: ignore[arg-type]


def one_sentence(text: str) -> bool:
    return "\n" not in text and text.endswith(".") and "Traceback" not in text


def test_no_products(tmp_path: Path, workspace_folder: Path) -> None:
    with pytest.raises(MissingDataError, match=r"no Sentinel-2 L2A product here\. Expected"):
        api.start_run("run", RECIPE, year=2021, products=str(tmp_path))
    with pytest.raises(InputError, match="folder of products does not exist"):
        api.start_run("run", RECIPE, year=2021, products=str(tmp_path / "none"))


def test_a_truncated_jp2_fails_its_tile_and_no_other(arguments: dict[str, Any]) -> None:
    tiles = sorted({p.name.split("_T")[1][:5] for p in Path(arguments["products"]).iterdir()})
    bad, good = tiles
    for path in Path(arguments["products"]).glob(f"*T{bad}*/GRANULE/*/IMG_DATA/*/*_B08_10m.jp2"):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    api.start_run("run", RECIPE, **arguments, until="mosaic")
    report = api.run_inline("run")
    assert state("run", "classify", good).is_finished
    assert state("run", "classify", bad) is None
    failed = [s for s in units.states(api.open_workspace().records, "run") if s.state == "failed"]
    assert {s.unit.tile for s in failed} == {bad}
    assert {s.error_family for s in failed} == {"input"}
    assert all(
        "damaged or truncated" in s.message and one_sentence(s.message[-40:]) for s in failed
    )
    assert report["state"] == "failed", "more than the tolerated share failed"
    assert any("B08" in trouble for trouble in report["troubles"])


def test_repairing_the_input_continues_where_it_stopped(
    arguments: dict[str, Any], region: SimulatedRegion
) -> None:
    path = next(Path(arguments["products"]).glob("*/GRANULE/*/IMG_DATA/*/*_B08_10m.jp2"))
    whole = path.read_bytes()
    for victim in Path(arguments["products"]).glob("*/GRANULE/*/IMG_DATA/*/*_B08_10m.jp2"):
        victim.write_bytes(victim.read_bytes()[:500])
    api.start_run("broken", RECIPE, **arguments, until="mosaic")
    assert api.run_inline("broken")["state"] == "failed"
    shutil.rmtree(arguments["products"])
    shutil.copytree(region.products, arguments["products"])
    assert path.read_bytes() == whole
    api.start_run("mended", RECIPE, **arguments, until="mosaic")
    assert api.run_inline("mended")["state"] == "done"


def test_a_band_that_one_product_lacks(arguments: dict[str, Any]) -> None:
    path = next(Path(arguments["products"]).glob("*/GRANULE/*/IMG_DATA/*/*_B05_20m.jp2"))
    path.unlink()
    api.start_run("run", RECIPE, **arguments, until="classify")
    report = api.run_inline("run")
    assert report["state"] == "done", report["troubles"]
    composites = api.open_workspace().records.find("outputs", {"wanted.stage": "composite"})
    warnings = [w for d in composites for w in d["stats"]["warnings"] if "has no B05" in w]
    assert len(warnings) <= 1  # the product may not have been chosen
    assert all("B05" in d["stats"]["layers"] for d in composites)


def test_a_late_baseline_without_offset_list_is_told(arguments: dict[str, Any]) -> None:
    edited = 0
    for path in Path(arguments["products"]).glob("*N0509*/[Mm]*[2]*.xml"):
        text = path.read_text()
        head, _, tail = text.partition("<BOA_ADD_OFFSET_VALUES_LIST>")
        if tail:
            path.write_text(head + tail.partition("</BOA_ADD_OFFSET_VALUES_LIST>")[2])
            edited += 1
    assert edited
    api.start_run("run", RECIPE, **arguments, until="composite")
    assert api.run_inline("run")["state"] == "done"
    composites = api.open_workspace().records.find("outputs", {"wanted.stage": "composite"})
    used = [p for d in composites for p in d["stats"]["products"] if p["baseline"] == 509]
    assert used
    assert {p["offset_decision"] for p in used} == {"baseline"}
    assert any("no BOA_ADD_OFFSET list" in w for d in composites for w in d["stats"]["warnings"])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "empty"),
        ("latitude,longitude,label\n", "no "),
        ("latitude,longitude,label\n37.0,-4.0,marshmallow\n", "marshmallow"),
        ("latitude,longitude,label\n137.0,-4.0,cropland\n", "swapped"),
        ("breadth,length,label\n37.0,-4.0,cropland\n", "latitude"),
    ],
)
def test_wrong_labels(arguments: dict[str, Any], tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=sentence) as caught:
        api.start_run("run", RECIPE, **{**arguments, "labels": str(path)})
    assert one_sentence(str(caught.value)), str(caught.value)


FAR = "latitude,longitude,label\n50.1,8.0,cropland\n50.2,8.1,builtUp\n"


def test_a_year_without_products(arguments: dict[str, Any]) -> None:
    api.start_run("run", RECIPE, **{**arguments, "year": 2019, "until": "collect"})
    told = api.run_inline("run")["troubles"]
    assert len(told) == 2  # both tiles
    assert all(
        re.search(
            r"no usable product in .*: none was taken from 2019-\d\d-01 to before "
            r"20\d\d-\d\d-01\. Check --year, or add products\.",
            text,
        )
        for text in told
    )
    assert not any("max_cloud_percent" in text for text in told)


def test_labels_outside_every_tile_are_refused(arguments: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(FAR)
    asked = {**arguments, "labels": str(path)}
    with pytest.raises(InputError, match=r"none of the 2 labels lies in .*30SUF, 30SVF") as caught:
        api.start_run("run", RECIPE, **asked)
    assert one_sentence(str(caught.value))
    assert "latitudes 50.1000 to 50.2000" in str(caught.value)
    assert api.open_workspace().records.get("runs", "run") is None
    # One that lies there is enough for samples, and composites need none.
    with path.open("a") as stream:
        stream.write("36.79,-4.9,cropland\n")
    api.start_run("with-one", RECIPE, **{**asked, "until": "sample"})
    path.write_text(FAR)
    api.start_run("composites", RECIPE, **{**asked, "until": "composite"})


def test_labels_of_one_class_are_refused(arguments: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    # The other class lies outside every tile.
    path.write_text(
        "latitude,longitude,label\n36.79,-4.9,cropland\n36.78,-4.9,crops\n50.2,8.1,builtUp\n"
    )
    asked = {**arguments, "labels": str(path)}
    with pytest.raises(InputError, match=r"found 2, all of the class cropland\.") as caught:
        api.start_run("run", RECIPE, **asked)
    assert one_sentence(str(caught.value))
    assert api.open_workspace().records.get("runs", "run") is None
    api.start_run("samples", RECIPE, **{**asked, "until": "sample"})
    with path.open("a") as stream:
        stream.write("36.77,-4.9,water\n")
    api.start_run("with-two", RECIPE, **asked)


def test_labels_beside_the_rasters(arguments: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    # In the tile 30SUF, of which the products cover another corner.
    path.write_text("latitude,longitude,label\n36.1,-5.15,cropland\n36.2,-5.1,builtUp\n")
    api.start_run("run", RECIPE, **{**arguments, "labels": str(path)})
    report = api.run_inline("run")
    assert report["state"] == "failed"
    assert any("No label lies in any tile" in trouble for trouble in report["troubles"])


def test_a_class_with_one_point_trains_and_is_told(
    arguments: dict[str, Any], region: SimulatedRegion, tmp_path: Path
) -> None:
    import json

    document = json.loads(Path(region.labels).read_text())
    seen: set[str] = set()
    kept = []
    for feature in document["features"]:
        label = feature["properties"]["label"]
        if label == "builtUp" and label in seen:
            continue
        seen.add(label)
        kept.append(feature)
    path = tmp_path / "labels.geojson"
    path.write_text(json.dumps({**document, "features": kept}))
    api.start_run("run", RECIPE, **{**arguments, "labels": str(path)})
    assert api.run_inline("run")["state"] == "done"
    made = api.open_workspace().records.find("outputs", {"wanted.stage": "validate"})
    names = [{file["name"] for file in document["files"]} for document in made]
    accuracy = next(d for d, own in zip(made, names, strict=True) if "accuracy.json" in own)
    report = Path(api.open_workspace().objects.href(accuracy["key"], "accuracy.json")).read_text()
    assert "builtUp was not held out" in report

    strict = {**arguments, "labels": str(path), "overrides": [*QUICK, "model.rare_classes=error"]}
    api.start_run("strict", RECIPE, **strict)
    assert api.run_inline("strict")["state"] == "failed"
    assert state("strict", "train", "all").error_family == "input"


def test_a_dem_that_covers_half_the_tile(arguments: dict[str, Any], tmp_path: Path) -> None:
    first = next(Path(arguments["products"]).glob("*/GRANULE/*/IMG_DATA/*/*_B08_10m.jp2"))
    with rasterio.open(first) as raster:
        bounds, crs = raster.bounds, raster.crs
    half = tmp_path / "half.tif"
    left, top = bounds.left - 3000, bounds.top + 3000
    width = int((bounds.left + bounds.right) / 2 - left) // 30
    with rasterio.open(
        half, "w", driver="GTiff", dtype="int16", count=1, width=width, height=300, crs=crs,
        nodata=-9999, transform=rasterio.Affine(30, 0, left, 0, -30, top),
    ) as raster:  # fmt: skip
        raster.write(np.full((1, 300, width), 120, np.int16))
    tile = first.name[1:6]
    api.start_run("run", RECIPE, **{**arguments, "dem": str(half), "tiles": [tile]}, until="mosaic")
    report = api.run_inline("run")
    assert report["state"] == "done", report["troubles"]
    terrain = api.open_workspace().records.find("outputs", {"wanted.stage": "terrain"})[0]
    assert 40 < terrain["stats"]["elevation"]["nodata_percent"] < 60
    mapped = api.open_workspace().records.find("outputs", {"wanted.stage": "classify"})[0]
    assert 40 < mapped["stats"]["nodata_percent"] < 60, "nodata in, nodata out"
    samples = api.open_workspace().records.find("outputs", {"wanted.unit": "samples"})[0]
    assert samples["stats"]["lost_by_feature"]["slope"] > 0


def test_no_dem_cell_skips_the_terrain_and_so_the_tile(
    arguments: dict[str, Any], tmp_path: Path
) -> None:
    folder = tmp_path / "dem"
    folder.mkdir()
    cell = next(Path(arguments["dem"]).glob("*_dem.tif"))
    shutil.copy(cell, folder / "ASTGTMV003_N80E100_dem.tif")
    api.start_run("run", RECIPE, **{**arguments, "dem": str(folder)})
    report = api.run_inline("run")
    assert report["state"] == "failed"
    assert any("no elevation cell of the tile" in trouble for trouble in report["troubles"])


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Any:
    """A file system of two megabytes."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a full disk cannot be made here: mounting a small one needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk(
    arguments: dict[str, Any], tiny_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANDCOVER_OBJECTS", f"file://{tiny_disk}/objects")
    api.start_run("run", RECIPE, **arguments)
    report = api.run_inline("run")
    assert report["state"] == "failed"
    failed = [s for s in units.states(api.open_workspace().records, "run") if s.state == "failed"]
    assert failed
    assert {s.error_family for s in failed} == {"unavailable"}, "a full disk is worth a retry"
    assert all("disk" in s.message for s in failed)
    assert not list((tiny_disk / "objects" / "tmp").iterdir()), "nothing half-made is kept"

    monkeypatch.setenv("LANDCOVER_OBJECTS", f"file://{tiny_disk.parent}/roomy")
    api.start_run("again", RECIPE, **arguments, until="composite")
    assert api.run_inline("again")["state"] == "done"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tiles": ["30IUF"]}, "30IUF"),
        ({"year": 1999}, "year"),
        ({"overrides": ["model.treees=3"]}, "did you mean 'trees'"),
        ({"overrides": ["nonsense"]}, "expected key=value"),
        ({"dem": "/nowhere"}, "elevation"),
        ({"labels": "/nowhere.csv"}, "--labels"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises((UsageError, InputError), match=sentence):
        api.start_run("run", RECIPE, **{**arguments, **changes})
