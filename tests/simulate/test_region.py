"""The front door: what it writes, what it refuses, and that it writes the same twice."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest
import rasterio
from pyproj import Transformer

from landcover.errors import InputError
from landcover.simulate import SimulatedRegion, simulate
from landcover.simulate.dem_cells import cells_under, name_of
from landcover.simulate.landscape import CLASS_NAMES
from landcover.simulate.site import place_sites


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_everything_is_where_the_region_says(region: SimulatedRegion) -> None:
    assert region.tiles == ("30SUF", "30SVF")
    assert len(list(region.products.glob("*.SAFE"))) == 2 * (3 * 3 + 2)
    assert [path.name for path in region.dem.iterdir()] == ["ASTGTMV003_N36W005_dem.tif"]
    assert all(path.is_file() for path in region.truth.values())
    assert "says nothing about the world" in (region.folder / "SIMULATED.txt").read_text()


def test_same_seed_same_bytes_and_another_seed_another_region(tmp_path: Path) -> None:
    one, same, other = (
        digests(simulate(tmp_path / name, tiles=["31TCJ"], seed=seed).folder)
        for name, seed in (("one", 3), ("same", 3), ("other", 4))
    )
    assert one == same
    changed = {name for name in one if one[name] != other.get(name)}
    assert {Path(name).suffix for name in changed} >= {".jp2", ".tif", ".geojson", ".xml"}


def test_progress_rises_from_nothing_to_all(tmp_path: Path) -> None:
    heard: list[tuple[str, float]] = []
    simulate(tmp_path, tiles=["31TCJ"], progress=lambda what, done: heard.append((what, done)))
    shares = [done for _, done in heard]
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert shares[-1] == 1.0
    assert any("31TCJ 2021-06" in what for what, _ in heard)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"pixels": 234}, "multiple of 6 from 240 to 10980"),
        ({"pixels": 250}, "multiple of 6 from 240 to 10980"),
        ({"year": 1999}, "2016 to 2099"),
        ({"products_per_season": 2}, "3 to 6"),
        ({"points_per_class": 0}, "1 to 10000"),
        ({"seed": -1}, "from 0"),
        ({"pixels": 10_986}, "from 240 to 10980"),
        ({"seasons": ["winter"]}, "spring, summer, autumn, found winter"),
        ({"seasons": []}, "found none"),
        ({"tiles": []}, "at least one"),
        ({"tiles": ["30SUF", "30SUF"]}, "different tiles"),
        ({"tiles": ["30SYH", "31SBD"], "pixels": 10_980}, "two UTM zones overlap"),
        ({"tiles": ["30IUF"]}, "is not a Sentinel-2 tile"),
        ({"tiles": ["30PUF"]}, "no such square in latitude band P"),
    ],
)
def test_bad_arguments_are_refused_in_one_sentence(
    tmp_path: Path, arguments: dict[str, object], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        simulate(tmp_path / "region", **arguments)  # type: ignore[arg-type]


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="not an empty folder"):
        simulate(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_twelve_tiles_have_everything_and_share_the_points(tmp_path: Path) -> None:
    tiles = [f"30S{column}{row}" for row in "FGH" for column in "UVWX"]
    region = simulate(
        tmp_path / "region",
        tiles=tiles,
        points_per_class=30,
        seasons=["summer"],
        only_usable=True,
    )
    names = [path.name for path in region.products.iterdir()]
    assert Counter(name.split("_")[5][1:] for name in names) == dict.fromkeys(tiles, 3)
    assert {name[11:17] for name in names} == {"202106"}
    assert {tile for tile, path in region.truth.items() if path.is_file()} == set(tiles)
    features = json.loads(region.labels.read_text())["features"]
    codes = Counter(feature["properties"]["class"] for feature in features)
    assert codes == dict.fromkeys(CLASS_NAMES, 30)
    assert len(json.loads(region.labels_independent.read_text())["features"]) == 120
    assert len({path.read_bytes() for path in region.truth.values()}) == 12
    cells = {name_of(*cell) for site in place_sites(tiles, 240) for cell in cells_under(site)}
    assert {path.name for path in region.dem.iterdir()} == cells


def test_points_of_two_zones_agree_with_the_truth_of_their_own(tmp_path: Path) -> None:
    region = simulate(
        tmp_path / "region",
        tiles=["30SXH", "31SBD"],
        points_per_class=10,
        seasons=["summer"],
        only_usable=True,
    )
    features = json.loads(region.labels.read_text())["features"]
    held = 0
    for path in region.truth.values():
        with rasterio.open(path) as raster:
            truth = raster.read(1)
            to_metres = Transformer.from_crs("EPSG:4326", raster.crs, always_xy=True)
            for feature in features:
                place = to_metres.transform(*feature["geometry"]["coordinates"])
                row, column = raster.index(*place)
                if 0 <= row < 240 and 0 <= column < 240:
                    held += 1
                    assert truth[row, column] == feature["properties"]["class"]
    assert held == len(features) == 90
    with rasterio.open(region.truth["30SXH"]) as west, rasterio.open(region.truth["31SBD"]) as east:
        assert (west.crs.to_epsg(), east.crs.to_epsg()) == (32630, 32631)
