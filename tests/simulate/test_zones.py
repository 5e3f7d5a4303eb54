"""Windows across the border of two zones: one ground under both, and what cannot be laid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pyproj import Transformer

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.simulate import SimulatedRegion, simulate
from landcover.simulate.site import TILE_M, corner_of
from landcover.simulate.zones import ground_of, place_across
from landcover.stores.rasters import read_array


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> SimulatedRegion:
    return simulate(
        tmp_path_factory.mktemp("zones") / "region", tiles=["31SBD", "30SYJ"], pixels=240,
        seasons=["summer"], only_usable=True, points_per_class=10, across_zones=True, seed=4,
    )  # fmt: skip


def places_of(one: Grid, other: Grid) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows and columns of another grid in which the pixels of one lie, and which are on it."""
    rows, columns = np.mgrid[0 : one.height, 0 : one.width] + 0.5
    x, y = one.ulx + columns * one.pixel, one.uly - rows * one.pixel
    x, y = Transformer.from_crs(one.crs, other.crs, always_xy=True).transform(x, y)
    row = np.floor((other.uly - y) / other.pixel).astype(int)
    column = np.floor((x - other.ulx) / other.pixel).astype(int)
    inside = (row >= 0) & (column >= 0) & (row < other.height) & (column < other.width)
    return row[inside], column[inside], inside


@pytest.mark.parametrize(
    "tiles", [["30SYJ", "31SBD"], ["31SBD", "31SBC", "30SYJ", "30SYH"], ["35KRB", "36KSG"]]
)
@pytest.mark.parametrize("pixels", [240, 480])
def test_windows_meet_at_the_border(tiles: list[str], pixels: int) -> None:
    west, east = place_across(tiles, pixels)
    assert {*west.tiles, *east.tiles} == set(tiles)
    for site in (west, east):
        for tile, window in site.windows.items():
            left, top = corner_of(tile)
            assert left <= window.ulx <= left + TILE_M - 10 * pixels
            assert top - TILE_M + 10 * pixels <= window.uly <= top
            assert (window.ulx - left) % 60 == (top - window.uly) % 60 == 0
    for one, other in ((west, east), (east, west)):
        share = sum(places_of(w, other.hull)[2].sum() for w in one.windows.values())
        share /= len(one.tiles) * pixels**2
        assert 0.2 < share < 0.4
    ground = ground_of([west, east]).hull
    for site in (west, east):
        assert places_of(site.hull, ground)[2].all()
    assert (ground.ulx - west.hull.ulx) % 60 == (ground.uly - west.hull.uly) % 60 == 0
    assert (ground.width % 6, ground.height % 6) == (0, 0)


def test_one_truth_lies_under_both(region: SimulatedRegion) -> None:
    (one,), first = read_array(region.truth["30SYJ"])
    (other,), second = read_array(region.truth["31SBD"])
    rows, columns, inside = places_of(first, second)
    assert 0.2 < inside.mean() < 0.4
    # Nearest neighbour: what differs lies along the borders of patches.
    assert (one[inside] == other[rows, columns]).mean() > 0.97
    assert len(np.unique(other)) == 9


def test_both_zones_see_one_ground(region: SimulatedRegion) -> None:
    middle, grids = {}, {}
    for tile in region.tiles:
        dates = []
        for path in sorted(region.products.rglob(f"T{tile}_*_B08_10m.jp2")):
            (stored,), grids[tile] = read_array(path)
            number = np.where(stored == 0, np.nan, stored)
            dates.append(number - np.nanmedian(number))  # baselines differ by an offset
        middle[tile] = np.nanmedian(dates, axis=0)
    rows, columns, inside = places_of(grids["30SYJ"], grids["31SBD"])
    one, other = middle["30SYJ"][inside], middle["31SBD"][rows, columns]
    clear = np.isfinite(one) & np.isfinite(other)
    assert np.corrcoef(one[clear], other[clear])[0, 1] > 0.8
    assert not np.array_equal(one[clear], other[clear])  # each zone has its own noise


@pytest.mark.parametrize(
    ("tiles", "pixels", "sentence"),
    [
        (["30SYJ", "30SYH"], 240, "expected tiles of two neighbouring UTM zones"),
        (["30SYJ", "33SUC"], 240, "expected tiles of two neighbouring UTM zones"),
        (["30SXJ", "30SYJ", "31SBD"], 240, "expected one tile on each side of the border"),
        (["30SVF", "31SBA"], 240, "take the tiles that reach across it"),
        (["30SYJ", "31SBD"], 2_400, "make a ground of more than 2100 pixels"),
        (["30SYJ", "30SYJ"], 240, "expected different tiles"),
    ],
)
def test_what_cannot_be_laid_is_told(
    tmp_path: Path, tiles: list[str], pixels: int, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        simulate(tmp_path / "region", tiles=tiles, pixels=pixels, across_zones=True)
    assert not (tmp_path / "region").exists()
