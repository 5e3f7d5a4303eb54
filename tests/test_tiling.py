"""Tile ids and points against the published grid, real products and EPSG projections.

Worked numbers are those of docs/methods/tiles.md; oracle files are read where they lie.
"""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import shapely
from mgrs import MGRS
from pyproj import Transformer

from landcover import tiling
from landcover.errors import InputError
from landcover.tiling import (
    footprint,
    mgrs_tile,
    neighbours_of,
    primary_tile,
    tile_grid,
    tiles_containing,
    tiles_containing_many,
    tiles_intersecting,
)
from landcover.tiling.squares import BANDS, tile_list

WORLD = shapely.box(-180, -90, 180, 90)
PLACES = {"Malaga": (-4.4214, 36.7213), "Seville": (-5.99, 37.5), "Tunis": (10.1815, 36.8065)}


@pytest.fixture(scope="module")
def published(spec_dir: Path) -> list[dict[str, str]]:
    """Rows (tile, epsg, ulx, uly, land) of the whole published grid."""
    with gzip.open(spec_dir / "oracles" / "s2_tiles.csv.gz", "rt") as file:
        return list(csv.DictReader(file))


# --- id to grid ---------------------------------------------------------------------------------


def test_every_published_tile_has_its_projection_and_corner(
    published: list[dict[str, str]],
) -> None:
    wrong = []
    for row in published:
        grid = tile_grid(row["tile"])
        if (grid.crs, grid.ulx, grid.uly) != (
            f"EPSG:{row['epsg']}",
            int(row["ulx"]),
            int(row["uly"]),
        ):
            wrong.append(row["tile"])
    assert len(published) == 56_685
    assert wrong == []


def test_the_world_is_exactly_the_published_list(published: list[dict[str, str]]) -> None:
    assert tiles_intersecting(WORLD) == sorted(row["tile"] for row in published)
    land = sorted(row["tile"] for row in published if row["land"] == "1")
    assert tiles_intersecting(WORLD, land_only=True) == land


def test_real_products_lie_on_their_tile(spec_dir: Path) -> None:
    products = json.loads((spec_dir / "oracles" / "mtd" / "expected.json").read_text())
    for name, expected in products.items():
        grid = tile_grid(name.split("_T")[1][:5])
        found = grid.crs, grid.ulx, grid.uly
        assert found == (expected["epsg"], expected["ulx"], expected["uly"]), name


@pytest.mark.parametrize(
    ("tile", "epsg", "ulx", "uly"),
    [
        ("30SUF", 32630, 300000, 4100040),
        ("31TCJ", 32631, 300000, 4900020),
        ("32TQM", 32632, 699960, 4700040),
        ("01LAC", 32701, 99960, 8300020),  # a north-style snap would give 8300040
        ("22HBD", 32722, 199980, 5900020),
        ("01CCV", 32701, 300000, 2000020),
    ],
)
def test_worked_corners(tile: str, epsg: int, ulx: float, uly: float) -> None:
    grid = tile_grid(tile)
    assert (grid.crs, grid.ulx, grid.uly) == (f"EPSG:{epsg}", ulx, uly)


@pytest.mark.parametrize(
    ("resolution", "pixels"), [(10, 10980), (20, 5490), (60, 1830), (120, 915)]
)
def test_resolution_sets_the_number_of_pixels(resolution: int, pixels: int) -> None:
    grid = tile_grid("30SUF", resolution)
    assert (grid.pixel, grid.shape) == (resolution, (pixels, pixels))
    assert grid.bounds == (300000, 3990240, 409800, 4100040)


@pytest.mark.parametrize("resolution", [0, -10, 7, 10.5, "10", None])
def test_resolution_must_divide_the_tile(resolution: object) -> None:
    with pytest.raises(InputError, match=r"Tile 30SUF: resolution must .* divides 109800"):
        tile_grid("30SUF", resolution)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tile", "message"),
    [
        ("30IUF", "Tile 30IUF: latitude band must be one of C.*X, found I"),
        ("61TAB", "Tile 61TAB: zone must be 01 to 60, found 61"),
        ("00TAB", "Tile 00TAB: zone must be 01 to 60, found 00"),
        ("30SAF", "Tile 30SAF: column letter of zone 30 must be one of STUVWXYZ, found A"),
        ("30SUW", "Tile 30SUW: row letter must be one of A.*V, found W"),
        ("37TBH", "Tile 37TBH: the Sentinel-2 grid has no tile of this name; other tiles cover"),
        ("30TTQ", "Tile 30TTQ: the Sentinel-2 grid has no tile"),
        ("30SWK", "Tile 30SWK: .* centre lies in band T, use 30TWK"),  # a name that MGRS gives
        ("30suf", "Tile '30suf': expected two digits and three capital letters"),
        ("T30SUF", "expected two digits"),
        ("1CCV", "expected two digits"),
        ("30SUF\n", "expected two digits"),
        ("", "expected two digits"),
        (None, "expected two digits"),
    ],
)
def test_an_id_that_is_no_tile_is_refused(tile: str, message: str) -> None:
    for refuse in (tile_grid, footprint):
        with pytest.raises(InputError, match=message):
            refuse(tile)


