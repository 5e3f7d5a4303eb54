"""Points of an existing map: counts by hand, borders, distances, seeds, what is too few."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import ndimage

from landcover.errors import InputError, sentence_of
from landcover.labels.classes import Translator
from landcover.labels.eroded import inner_pixels
from landcover.labels.map_points import MapPoints, MapRule, draw_from_map
from landcover.labels.strategies import apply_strategy, fill_up
from landcover.nouns.grid import Grid
from landcover.nouns.legend import MEDITERRANEAN
from landcover.recipe import Sampling
from landcover.stores.rasters import RasterStyle, write_raster

GRID = Grid(crs="EPSG:32630", ulx=600_000, uly=4_100_000, pixel=10, width=120, height=90)
NOBODY = (np.empty(0), np.empty(0))
HALF = np.where(np.arange(120) < 60, 40, 20).astype(np.uint8) * np.ones((90, 1), np.uint8)
GEOD = pyproj.Geod(ellps="WGS84")


def write(path: Path, codes: NDArray[np.uint8], grid: Grid = GRID) -> Path:
    write_raster(path, codes, grid, RasterStyle("uint8", 255, ("c",)))
    return path


def draw(
    path: Path, wanted: dict[int, int], rule: MapRule | None = None, judges=NOBODY
) -> MapPoints:
    translator = Translator.of(MEDITERRANEAN, None, "error")
    return draw_from_map(path, translator, wanted, judges, rule or MapRule(distance_m=0))


def pixels(points: pd.DataFrame, grid: Grid = GRID) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    to = pyproj.Transformer.from_crs("EPSG:4326", grid.crs, always_xy=True)
    x, y = to.transform(points["lon"].to_numpy(), points["lat"].to_numpy())
    rows, columns = (grid.uly - y) / grid.pixel, (x - grid.ulx) / grid.pixel
    return np.floor(rows).astype(np.int64), np.floor(columns).astype(np.int64)


def nearest_m(points: pd.DataFrame, others: pd.DataFrame) -> float:
    found = np.inf
    for lon, lat, own in zip(points["lon"], points["lat"], points.index, strict=True):
        rest = others if others is not points else others.drop(index=own)
        n = len(rest)
        _, _, metres = GEOD.inv([lon] * n, [lat] * n, rest["lon"].tolist(), rest["lat"].tolist())
        found = min(found, np.min(metres))
    return float(found)


def test_classes_are_filled_up_as_by_hand() -> None:
    counts = {1: 50, 2: 20, 3: 5}
    assert fill_up(counts, "max") == {2: 30, 3: 45}
    assert fill_up(counts, "avg") == {3: 20, 2: 5}
    assert fill_up({}, "max") == {}


@settings(max_examples=50, deadline=None)
@given(
    arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 3)),
    st.sampled_from([2, 3]),
)
def test_erosion_is_that_of_scipy(codes: NDArray[np.uint8], element: int) -> None:
    expected = np.zeros(codes.shape, bool)
    for code in (1, 2, 3):
        expected |= ndimage.binary_erosion(codes == code, np.ones((element, element)))
    np.testing.assert_array_equal(inner_pixels(codes, element), expected)  # type: ignore[arg-type]


def test_points_keep_their_class_distance_and_number(tmp_path: Path) -> None:
    path = write(tmp_path / "map.tif", HALF)
    found = draw(path, {7: 20, 3: 10})
    assert found.found == {"shrubland": 10, "cropland": 20}
    assert found.warnings == ()
    points = found.points
    assert (points["times"] == 1).all()
    assert nearest_m(points, points) >= 29.9
    rows, columns = pixels(points)
    crops = (points["label"] == "cropland").to_numpy()
    # The element looks left and up: the first row and the column right of the border are out.
    assert columns[crops].max() <= 59
    assert columns[crops].min() >= 1
    assert columns[~crops].min() >= 61
    assert rows.min() >= 1
    assert points["point_id"].nunique() == points["group"].nunique() == 30


def test_the_seed_decides_and_nothing_else(tmp_path: Path, monkeypatch) -> None:
    path = write(tmp_path / "map.tif", HALF)
    first = draw(path, {7: 20})
    assert draw(path, {7: 20}).points.equals(first.points)
    monkeypatch.setattr("landcover.labels.map_points.STRIP_PIXELS", 120 * 7)
    assert draw(path, {7: 20}).points.equals(first.points)
    other = draw(path, {7: 20}, MapRule(distance_m=0, seed=1))
    assert not other.points["point_id"].isin(first.points["point_id"]).all()


@pytest.mark.parametrize("crs", ["EPSG:32630", "EPSG:4326"])
def test_points_stay_away_from_what_judges(tmp_path: Path, crs: str) -> None:
    grid = GRID
    if crs == "EPSG:4326":
        grid = Grid(crs=crs, ulx=-1.9, uly=50.0, pixel=1e-4, width=120, height=90)
    path = write(tmp_path / "map.tif", np.full((90, 120), 40, np.uint8), grid)
    centre = draw(path, {7: 300}, MapRule(distance_m=0)).points.iloc[[150]]
    judges = centre["lon"].to_numpy(), centre["lat"].to_numpy()
    rule = MapRule(distance_m=250, spacing_m=30)
    points = draw(path, {7: 100}, rule, judges).points
    assert len(points) == 100
    assert nearest_m(points, centre) >= 249
    # Places just beyond the circle are not lost.
    assert nearest_m(draw(path, {7: 10_000}, rule, judges).points, centre) <= 275
    assert nearest_m(points, points) >= 29.8


def test_too_few_places_are_drawn_again_and_told(tmp_path: Path) -> None:
    codes = HALF.copy()
    codes[:] = 40
    codes[10:12, 10:12] = 20
    found = draw(write(tmp_path / "map.tif", codes), {3: 5, 7: 5})
    shrubs = found.points[found.points["label"] == "shrubland"]
    assert len(shrubs) == 1
    assert shrubs["times"].tolist() == [5]
    assert found.warnings == (
        "map.tif: shrubland: 5 points wanted, 1 places found away from borders and from what "
        "judges; they are drawn again.",
    )


def test_unknown_codes_are_told_with_the_key(tmp_path: Path) -> None:
    path = write(tmp_path / "map.tif", np.full((90, 120), 41, np.uint8))
    points = pd.DataFrame({"lon": [-1.9], "lat": [37.0], "code": [7]})
    with pytest.raises(
        InputError, match=r"map\.tif: 1 label '41' \(10800x\) not in the legend"
    ) as caught:
        apply_strategy(
            points, Sampling(strategy="full-map"), path, MEDITERRANEAN, within={}
        )  # fmt: skip
    told = sentence_of(caught.value)
    assert "under sampling.mapping, or set labels.unknown=drop" in told
    assert "column" not in told


def test_enhanced_adds_what_lacks_and_full_map_trains_on_the_map(tmp_path: Path) -> None:
    path = write(tmp_path / "map.tif", HALF)
    to = pyproj.Transformer.from_crs(GRID.crs, "EPSG:4326", always_xy=True)
    lon, lat = to.transform(600_000 + 1200.0 * np.ones(9), 4_100_000 - 5000 - 100.0 * np.arange(9))
    codes = np.array([7, 7, 7, 7, 7, 3, 3, 9, 9])
    labels = pd.DataFrame(
        {"lon": lon, "lat": lat, "code": codes, "label": [MEDITERRANEAN.name_of(c) for c in codes]}
    )
    found = apply_strategy(labels, Sampling(strategy="enhanced"), path, MEDITERRANEAN, within={})
    assert found.added == {"shrubland": 3}  # water is not in the map
    assert found.points["use"].value_counts().to_dict() == {"both": 9, "train": 3}
    full = apply_strategy(
        labels, Sampling(strategy="full-map", samples_per_class=4), path, MEDITERRANEAN, within={}
    )
    assert full.added == {"shrubland": 4, "cropland": 4}
    assert full.points["use"].value_counts().to_dict() == {"test": 9, "train": 8}
    assert full.warnings == ("map.tif: no point of permanentWater, so the model never learns it.",)
