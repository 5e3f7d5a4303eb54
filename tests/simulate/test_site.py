"""Where tiles and windows lie; the corners are worked numbers."""

from __future__ import annotations

from itertools import combinations

import pytest
from pyproj import Transformer

from landcover.simulate.site import TILE_M, corner_of, crs_of, place_sites


@pytest.mark.parametrize(
    ("tile", "crs", "corner"),
    [
        ("30SUF", "EPSG:32630", (300000, 4100040)),
        ("31TCJ", "EPSG:32631", (300000, 4900020)),
        ("32TQM", "EPSG:32632", (699960, 4700040)),
        ("33TWL", "EPSG:32633", (499980, 5100000)),
        ("33TWM", "EPSG:32633", (499980, 5200020)),
        ("01LAC", "EPSG:32701", (99960, 8300020)),
        ("22HBD", "EPSG:32722", (199980, 5900020)),
        ("01CCV", "EPSG:32701", (300000, 2000020)),
    ],
)
def test_corner_of_a_tile(tile: str, crs: str, corner: tuple[int, int]) -> None:
    assert crs_of(tile) == crs
    assert corner_of(tile) == corner


@pytest.mark.parametrize("pixels", [240, 600, 1098])
@pytest.mark.parametrize(
    "tiles", [["30SUF", "30SVF"], ["33TWL", "33TWM"], ["19HCC", "19HDC", "19HCB", "19HDB"]]
)
def test_windows_lie_in_their_tiles_on_the_60_m_lattice_and_overlap(
    tiles: list[str], pixels: int
) -> None:
    (site,) = place_sites(tiles, pixels)
    for tile, window in site.windows.items():
        left, top = corner_of(tile)
        assert (window.ulx - left) % 60 == 0
        assert (window.uly - top) % 60 == 0
        assert left <= window.ulx
        assert window.uly <= top
        assert window.bounds[2] <= left + TILE_M
        assert window.bounds[1] >= top - TILE_M
        part = site.slices(tile)
        assert site.hull.ulx + 10 * part[1].start == window.ulx
        assert part[1].stop - part[1].start == pixels
    first, second = list(site.windows.values())[:2]
    along = 0 if first.uly == second.uly else 1
    shared = abs(first.bounds[along] - second.bounds[along])
    assert 0.10 <= 1 - shared / (10 * pixels) <= 0.20


def test_the_tile_in_which_a_point_lies_deepest_has_it_in_its_window() -> None:
    (site,) = place_sites(["30SUF", "30SVF"], 240)
    to_metres = Transformer.from_crs("EPSG:4326", site.hull.crs, always_xy=True)
    for lon in (-4.08, site.centre[0] - 1e-4, site.centre[0] + 1e-4, -4.05):
        x, y = to_metres.transform(lon, site.centre[1])
        depth = {t: min(x - corner_of(t)[0], corner_of(t)[0] + TILE_M - x) for t in site.tiles}
        window = site.windows[max(depth, key=lambda tile: depth[tile])]
        assert all(0 <= at < n for at, n in zip(window.pixel_at(x, y), window.shape, strict=True))


def test_a_whole_tile_is_its_own_window() -> None:
    (site,) = place_sites(["30SUF"], 10_980)
    assert (site.hull.ulx, site.hull.uly) == corner_of("30SUF")
    assert site.hull.shape == (10_980, 10_980)


def test_whole_neighbours_overlap_as_tiles_do() -> None:
    (site,) = place_sites(["30SUF", "30SVF", "30SWF"], 10_980)
    west, middle, east = site.windows.values()
    # Corners are rounded down to 60 m: 300000, 399960, 499980.
    assert west.bounds[2] - middle.bounds[0] == 9_840
    assert middle.bounds[2] - east.bounds[0] == 9_780


def test_twelve_tiles_are_blocks_of_neighbours_that_share_no_ground() -> None:
    tiles = [f"30S{column}{row}" for row in "FGH" for column in "UVWX"]
    sites = place_sites(tiles, 240)
    assert sorted(tile for site in sites for tile in site.tiles) == sorted(tiles)
    assert sorted(len(site.tiles) for site in sites) == [2, 2, 4, 4]
    for site in sites:
        assert max(site.hull.shape) < 480
    boxes = [site.hull.bounds for site in sites]
    for one, other in combinations(boxes, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def test_tiles_of_two_zones_are_sites_of_their_own() -> None:
    sites = place_sites(["30SXH", "31SBD", "30SXG", "31SBC"], 240)
    assert [site.hull.crs for site in sites] == ["EPSG:32630", "EPSG:32631"]