# --- point to tiles -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lon", "lat", "expected"),
    [
        (-4.4214, 36.7213, [("30SUF", 35142.5)]),
        (10.1815, 36.8065, [("32SPF", 5393.1), ("32SNF", 4386.9)]),
        (-5.99, 37.5, [("29SQB", 43673.9), ("30STG", 35702.3)]),
        (-70.66, -33.45, [("19HCD", 7392.0), ("19HCC", 2448.0)]),
        (-3.0, 40.005, [("30TVK", 9760.0), ("30TWK", 20.0)]),
    ],
)
def test_worked_margins(lon: float, lat: float, expected: list[tuple[str, float]]) -> None:
    found = tiles_containing(lon, lat)
    assert [tile for tile, _ in found] == [tile for tile, _ in expected]
    assert [margin for _, margin in found] == pytest.approx([m for _, m in expected], abs=0.05)
    assert primary_tile(lon, lat) == expected[0][0]


def test_oracle_points_have_their_tiles_margins_and_mgrs_squares(spec_dir: Path) -> None:
    cases = json.loads((spec_dir / "oracles" / "points_tiles_a.json").read_text())
    found = tiles_containing_many([c["lon"] for c in cases], [c["lat"] for c in cases])
    renamed = 0
    for case, tiles in zip(cases, found, strict=True):
        assert dict(tiles) == pytest.approx(case["tiles"], abs=0.2), case
        assert tiles == sorted(tiles, key=lambda pair: (-pair[1], pair[0]))
        raw, assigned = case["mgrs100k"], mgrs_tile(case["lon"], case["lat"])
        renamed += assigned != raw
        square = {tile for tile in case["tiles"] if tile[:2] + tile[3:] == raw[:2] + raw[3:]}
        # The tile of the square where there is one, whatever its band; else the primary tile.
        assert {assigned} == (square or {tiles[0][0]}), case
    assert (len(cases), renamed) == (300, 51)


@pytest.mark.parametrize(
    ("lon", "lat", "tile"),
    [
        (-3.0, 40.005, "30TWK"),  # the primary tile is 30TVK, to the west
        (-3.0, 39.995, "30TWK"),  # MGRS says 30SWK
        (5.0, 60.5, "32VKN"),  # Norway: zone 32 reaches west to 3 E
        (8.0, 78.0, "31X"),  # Svalbard: 31X reaches east to 9 E
        (12.0, 78.0, "33X"),
        (10.0, 78.0, "31X"),  # the square of zone 33 has no tile: primary
        (35.0, 78.0, "37X"),
    ],
)
def test_mgrs_assignment(lon: float, lat: float, tile: str) -> None:
    assigned = mgrs_tile(lon, lat)
    assert assigned.startswith(tile)
    assert assigned in dict(tiles_containing(lon, lat))


def test_margins_agree_with_epsg_projections_everywhere() -> None:
    random = np.random.default_rng(7)
    lon, lat = random.uniform(-180, 180, 80), random.uniform(-83.5, 84, 80)
    for x, y, tiles in zip(lon, lat, tiles_containing_many(lon, lat), strict=True):
        for tile, margin in tiles:
            grid = tile_grid(tile)
            at = Transformer.from_crs(4326, grid.crs, always_xy=True).transform(x, y)
            left, bottom, right, top = grid.bounds
            expected = min(at[0] - left, right - at[0], at[1] - bottom, top - at[1])
            assert margin == pytest.approx(expected, abs=1e-3)
            assert margin >= 0


def test_the_grid_has_no_holes() -> None:
    random = np.random.default_rng(11)
    lon, lat = random.uniform(-180, 180, 20_000), random.uniform(-80, 84, 20_000)
    assert min(len(tiles) for tiles in tiles_containing_many(lon, lat)) >= 1  # none raises


