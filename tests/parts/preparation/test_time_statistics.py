"""Indices, metrics and shares along time: worked by hand, beside numpy, and in a map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rasterio
from deliveries import deliver

from landcover import api
from landcover.errors import InputError, UsageError
from landcover.features.plan import has_index, wanted_features
from landcover.ledger import outputs, units
from landcover.nouns.output import Output
from landcover.parts.preparation.composite_rule import require_bands
from landcover.parts.preparation.observations import Source
from landcover.parts.preparation.series_pass import SeriesPass
from landcover.recipe import make_recipe
from landcover.simulate import simulate
from landcover.stores.rasters import read_array
from landcover.views.features import open_features

RECIPE = Path(__file__).parents[3] / "recipes" / "mediterranean-rf.yaml"
METRICS = ["max", "maxday", "amplitude", "rise", "integral"]
RUNS = iter(range(10_000))


def recipe(statistics: dict[str, Any] | None, **features: Any) -> dict[str, Any]:
    return {
        "name": "timeseries",
        "seasons": [{"name": "summer", "primary_month": 6, "fallback_month": 7}],
        "selection": {"max_cloud_percent": 100},
        "mask": {"growth_m": 0},
        "features": {"indices": [], "terrain": [], **features},
        "composite": {"layers": ["B04", "B08", "B11"], "statistics": statistics},
    }


def make(
    products: Path,
    statistics: dict[str, Any] | None,
    memory_gb: float = 1.0,
    threads: int = 1,
    **features: Any,
) -> Output:
    run = f"run{next(RUNS)}"
    document = recipe(statistics, **features)
    api.start_run(run, document, year=2021, products=str(products), until="composite")
    report = api.run_inline(run, memory_gb=memory_gb, threads=threads)
    assert report["state"] == "done", report["troubles"]
    workspace = api.open_workspace()
    state = units.load(workspace.records, run, "composite", "31UDS.2021-summer")
    assert state is not None
    return outputs.load(workspace, state.outputs[-1])


def pixels(output: Output, name: str) -> np.ndarray:
    with rasterio.open(api.open_workspace().objects.href(output.key, f"{name}.tif")) as raster:
        return np.asarray(raster.read(1))


# Worked by hand: 24 x 24 px of 10 m

EVERYTHING = {
    "layers": ["B04", "ndvi", "ndmi"],
    "percentiles": [50],
    "spread": False,
    "metrics": METRICS,
    "shares": [{"layer": "ndvi", "below": 0.55}, {"layer": "B08", "above": 0.3}],
}
EXPECTED = {
    "B04_p50": 0.1,
    "ndvi_p50": 0.5,  # 0.2, 0.5, 0.6
    "ndmi_p50": 0.2,  # -1/7, 1/5, 1/3: B11 has 20 m
    "ndvi_max": 0.6,
    "ndvi_maxday": 20,  # 21 June from the 1st
    "ndvi_amplitude": 0.4,
    "ndvi_rise": 0.02,
    "ndvi_integral": 5.0,  # 10 · 0.15 + 10 · 0.35
    "ndvi_below_0.55": 2 / 3,
    "B08_above_0.3": 1 / 3,  # 0.3 itself is not above
}


@pytest.fixture
def products(tmp_path: Path, workspace_folder: Path) -> Path:
    """Three dates; the left half is cloudy on the last one."""
    for day, nir in ((1, 1500), (11, 3000), (21, 4000)):
        scl = np.full((12, 12), 4)
        if day == 21:
            scl[:, :6] = 9
        layers = {
            "B04": np.full((24, 24), 1000),
            "B08": np.full((24, 24), nir),
            "B11": np.full((12, 12), 2000),
            "SCL": scl,
        }
        deliver(tmp_path / "in", day, layers, {"B04": 10, "B08": 10}, None)
    return tmp_path / "in"


def test_numbers_of_known_pixels(products: Path) -> None:
    made = make(products, EVERYTHING)
    assert list(made.stats["layers"]) == [
        "B04", "B04_p50", "B08", "B11", "ndvi_p50", *(f"ndvi_{m}" for m in METRICS),
        "ndvi_below_0.55", "ndmi_p50", "B08_above_0.3",
    ]  # fmt: skip
    opened = open_features(api.open_workspace(), "31UDS")
    names = [name.removeprefix("summer_") for name in opened.feature.values]
    assert names == ["B04", "B08", "B11", *EXPECTED], "features keep the order of the recipe"
    for name, value in EXPECTED.items():
        found = opened.sel(feature=f"summer_{name}").values
        np.testing.assert_allclose(found[:, 12:], value, rtol=1e-6, err_msg=name)
        assert np.isnan(found[:, :12]).all(), f"two clear dates are too few for {name}"
    assert made.stats["layers"]["ndmi_p50"]["pixel"] == 10
    dataset = api.open_composite("31UDS", "2021-summer")
    np.testing.assert_allclose(dataset["ndvi_max"].values[0, 0, 12], 0.6, rtol=1e-6)


def test_a_band_is_decoded_once_for_all_that_is_made_of_it(
    products: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    next(products.glob("*20210611*/B11.tif")).unlink()  # of B08 this date is none of NDMI
    read: list[str] = []
    plainly = Source.read

    def counting(source: Source, *given: Any, **how: Any) -> None:
        read.append(source.file.href)
        plainly(source, *given, **how)

    monkeypatch.setattr(Source, "read", counting)
    once = make(products, EVERYTHING)
    assert len(read) == len(set(read)) == 8
    names = [*once.stats["layers"], "n_clear_10m", "n_clear_20m"]
    found = {name: pixels(once, name) for name in names}
    read.clear()
    monkeypatch.setenv("LANDCOVER_WORKSPACE", str(tmp_path / "apart"))
    monkeypatch.setattr(SeriesPass, "take_along", lambda *_: [])
    apart = make(products, EVERYTHING)
    assert len(read) == 16
    assert len(set(read)) == 8
    assert apart.stats == once.stats
    for name in names:
        np.testing.assert_array_equal(pixels(apart, name), found[name], err_msg=name)


def test_only_what_is_used_names_a_composite(products: Path) -> None:
    bands = {"layers": ["B04"], "percentiles": [50], "spread": True, "min_clear": 3}
    made = make(products, bands)
    assert made.wanted.params["statistics"] == bands
    assert not {"index_variant", "first_day"} & set(made.wanted.params)
    index = make(products, {**bands, "layers": ["ndvi"]})
    assert index.wanted.params["index_variant"] == "paper"
    literature = make(products, {**bands, "layers": ["ndvi"]}, index_variant="literature")
    assert literature.id != index.id
    metrics = make(products, {**bands, "metrics": ["maxday"]})
    assert metrics.wanted.params["first_day"] == "2021-06-01"


def test_a_product_without_a_band_is_no_date_of_its_indices(products: Path) -> None:
    next(products.glob("*20210621*/B11.tif")).unlink()
    made = make(products, {**EVERYTHING, "min_clear": 2})
    # Of -1/7 and 1/5 the right half keeps; NDVI still has three dates.
    np.testing.assert_allclose(pixels(made, "ndmi_p50"), (0.2 - 1 / 7) / 2, rtol=1e-6)
    np.testing.assert_allclose(pixels(made, "ndvi_p50")[:, 12:], 0.5, rtol=1e-6)


def test_an_index_without_its_bands_is_told_at_once(products: Path) -> None:
    wanted = recipe({"layers": ["mndwi"]})
    with pytest.raises(InputError, match=r"mndwi .paper. is computed from B03 and B11, .* B03"):
        require_bands(make_recipe(wanted))
    api.start_run("run", wanted, year=2021, products=str(products), until="composite")
    assert "composite.layers lacks B03" in str(api.run_inline("run")["troubles"])


@pytest.mark.parametrize(
    ("statistics", "sentence"),
    [
        ({"layers": ["ndwii"]}, "statistics.layers: 'ndwii' is unknown; did you mean 'ndwi'?"),
        (
            {"layers": [], "shares": [{"layer": "ndvi"}]},
            "a share of ndvi needs one of below and above",
        ),
        (
            {"layers": [], "shares": [{"layer": "ndvi", "below": 0, "above": 1}]},
            "needs one of below and above",
        ),
        (
            {"layers": [], "shares": [{"layer": "AOT", "below": 0.1}]},
            "spectral indices, AOT is not",
        ),
        (
            {"layers": [], "shares": [{"layer": "B08", "above": 2500}]},
            "B08 lies within 0 and 1 (reflectance",
        ),
        (
            {"layers": [], "shares": [{"layer": "ndvi", "above": 30}]},
            "ndvi lies within -1.5 and 1.5",
        ),
        (
            {"layers": [], "shares": [{"layer": "ndvi", "above": 0.3}] * 2},
            "ndvi_above_0.3 is asked for twice",
        ),
        ({"layers": []}, "statistics need layers, metrics or shares"),
        ({"layers": [], "metrics": ["peak"]}, "composite.statistics.metrics"),
    ],
)
def test_what_makes_no_sense_is_told(statistics: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        make_recipe(recipe(statistics))
    assert sentence in str(caught.value)


def test_a_shape_of_what_is_no_band_is_told() -> None:
    for bands, sentence in (
        (["B04", "B4"], "features.log_shape.bands: 'B4' is unknown; did you mean 'B04'"),
        (["B04"], "features.log_shape.bands"),
        (["B04", "B04"], "features.log_shape.bands: a name appears twice"),
    ):
        with pytest.raises(UsageError) as caught:
            make_recipe(recipe(None, log_shape={"bands": bands}))
        assert sentence in str(caught.value)


def test_a_feature_of_an_index_depends_on_its_formula() -> None:
    made = make_recipe(
        recipe(
            {
                "layers": ["ndvi", "B04"],
                "percentiles": [5],
                "metrics": ["maxday"],
                "shares": [{"layer": "ndwi", "above": 0.1}, {"layer": "B08", "above": 0.1}],
            },
            indices=["ndvi"],
            terrain=["slope"],
            neighbourhood={"layers": ["ndvi_p05", "B04_p05"]},
            log_shape={"bands": ["B04", "B08"]},
        )
    )
    found = {feature.layer: has_index(feature, made) for feature in wanted_features(made)}
    assert {
        "ndvi": True, "ndvi_p05": True, "ndvi_p05_mean3": True, "ndwi_above_0.1": True,
        "ndvi_maxday": True, "ndvi_std": True, "B08_above_0.1": False, "B04_p05": False,
        "B04_p05_mean3": False, "B04_shape_04-08": False, "slope": False, "B04": False,
    }.items() <= found.items()  # fmt: skip


# Beside numpy, on two grids, whatever the windows and threads


def test_windows_and_threads_change_nothing(tmp_path: Path, workspace_folder: Path) -> None:
    rng = np.random.default_rng(11)
    dates, hidden = [], []
    for day in (2, 7, 9, 16, 30):
        scl = np.where(rng.random((80, 80)) < 0.3, 9, 4)
        layers = {
            "B04": rng.integers(300, 2500, (160, 160)),
            "B08": rng.integers(300, 5000, (160, 160)),
            "B11": rng.integers(300, 4000, (80, 80)),
        }
        deliver(tmp_path / "in", day, {**layers, "SCL": scl}, {"B04": 10, "B08": 10}, None)
        dates.append({name: (v / 10_000).astype(np.float32) for name, v in layers.items()})
        hidden.append((scl == 9).repeat(2, 0).repeat(2, 1))
    wanted = {
        "layers": ["ndvi", "ndmi"],
        "metrics": METRICS,
        "shares": [{"layer": "ndmi", "above": 0.1}],
    }
    whole = make(tmp_path / "in", wanted)
    names = [name for name in whole.stats["layers"] if "_" in name]
    found = {name: pixels(whole, name) for name in names}
    red, nir = (np.stack([d[b] for d in dates]) for b in ("B04", "B08"))
    swir = np.stack([d["B11"].repeat(2, 0).repeat(2, 1) for d in dates])
    for index, other in (("ndvi", red), ("ndmi", swir)):
        values = ((nir - other) / (nir + other)).astype(float)
        values[np.stack(hidden)] = np.nan
        is_enough = np.isfinite(values).sum(axis=0) >= 3
        is_enough[np.arange(160) % 3 > 0] = False  # a third of the rows is enough to look at
        all_values, values = values, values[:, is_enough]
        for percentile in (5, 25, 50, 75, 95):
            mine = found[f"{index}_p{percentile:02}"]
            assert np.isnan(mine[np.isfinite(all_values).sum(axis=0) < 3]).all()
            expected = np.nanpercentile(values, percentile, axis=0)
            np.testing.assert_allclose(mine[is_enough], expected, atol=1e-6)
        np.testing.assert_allclose(
            found[f"{index}_std"][is_enough], np.nanstd(values, axis=0), atol=1e-6
        )
        if index == "ndvi":
            day = np.array([1, 6, 8, 15, 29])[np.nanargmax(values, axis=0)]
            np.testing.assert_array_equal(found["ndvi_maxday"][is_enough], day)
        else:
            share = (values > np.float32(0.1)).sum(axis=0) / np.isfinite(values).sum(axis=0)
            np.testing.assert_allclose(found["ndmi_above_0.1"][is_enough], share, atol=1e-6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(tmp_path / "other"))
        again = make(tmp_path / "in", wanted, 0.0075, 3)
        assert again.id == whole.id
        for name in names:
            np.testing.assert_array_equal(pixels(again, name), found[name], err_msg=name)
        # Enough for the medians; 14 layers of 160 x 160 px are held at once by their writers.
        many = {"layers": ["ndvi"], "percentiles": list(range(10, 23))}
        api.start_run(
            "small", recipe(many), year=2021, products=str(tmp_path / "in"), until="composite"
        )
        (trouble,) = api.run_inline("small", memory_gb=0.0012)["troubles"]
        assert "14 layers along time on the grid of 10 m are written together" in trouble


# Through the stages


@pytest.mark.slow
def test_they_train_and_map(tmp_path: Path, workspace_folder: Path) -> None:
    region = simulate(
        tmp_path / "region", tiles=("30SUF",), pixels=240, points_per_class=12, seed=5
    )
    api.start_run(
        "map", RECIPE, year=region.year, products=str(region.products),
        labels=str(region.labels), dem=str(region.dem), until="classify",
        overrides=[
            "seasons=[{name: summer, primary_month: 6, fallback_month: 7}]",
            "selection.max_cloud_percent=100", "model.trees=10", "features.indices=[ndvi]",
            "composite.statistics={layers: [ndvi, ndwi], percentiles: [10, 90], min_clear: 1, "
            "metrics: [max, maxday, amplitude, rise, integral], "
            "shares: [{layer: ndvi, above: 0.3}, {layer: B08, below: 0.1}]}",
            "features.log_shape={bands: [B08, B03, B04, B11]}",
            "features.neighbourhood={layers: [B04, ndvi_p90], sizes: [3]}",
        ],
    )  # fmt: skip
    report = api.run_inline("map")
    assert report["state"] == "done", report["troubles"]
    workspace = api.open_workspace()

    def output_of(stage: str, number: int = 0) -> dict[str, Any]:
        state = workspace.records.find("units", {"run": "map", "stage": stage})[0]
        return workspace.records.get("outputs", state["outputs"][number])

    table = pd.read_parquet(workspace.objects.href(output_of("sample")["key"]))
    opened = open_features(workspace, "30SUF")
    names = list(opened.feature.values)
    for own in (
        "summer_ndvi_p10", "summer_ndwi_std", "summer_ndvi_maxday", "summer_ndvi_above_0.3",
        "summer_B08_below_0.1", "summer_B11_shape_03-04-08-11", "summer_ndvi_p90_mean3",
    ):  # fmt: skip
        assert own in names
    whole = opened.values
    at = whole[:, table["row"].to_numpy(), table["column"].to_numpy()].T
    np.testing.assert_array_equal(table[names].to_numpy(np.float32), at)
    shapes = [name for name in names if "_shape_" in name]
    assert len(shapes) == 4
    np.testing.assert_allclose(table[shapes].sum(axis=1).dropna(), 0, atol=1e-6)
    (model,) = workspace.records.find("models")
    kinds = {f.name: f.kind for f in api.load_model(model["_id"]).card.features.features}
    assert kinds["summer_ndvi_p10"] == "temporal"
    assert kinds["summer_B11_shape_03-04-08-11"] == "shape"
    key = output_of("classify")["key"]
    classes, _ = read_array(workspace.objects.href(key, "classification.tif"))
    assert len(set(classes[classes > 0].tolist())) > 2
    assert ((classes == 0) == np.isnan(whole).any(axis=0)).all()
