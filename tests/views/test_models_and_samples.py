"""From labels to a map in Python: sample, fit, predict, save, and the same map by a run."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray

from landcover import api
from landcover.errors import InputError
from landcover.learn.models import Model
from landcover.nouns.legend import MEDITERRANEAN
from landcover.simulate import simulate
from landcover.views.conventions import grid_of

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
ONE_SEASON = "seasons=[{name: summer, primary_month: 6, fallback_month: 7}]"
FEW = {"n_trees": 12}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("models")
    region = simulate(folder / "region", tiles=("30SUF",), pixels=240, points_per_class=12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(folder / "workspace"))
        start(region, "first", labels=str(region.labels))
        yield region


def start(region: Any, run: str, **arguments: Any) -> None:
    api.start_run(
        run, RECIPE, year=region.year, products=str(region.products), dem=str(region.dem),
        until="classify", overrides=[ONE_SEASON, "model.trees=12"], **arguments,
    )  # fmt: skip
    assert api.run_inline(run)["state"] == "done"


@pytest.fixture
def features(region: Any) -> xarray.DataArray:
    return api.open_features("30SUF")


@pytest.fixture(scope="module")
def table(region: Any) -> pd.DataFrame:
    return api.sample_at(api.read_labels(region.labels), api.open_features("30SUF")).dropna()


# Predict.


def test_a_prediction_is_the_map_of_the_run(features: xarray.DataArray) -> None:
    model = api.load_model("first")
    expected = api.open_map("first")
    found = model.predict(features)
    assert found["classification"].chunks, "computed too early"
    for layer in ("classification", "confidence"):
        np.testing.assert_array_equal(found[layer], expected[layer])
        assert found[layer].dtype == np.uint8
        assert {k: str(v) for k, v in found[layer].attrs.items()} == {
            k: str(v) for k, v in expected[layer].attrs.items()
        }
        assert grid_of(found[layer]) == grid_of(expected[layer])
    assert found["classification"].landcover.classes == expected["classification"].landcover.classes


@pytest.mark.parametrize("size", [17, 100, 240])
def test_pieces_and_forms_of_features_do_not_matter(features: xarray.DataArray, size: int) -> None:
    model = api.load_model("first")
    part = features[:, :120, :90].load()
    whole = model.predict(part)
    assert not whole["classification"].chunks
    shares = model.predict_proba(part)
    dataset = part.to_dataset("feature").drop_vars("spatial_ref").assign(other=part[0])
    turned = part[::-1].transpose("y", "x", "feature")
    for given in (part.chunk({"y": size, "x": size}), part.chunk({"feature": 3}), dataset, turned):
        with ThreadPoolExecutor(3) as pool, dask.config.set(pool=pool):
            found, proba = model.predict(given), model.predict_proba(given)
            for layer in whole:
                np.testing.assert_array_equal(found[layer], whole[layer])
            np.testing.assert_array_equal(proba, shares)


def test_probabilities_are_those_of_the_rows(features: xarray.DataArray) -> None:
    model = api.load_model("first")
    part = features[:, 40:80, 40:70].load()
    part[3, 2, 5] = np.nan
    found = model.predict_proba(part)
    assert found.dims == ("class", "y", "x")
    assert list(found["class_name"].values) == list(model.card.names)
    np.testing.assert_allclose(found.sum("class").values[3:], 1, rtol=1e-6)
    assert np.isnan(found[:, 2, 5]).all()
    rows = part.stack(pixel=("y", "x")).transpose("pixel", "feature")
    plain = model.predict_proba(rows.values)
    np.testing.assert_allclose(
        found.stack(pixel=("y", "x")).values.T, plain.astype(np.float32), rtol=0, atol=0
    )
    codes, confidence = model.predict(rows.values)
    best = np.where(np.isnan(plain[:, 0]), 0, model.classes[plain.argmax(axis=1)])
    np.testing.assert_array_equal(codes, best)
    np.testing.assert_array_equal(confidence, np.where(codes == 0, np.nan, plain.max(axis=1)))
    taken = model.predict(part)
    assert int(taken["classification"][2, 5]) == 0
    assert int(taken["confidence"][2, 5]) == 255


def test_missing_features_are_told(features: xarray.DataArray) -> None:
    model = api.load_model("first")
    with pytest.raises(InputError, match=r"slope, aspect, dem and \d+ more of the model's 2"):
        model.predict(features[-1:])
    with pytest.raises(InputError, match="Features: slope of the model's 2"):
        model.predict(features[1:].to_dataset("feature"))
    with pytest.raises(InputError, match="in the coordinate 'feature'"):
        model.predict(features.drop_vars("feature"))


# Samples.


def test_samples_are_the_pixels_under_points(
    region: Any, table: pd.DataFrame, features: xarray.DataArray
) -> None:
    labels = api.read_labels(region.labels).points
    assert list(table["label"]) == list(labels["label"][table["place"]])
    grid = grid_of(features)
    whole = features.values
    for _, row in table.iloc[::13].iterrows():
        line, column = grid.pixel_at(row["x"], row["y"])
        assert (row["x"], row["y"]) == grid.centre_of(line, column)
        np.testing.assert_array_equal(
            row[list(features.feature.values)].astype(np.float32), whole[:, line, column]
        )


def test_places_of_every_form(features: xarray.DataArray, table: pd.DataFrame) -> None:
    few = table.iloc[:5]
    pairs = list(zip(few["lon"], few["lat"], strict=True))
    points = [shapely.Point(pair) for pair in pairs]
    collection = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": {"who": n}, "geometry": point.__geo_interface__}
            for n, point in enumerate(points)
        ],
    }
    names = list(features.feature.values)
    for places in (pairs, points, collection, few[["lon", "lat"]], np.array(pairs)):
        found = api.sample_at(places, features)
        np.testing.assert_array_equal(found[names], few[names])
        assert list(found["place"]) == [0, 1, 2, 3, 4]
    assert list(api.sample_at(collection, features)["who"]) == [0, 1, 2, 3, 4]
    assert len(api.sample_at(points[0], features)) == 1


def test_places_outside_have_no_row(features: xarray.DataArray, table: pd.DataFrame) -> None:
    inside = (table["lon"].iloc[0], table["lat"].iloc[0])
    found = api.sample_at([(0.0, 0.0), inside, (-4.9, 30.0)], features)
    assert list(found["place"]) == [1]
    nothing = api.sample_at([(0.0, 0.0)], features)
    assert len(nothing) == 0
    assert set(features.feature.values) <= set(nothing)


def test_polygons_give_every_pixel_within(features: xarray.DataArray) -> None:
    grid = grid_of(features)
    left, top = grid.ulx + 200, grid.uly - 300
    square = shapely.box(left + 1, top - 49, left + 39, top - 1)  # 4 x 5 pixels
    hole = square.difference(shapely.box(left + 11, top - 29, left + 29, top - 11))
    beyond = shapely.box(grid.ulx - 500, grid.uly - 18, grid.ulx + 28, grid.uly + 500)
    found = api.sample_at([square, hole, beyond], features, crs=grid.crs)
    counts = found["place"].value_counts()
    assert counts.to_dict() == {0: 20, 1: 16, 2: 6}
    rows, columns = zip(*map(grid.pixel_at, found["x"], found["y"]), strict=True)
    np.testing.assert_array_equal(
        found["summer_B04"], features.sel(feature="summer_B04").values[list(rows), list(columns)]
    )
    small = shapely.box(left + 1, top - 4, left + 4, top - 1)  # between centres
    assert api.sample_at([small], features, crs=grid.crs).empty


def test_other_sources(region: Any, table: pd.DataFrame) -> None:
    few = table.iloc[:4]
    codes = api.sample_at(few[["lon", "lat"]], api.open_map("first"))
    assert codes["classification"].dtype == np.uint8
    composite = api.open_composite("30SUF", str(region.year))
    one = api.sample_at(few[["lon", "lat"]], composite)
    np.testing.assert_array_equal(one["B04"], few["summer_B04"])
    later = composite.assign_coords(time=composite.time + np.timedelta64(90, "D"), period=(
        "time", ["2021-autumn"]))  # fmt: skip
    year = xarray.concat([composite, later], "time")
    both = api.sample_at(few[["lon", "lat"]], year)
    np.testing.assert_array_equal(both[f"{region.year}-summer_B04"], few["summer_B04"])
    np.testing.assert_array_equal(both["2021-autumn_B04"], few["summer_B04"])
    halves = [composite.isel(x=slice(0, 100)), composite.isel(x=slice(80, 240))]
    split = api.sample_at(few[["lon", "lat"]], halves)
    pd.testing.assert_frame_equal(split, one)


@pytest.mark.parametrize(
    ("places", "sentence"),
    [
        (pd.DataFrame({"x": [1]}), "expected a table with lon and lat, found x"),
        ("points.csv", "GeoJSON, found str"),
        (shapely.LineString([(0, 0), (1, 1)]), "expected points or polygons, found a LineString"),
    ],
)
def test_no_places(features: xarray.DataArray, places: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        api.sample_at(places, features)


# Fit and save.


def test_classes_by_name(table: pd.DataFrame) -> None:
    model = api.fit_classifier(table, table["label"], table["group"], parameters=FEW)
    assert isinstance(model, Model)
    codes, _ = model.predict(table)
    assert dict(model.names) == dict(zip(MEDITERRANEAN.codes, MEDITERRANEAN.names, strict=True))
    assert (codes == table["code"]).mean() > 0.95
    by_code = api.fit_classifier(table, table["code"], legend=MEDITERRANEAN, parameters=FEW)
    np.testing.assert_array_equal(by_code.predict(table)[0], codes)
    assert by_code.names == model.names


def test_names_of_no_legend_are_numbered() -> None:
    ndvi = pd.DataFrame({"ndvi": [0.1, 0.2, 0.8, 0.9]})
    model = api.fit_classifier(ndvi, ["vineyard", "vineyard", "almond", "almond"], parameters=FEW)
    assert model.names == {1: "almond", 2: "vineyard"}
    assert list(model.predict(ndvi)[0]) == [2, 2, 1, 1]
    assert len(set(model.colours.values())) == 2
    with pytest.raises(InputError, match="almond, vineyard not in the legend, whose classes are c"):
        api.fit_classifier(ndvi, ["vineyard", "vineyard", "almond", "almond"], legend=MEDITERRANEAN)


def test_what_is_fitted_here_maps_there(
    region: Any, table: pd.DataFrame, features: xarray.DataArray, tmp_path: Path
) -> None:
    model = api.fit_classifier(table, table["label"], table["group"], parameters=FEW, seed=4)
    folder = model.save(tmp_path / "mine")
    start(region, "saved", model=str(folder))
    here = model.predict(features)
    there = api.open_map("saved")
    np.testing.assert_array_equal(here["classification"], there["classification"])
    np.testing.assert_array_equal(here["confidence"], there["confidence"])
    read = api.load_model(folder)
    assert read.card.n_train_rows == len(table)
    assert read.card.n_train_groups == table["group"].nunique()
    assert read.card.seed == 4
    assert read.card.parameters["n_trees"] == 12
    again = read.save(tmp_path / "again")
    for name in ("card.json", "arrays.npz"):
        assert (again / name).read_bytes() == (folder / name).read_bytes()
    same = api.fit_classifier(table, table["label"], table["group"], parameters=FEW, seed=4)
    assert (same.save(tmp_path / "same") / "card.json").read_text() == (
        folder / "card.json"
    ).read_text()
    with pytest.raises(InputError, match="mine: holds something already; give a new folder"):
        model.save(folder)


def test_a_model_of_a_plain_table_is_told_its_features(
    table: pd.DataFrame, features: xarray.DataArray, tmp_path: Path
) -> None:
    names = ["slope", "summer_ndvi", "summer_B04"]
    plain = pd.DataFrame(table[names].to_numpy(), columns=names)
    model = api.fit_classifier(plain, table["label"].to_numpy(), parameters=FEW)
    with pytest.raises(InputError, match="nothing tells which layers slope, summer_ndvi, summer_B"):
        model.save(tmp_path / "unknown")
    assert not (tmp_path / "unknown").exists()
    folder = model.save(tmp_path / "known", features=features)
    card = api.load_model(folder).card
    assert card.features.names == tuple(names)
    assert {one.name: one.layer for one in card.features.features}["summer_ndvi"] == "ndvi"
    with pytest.raises(InputError, match=r"no feature_set; api\.open_features has"):
        model.save(tmp_path / "no", features=features.drop_attrs())


def test_a_saved_model_names_its_layers_by_the_table(table: pd.DataFrame) -> None:
    few = api.fit_classifier(table[["summer_B04", "summer_B08"]], table["code"], parameters=FEW)
    assert few.features is not None
    assert few.features.names == ("summer_B04", "summer_B08")
