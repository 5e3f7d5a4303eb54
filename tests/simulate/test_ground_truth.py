"""Labels, truth and the shape of the land."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
import rasterio
from pyproj import Transformer
from scipy import ndimage

from landcover.simulate import SimulatedRegion
from landcover.simulate.ground_truth import COLOURS
from landcover.simulate.landscape import CLASS_NAMES, draw_landscape
from landcover.simulate.site import place_sites


def points_of(path: object) -> list[tuple[float, float, str, int]]:
    features = json.loads(path.read_text())["features"]  # type: ignore[attr-defined]
    return [
        (*feature["geometry"]["coordinates"], *_named(feature["properties"]))
        for feature in features
    ]


def _named(properties: dict[str, object]) -> tuple[str, int]:
    return str(properties["label"]), int(str(properties["class"]))


def test_truth_names_and_colours_its_classes(region: SimulatedRegion) -> None:
    for tile, path in region.truth.items():
        window = place_sites(region.tiles, 240)[0].windows[tile]
        with rasterio.open(path) as raster:
            assert raster.dtypes == ("uint8",)
            assert raster.nodata == 0
            assert raster.bounds == window.bounds
            tags, colours = raster.tags(), raster.colormap(1)
            assert set(np.unique(raster.read(1))) <= set(CLASS_NAMES)
        assert {code: tags[f"CLASS_{code}"] for code in CLASS_NAMES} == CLASS_NAMES
        assert {code: colours[code][:3] for code in COLOURS} == COLOURS


@pytest.mark.parametrize("which", ["labels", "labels_independent"])
def test_labels_agree_with_the_truth_of_every_window_that_holds_them(
    region: SimulatedRegion, which: str
) -> None:
    points = points_of(getattr(region, which))
    held = Counter[int]()
    for path in region.truth.values():
        with rasterio.open(path) as raster:
            to_metres = Transformer.from_crs("EPSG:4326", raster.crs, always_xy=True)
            truth = raster.read(1)
            for number, (lon, lat, label, code) in enumerate(points):
                row, column = raster.index(*to_metres.transform(lon, lat))
                if 0 <= row < 240 and 0 <= column < 240:
                    held[number] += 1
                    assert truth[row, column] == code
                    assert CLASS_NAMES[code] == label
    assert set(held) == set(range(len(points)))
    assert max(held.values()) == 2


def test_training_points_are_stratified_and_inside_their_patches(region: SimulatedRegion) -> None:
    points = points_of(region.labels)
    assert Counter(code for *_, code in points) == dict.fromkeys(CLASS_NAMES, 60)
    land = draw_landscape(0, place_sites(region.tiles, 240)[0].hull)
    to_metres = Transformer.from_crs("EPSG:4326", land.hull.crs, always_xy=True)
    for lon, lat, _, code in points:
        row, column = land.hull.pixel_at(*to_metres.transform(lon, lat))
        assert (land.classes[row - 1 : row + 2, column - 1 : column + 2] == code).all()


def test_independent_points_are_a_simple_random_sample(region: SimulatedRegion) -> None:
    points = points_of(region.labels_independent)
    assert len(points) == 240
    assert len({(lon, lat) for lon, lat, *_ in points}) == 240
    land = draw_landscape(0, place_sites(region.tiles, 240)[0].hull)
    shares = np.bincount(land.classes.ravel(), minlength=10) / land.classes.size
    counts = Counter(code for *_, code in points)
    for code in CLASS_NAMES:
        spread = np.sqrt(240 * shares[code] * (1 - shares[code]))
        assert abs(counts[code] - 240 * shares[code]) < 4 * spread


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("tiles", [["31TCJ"], ["30SUF", "30SVF"]])
def test_land_is_where_it_would_be(tiles: list[str], seed: int) -> None:
    land = draw_landscape(seed, place_sites(tiles, 240)[0].hull)
    shares = np.bincount(land.classes.ravel(), minlength=10)[1:] / land.classes.size
    assert (shares > 0.02).all()
    assert shares.argmax() + 1 == 7
    height = {code: float(np.median(land.elevation[land.classes == code])) for code in CLASS_NAMES}
    assert height[9] < min(height.values()) + 5
    assert height[1] > height[7]
    assert 60 < np.ptp(land.elevation) < 1_200
    jump = np.abs(np.diff(land.elevation, axis=0)).max()
    assert jump < 20
    patches, count = ndimage.label(land.classes == 7)
    assert (patches > 0).sum() / count > 30
