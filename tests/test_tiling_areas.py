"""Areas of interest to tiles, and footprints, against rectangles in EPSG projections."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from pyproj import Transformer
from shapely.geometry import mapping

from landcover.errors import InputError
from landcover.tiling import (
    footprint,
    primary_tile,
    tile_grid,
    tiles_containing,
    tiles_containing_many,
    tiles_intersecting,
)

PLACES = {"Malaga": (-4.4214, 36.7213), "Seville": (-5.99, 37.5), "Tunis": (10.1815, 36.8065)}


def to_degrees(shape: shapely.Polygon, epsg: int) -> shapely.Polygon:
    """Take a UTM geometry to degrees by the EPSG definition, not by ours."""
    to_lonlat = Transformer.from_crs(epsg, 4326, always_xy=True)
    return shapely.transform(shape, lambda xy: np.column_stack(to_lonlat.transform(*xy.T)))


def rectangle(tile: str, inset: float = 0.0) -> shapely.Polygon:
    left, bottom, right, top = tile_grid(tile).bounds
    return shapely.box(left + inset, bottom + inset, right - inset, top - inset)


@pytest.mark.parametrize("tile", ["30SUF", "22HBD", "01LAC", "33XWJ"])
def test_footprint_follows_the_tile_in_degrees(tile: str) -> None:
    drawn = footprint(tile)
    epsg = int(tile_grid(tile).crs[5:])
    meridian = int(tile[:2]) * 6 - 183
    exact = to_degrees(shapely.segmentize(rectangle(tile), 1000), epsg)
    turned = shapely.transform(
        exact,
        lambda at: np.column_stack([(at[:, 0] - meridian + 180) % 360 - 180 + meridian, at[:, 1]]),
    )
    assert len(drawn.exterior.coords) > 80
    assert drawn.exterior.is_ccw
    assert drawn.symmetric_difference(turned).area < 1e-4 * turned.area
    assert tile in tiles_intersecting(drawn)


@pytest.mark.parametrize("edges", [1, 30])
def test_a_shrunk_footprint_needs_its_tile_and_meets_its_neighbours(edges: int) -> None:
    inner = shapely.segmentize(rectangle("30SUF", inset=1000), 107_800 / edges)
    area = to_degrees(inner, 32630)
    # Around 30SUF every candidate is of zone 30: rectangles compare in one plane.
    block = [f"30S{column}{row}" for column in "TUVW" for row in "DEFGH"]
    expected = [tile for tile in block if rectangle(tile).intersection(inner).area > 0]
    assert len(expected) == 9
    assert tiles_intersecting(area) == sorted(expected)
    assert tiles_intersecting(area, minimal=True) == ["30SUF"]
    assert tiles_intersecting(mapping(area)) == sorted(expected)


def test_a_wide_area_keeps_its_interior_tiles() -> None:
    area = shapely.box(-9, 36, 12, 45)
    needed = set(tiles_intersecting(area))
    random = np.random.default_rng(5)
    points = random.uniform(-9, 12, 3000), random.uniform(36, 45, 3000)
    containing = {tile for tiles in tiles_containing_many(*points) for tile, _ in tiles}
    assert containing <= needed
    assert len(needed) > 200
    fewer = set(tiles_intersecting(area, minimal=True))
    assert fewer < needed
    left = area.difference(shapely.union_all([footprint(tile) for tile in fewer]))
    assert left.area < 1e-6 * area.area


@pytest.mark.parametrize("minimal", [False, True])
def test_spellings_of_an_antimeridian_area_agree(minimal: bool) -> None:
    west, east = shapely.box(178, -18.5, 180, -16), shapely.box(-180, -18.5, -179, -16)
    spellings = [
        shapely.MultiPolygon([west, east]),
        shapely.box(178, -18.5, 181, -16),
        shapely.box(-182, -18.5, -179, -16),
        shapely.Polygon([(178, -18.5), (-179, -18.5), (-179, -16), (178, -16)]),
        {"type": "Feature", "geometry": mapping(shapely.GeometryCollection([west, east]))},
    ]
    found = [tiles_intersecting(one, minimal=minimal) for one in spellings]
    assert all(one == found[0] for one in found)
    assert {tile[:2] for tile in found[0]} == {"01", "60"}
    assert len(found[0]) < 30


@pytest.mark.parametrize(
    ("lon", "lat"), [(179.8, -17.0), (-179.873, 37.14), (-179.883, -56.61), (-179.8, 75.69)]
)
def test_a_field_beside_the_antimeridian_meets_tiles_from_across(lon: float, lat: float) -> None:
    expected = sorted(tile for tile, _ in tiles_containing(lon, lat))
    assert {tile[:2] for tile in expected} == {"01", "60"}
    field = shapely.Point(lon, lat).buffer(0.01)
    assert tiles_intersecting(field) == expected
    assert tiles_intersecting(field.exterior) == expected


def test_a_hole_across_the_antimeridian_stays_a_hole() -> None:
    ring = [(174, -24), (-174, -24), (-174, -12), (174, -12)]
    hole = [(-176, -22), (-176, -14), (176, -14), (176, -22)]
    needed = tiles_intersecting(shapely.Polygon(ring, [hole]))
    assert primary_tile(180, -18) not in needed
    assert {primary_tile(175, -18), primary_tile(-175, -18)} <= set(needed)


def test_overlap_is_measured_in_the_tile() -> None:
    field = shapely.box(340_000, 4_040_000, 342_000, 4_045_000)  # 10 km² in the middle of 30SUF
    area = to_degrees(shapely.segmentize(field, 100), 32630)
    assert tiles_intersecting(area, min_overlap_m2=9.999e6) == ["30SUF"]
    assert tiles_intersecting(area, min_overlap_m2=10.001e6) == []
    for bad in (-1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="min_overlap_m2 must be a finite number"):
            tiles_intersecting(area, min_overlap_m2=bad)


def test_points_and_lines_are_areas_of_interest_too() -> None:
    assert tiles_intersecting(shapely.Point(-3.0, 40.005)) == ["30TVK", "30TWK"]
    places = shapely.MultiPoint(list(PLACES.values()))
    everywhere = sorted(tile for at in PLACES.values() for tile, _ in tiles_containing(*at))
    assert tiles_intersecting(places) == everywhere
    assert len(tiles_intersecting(places, minimal=True)) == 3
    line = shapely.LineString([PLACES["Seville"], PLACES["Malaga"]])
    crossed = tiles_intersecting(line)
    for step in np.linspace(0, 1, 9):
        at = line.interpolate(step, normalized=True)
        assert {tile for tile, _ in tiles_containing(at.x, at.y)} <= set(crossed)
    assert len(crossed) < 12


def test_land_only_leaves_open_sea_out() -> None:
    sea, coast = shapely.Point(2.9, 58.0), shapely.Point(*PLACES["Malaga"])
    assert tiles_intersecting(sea) != []
    assert tiles_intersecting(sea, land_only=True) == []
    assert tiles_intersecting(coast, land_only=True) == ["30SUF"]
    assert tiles_intersecting(shapely.Point(0, 89.9)) == []


@pytest.mark.parametrize(
    ("area", "message"),
    [
        (None, "expected a shapely geometry or a GeoJSON mapping"),
        ({"type": "Polygon"}, "KeyError: 'coordinates'"),
        ({"type": "Disc", "coordinates": [1, 2]}, "Unknown geometry type"),
        (shapely.Polygon(), "it is empty"),
        ({"type": "FeatureCollection", "features": []}, "it is empty"),
        (shapely.box(3e5, 4e6, 4e5, 4.1e6), "expected longitude and latitude in degrees"),
        (shapely.Point(float("nan"), 1), "is not a position"),
        (shapely.Polygon([(-120, 80), (0, 80), (120, 80)]), "goes round a pole"),
    ],
)
def test_an_area_that_is_none_is_refused(area: object, message: str) -> None:
    with pytest.raises(InputError, match=f"Area of interest: .*{message}"):
        tiles_intersecting(area)
