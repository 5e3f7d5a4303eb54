"""The whole chain on real products, without Airflow: small, quick, and looked at from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from landcover import api
from landcover.ledger import outputs, units
from landcover.nouns.accuracy import AccuracyReport
from landcover.nouns.output import Output

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
FLANDERS = (
    "labels.mapping={11: cropland, 12: cropland, 13: herbaceousVegetation, 60: builtUp, 99: null}"
)
ONE_SUMMER = "seasons=[{name: summer, primary_month: 6, fallback_month: 7}]"


def flanders(data: Path, **changes: Any) -> dict[str, Any]:
    return {
        "year": 2018,
        "products": str(data / "safe-mini" / "31UDS_9B424A"),
        "labels": str(data / "worldcereal-flanders" / "00002806639B424A" / "labels_LC_10m.tif"),
        "dem": str(data / "dem" / "COPDEM_31UDS_20m.tif"),
        "overrides": [FLANDERS, "model.trees=20"],
        **changes,
    }


def output_of(run: str, stage: str, unit: str, made: str = "") -> Output:
    workspace = api.open_workspace()
    state = units.load(workspace.records, run, stage, unit)  # type: ignore[arg-type]
    assert state is not None
    assert state.is_finished, state.message
    found = [outputs.load(workspace, output_id) for output_id in state.outputs]
    return next(o for o in reversed(found) if not made or o.wanted.unit == made)


def path_of(output: Output, name: str) -> str:
    return api.open_workspace().objects.href(output.key, name)


def test_flanders_patch_becomes_a_map_with_its_accuracy(
    data_dir: Path, workspace_folder: Path
) -> None:
    api.start_run("first", RECIPE, **flanders(data_dir))
    report = api.run_inline("first")
    assert report["state"] == "done", report["troubles"]
    mapped = output_of("first", "classify", "31UDS")
    with rasterio.open(path_of(mapped, "classification.tif")) as raster:
        assert raster.crs.to_epsg() == 32631
        assert raster.shape == (64, 64)
        assert raster.nodata == 0
        codes = set(np.unique(raster.read(1)))
        assert raster.colormap(1)[7] == (240, 150, 255, 255)
        assert raster.tags(1)["class_7"] == "cropland"
    assert codes <= {0, 4, 7, 8}
    assert {4, 7} <= codes
    accuracy = AccuracyReport.from_json(
        Path(
            path_of(output_of("first", "validate", "all", "accuracy"), "accuracy.json")
        ).read_text()
    )
    # Whole LPIS fields are held out, and one patch has few: the number is low, and says why.
    assert 0.2 < accuracy.overall < 0.99
    assert any("too few for a range" in note for note in accuracy.notes)
    assert not accuracy.simulated

    api.start_run("second", RECIPE, **flanders(data_dir))
    again = api.run_inline("second")
    assert set(again["counts"]) == {"reused"}, "a second run computes nothing"
    assert output_of("second", "classify", "31UDS").id == mapped.id


def test_layers_that_no_product_has_leave_the_features_and_cost_no_row(
    data_dir: Path, workspace_folder: Path
) -> None:
    api.start_run("run", RECIPE, **flanders(data_dir, until="train"))
    assert api.run_inline("run")["state"] == "done"
    samples = output_of("run", "sample", "31UDS")
    missing = set(samples.stats["missing"])
    assert {"spring_AOT", "spring_WVP", "summer_B01", "autumn_B09", "spring_ndre"} <= missing
    table = output_of("run", "train", "all")
    assert table.unit == "model"
    sample_set = outputs.load(api.open_workspace(), table.wanted.inputs["sample_set"][0])
    lost = sample_set.stats["lost_by_feature"]
    assert lost == {}, "the DEM ends where the tile ends, and its edge has a slope all the same"


def test_november_without_products_falls_back_to_october(
    data_dir: Path, workspace_folder: Path
) -> None:
    api.start_run("run", RECIPE, **flanders(data_dir, until="collect"))
    api.run_inline("run")
    selection = output_of("run", "collect", "31UDS.2018-autumn")
    assert selection.stats["status"] == "degraded"
    used = [c for c in selection.wanted.params["candidates"] if c["is_used"]]
    assert [c["date"][:10] for c in used] == ["2018-10-21"]


def test_limburg_offset_is_removed(data_dir: Path, workspace_folder: Path) -> None:
    products = data_dir / "safe-mini" / "32UMA_limburg"
    api.start_run(
        "run", RECIPE, year=2023, products=str(products), until="composite", overrides=[ONE_SUMMER]
    )
    api.run_inline("run")
    composite = output_of("run", "composite", "32UMA.2023-summer")
    source = next(products.glob("*.SAFE/GRANULE/*/IMG_DATA/R10m/*_B04_10m.jp2"))
    with rasterio.open(source) as raster, rasterio.open(path_of(composite, "B04.tif")) as ours:
        numbers, stored = raster.read(1).astype(int), ours.read(1).astype(int)
    valid = numbers > 0
    np.testing.assert_array_equal(stored[valid], numbers[valid] - 1000)
    assert (stored[~valid] == -32768).all()


def test_two_full_extent_tiles_and_their_mosaic(data_dir: Path, workspace_folder: Path) -> None:
    api.start_run(
        "run",
        RECIPE,
        year=2023,
        products=str(data_dir / "s2-l2a-fulltile-120m"),
        overrides=[
            "seasons=[{name: summer, primary_month: 8, fallback_month: 7}]",
            "selection.max_cloud_percent=80",
            "composite.layers=[B02, B03, B04, B08]",
        ],
    )
    report = api.run_inline("run")
    assert report["state"] == "done", report["troubles"]
    for tile in ("33TWL", "33TWM"):
        composite = output_of("run", "composite", f"{tile}.2023-summer")
        # The clear date has a swath wedge of 11-13 %; the others are mostly cloud.
        assert 1 < composite.stats["coverage"]["percent_0"] < 15
        assert {p["offset_decision"] for p in composite.stats["products"]} == {"provider"}
        assert any("915x915" in warning for warning in composite.stats["warnings"])
        _equals_nanmedian(data_dir, composite)
    mosaic = output_of("run", "mosaic", "32633")
    with rasterio.open(path_of(mosaic, "B04.tif")) as raster:
        # 109.8 km each with 9.78 km in common; half a pixel is lost to the lattice.
        assert raster.shape == (1749, 915) or raster.shape == (1748, 915)
        pixels = raster.read(1)
    assert 0.85 < (pixels != -32768).mean() < 0.95


def _equals_nanmedian(data: Path, composite: Output) -> None:
    """Take the median the plain way, from the masks on disk and the products as delivered."""
    stack = []
    for product in composite.stats["products"]:
        folder = next(
            p for p in (data / "s2-l2a-fulltile-120m").iterdir()
            if p.is_dir() and composite.unit[:5] in p.name
            and product["date"].replace("-", "") in p.name
        )  # fmt: skip
        with (
            pytest.warns(rasterio.errors.NotGeoreferencedWarning),
            rasterio.open(folder / "B04.tif") as raster,
        ):
            numbers = raster.read(1).astype(float)
        masks = workspace_mask(product["name"])
        numbers[(numbers == 0) | (masks & (1 | 8 | 16 | 32) > 0)] = np.nan
        stack.append(numbers)
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        expected = np.nanmedian(stack, axis=0)
    with rasterio.open(path_of(composite, "B04.tif")) as raster:
        stored = raster.read(1)
    np.testing.assert_array_equal(stored == -32768, np.isnan(expected))
    valid = ~np.isnan(expected)
    np.testing.assert_array_equal(stored[valid], np.rint(expected[valid]))


def workspace_mask(product: str) -> Any:
    workspace = api.open_workspace()
    found = [
        d for d in workspace.records.find("outputs", {"wanted.stage": "mask"})
        if d["wanted"]["unit"].endswith(product)
    ]  # fmt: skip
    with rasterio.open(workspace.objects.href(found[0]["key"], "120m.tif")) as raster:
        return raster.read(1)


def test_a_prepared_map_opens_lazily(data_dir: Path, workspace_folder: Path) -> None:
    api.start_run("run", RECIPE, **flanders(data_dir, until="classify"))
    api.run_inline("run")
    composite = api.open_composite("31UDS", "2018-summer")
    assert composite["B04"].dims == ("time", "y", "x")
    assert composite["B04"].shape == (1, 64, 64)
    assert composite["B11"].shape == (1, 64, 64)
    assert 0 < float(composite["B08"].mean()) < 0.6
    opened = api.open_map(output_of("run", "classify", "31UDS").id[:10])
    assert opened["classification"].dtype == np.uint8