def test_many_points_give_what_each_gives_alone() -> None:
    lons, lats = zip(*PLACES.values(), strict=True)
    assert tiles_containing_many(lons, lats) == [tiles_containing(*at) for at in PLACES.values()]
    assert tiles_containing_many([], []) == []


def test_both_sides_of_the_antimeridian_are_one_place() -> None:
    for lat in (-17.0, 0.0, 66.5, 70.0):
        assert tiles_containing(180.0, lat) == tiles_containing(-180.0, lat)
        assert mgrs_tile(180.0, lat) == mgrs_tile(-180.0, lat)
    assert {tile[:2] for tile, _ in tiles_containing(179.4, -17.0)} == {"01", "60"}


@pytest.mark.parametrize(
    ("lon", "lat", "message"),
    [
        (float("nan"), 40.0, "longitude nan, latitude 40 is not a position"),
        (0.0, float("inf"), "latitude inf is not a position"),
        (180.5, 40.0, "longitude 180.5, latitude 40 is not a position"),
        (0.0, -90.5, "latitude -90.5 is not a position"),
        (None, 40.0, "longitude nan"),
        ("east", 40.0, "longitudes must be numbers"),
        (0.0, 90.0, "latitude 90 lies outside the Sentinel-2 tiling grid"),
        (0.0, -90.0, "latitude -90 lies outside the Sentinel-2 tiling grid"),
    ],
)
def test_a_point_outside_is_refused(lon: float, lat: float, message: str) -> None:
    for refuse in (tiles_containing, primary_tile, mgrs_tile):
        with pytest.raises(InputError, match=message):
            refuse(lon, lat)


def test_a_bad_row_is_named() -> None:
    with pytest.raises(InputError, match=r"Row 2 .*longitude 3, latitude nan is not a position"):
        tiles_containing_many([1.0, 2.0, 3.0], [40.0, 41.0, float("nan")])
    with pytest.raises(InputError, match=r"Row 1 .*latitude 89 lies outside"):
        tiles_containing_many([1.0, 2.0], [40.0, 89.0])
    with pytest.raises(InputError, match="found 2 and 1"):
        tiles_containing_many([1.0, 2.0], [40.0])
    with pytest.raises(InputError, match="flat list, found 2 dimensions"):
        tiles_containing_many([[1.0]], [[40.0]])


# --- the door -----------------------------------------------------------------------------------


def test_public_names_exist() -> None:
    assert [name for name in tiling.__all__ if not callable(getattr(tiling, name))] == []


def test_import_loads_no_geometry_library() -> None:
    code = (
        "import sys, landcover.tiling, landcover.tiling.squares as squares;"
        "heavy = {'pyproj', 'shapely', 'rasterio'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy or squares.tile_list.cache_info().currsize else 0)"
    )
    root = Path(tiling.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_wherever_mgrs_names_a_tile_it_is_ours() -> None:
    # The mgrs package (GEOTRANS of the NGA) shares no line with us. 80° S to 84° N, whole Earth.
    names = MGRS()
    rng = np.random.default_rng(0)
    lons = rng.uniform(-180, 180, 5000)
    lats = np.degrees(
        np.arcsin(rng.uniform(np.sin(np.radians(-79.9)), np.sin(np.radians(83.9)), 5000))
    )
    tiles = set(tile_list().ids.ravel())
    n_same = 0
    for lon, lat in zip(lons, lats, strict=True):
        named, ours = names.toMGRS(lat, lon, MGRSPrecision=0), mgrs_tile(lon, lat)
        if named in tiles:
            assert ours == named
            n_same += 1
        elif (ours[:2], ours[3:]) == (named[:2], named[3:]):
            # The square has its point in one latitude band and its centre in the next.
            assert abs(BANDS.index(ours[2]) - BANDS.index(named[2])) == 1
        else:
            assert ours == primary_tile(lon, lat)
    assert n_same > 4500


@pytest.mark.parametrize(
    ("tile", "expected"),
    [
        ("30SUF", "30STE 30STF 30STG 30SUE 30SUG 30SVE 30SVF 30SVG"),
        # South of the equator is another lattice, and the zone ends in the east.
        ("32NRF", "32NQF 32NQG 32NRG"),
    ],
)
def test_neighbours_share_ground_and_lattice(tile: str, expected: str) -> None:
    found = neighbours_of(tile)
    assert sorted(found) == expected.split()
    grid = tile_grid(tile)
    for other in found:
        theirs = tile_grid(other)
        assert theirs.crs == grid.crs
        assert max(abs(theirs.ulx - grid.ulx), abs(theirs.uly - grid.uly)) < 109_800
        assert tile in neighbours_of(other)
