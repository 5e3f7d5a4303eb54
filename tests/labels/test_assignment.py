"""Each point goes to the tile in which it lies deepest, or where the mode says.

Method: docs/methods/labels.md#assignment-to-tiles.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from landcover.labels.assignment import assign_points
from landcover.tiling import tile_grid, tiles_containing

# (lat, lon) → margins in metres, docs/methods/labels.md#assignment-to-tiles.
WORKED = {
    "Málaga": (36.7213, -4.4214, {"30SUF": 35142.5}),
    "Tunis": (36.8065, 10.1815, {"32SPF": 5393.1, "32SNF": 4386.9}),
    "Sevilla": (37.5, -5.99, {"29SQB": 43673.9, "30STG": 35702.3}),
    "Santiago": (-33.45, -70.66, {"19HCD": 7392.0, "19HCC": 2448.0}),
    "Cuenca": (40.005, -3.0, {"30TVK": 9760.0, "30TWK": 20.0}),
}


def table(*rows):
    points = pd.DataFrame(rows, columns=["lat", "lon"])
    return points.assign(point_id=[f"p{n}" for n in range(len(points))])


def grids_of(*tiles):
    return {tile: tile_grid(tile, resolution=10) for tile in tiles}


def owners(found):
    return {tile: list(points["point_id"]) for tile, points in found.items()}


@pytest.mark.parametrize("name", WORKED)
def test_the_worked_points(name):
    lat, lon, margins = WORKED[name]
    grids = grids_of(*sorted(margins))
    deepest = max(margins, key=margins.__getitem__)
    assert owners(assign_points(table((lat, lon)), grids)) == {deepest: ["p0"]}
    assert owners(assign_points(table((lat, lon)), grids, "all")) == {
        tile: ["p0"] for tile in margins
    }


def test_the_pixel_of_a_worked_point():
    # 35,142.5 m is the distance of Málaga from the nearest edge of its tile.
    points = assign_points(table(WORKED["Málaga"][:2]), grids_of("30SUF"))["30SUF"]
    row, column = int(points["row"].iloc[0]), int(points["column"].iloc[0])
    x, y = grids_of("30SUF")["30SUF"].centre_of(row, column)
    west, south, east, north = grids_of("30SUF")["30SUF"].bounds
    assert min(x - west, east - x, y - south, north - y) == pytest.approx(35142.5, abs=10)
    assert points["row"].dtype == points["column"].dtype == np.int64


def test_all_worked_points_together():
    points = table(*(row[:2] for row in WORKED.values()))
    grids = grids_of(*{tile for row in WORKED.values() for tile in row[2]})
    assert owners(assign_points(points, grids)) == {
        "19HCD": ["p3"], "29SQB": ["p2"], "30SUF": ["p0"], "30TVK": ["p4"], "32SPF": ["p1"],
    }  # fmt: skip


def test_only_the_tiles_at_hand_count():
    lat, lon, _ = WORKED["Tunis"]
    assert owners(assign_points(table((lat, lon)), grids_of("32SNF"))) == {"32SNF": ["p0"]}
    assert assign_points(table((lat, lon)), grids_of("30SUF")) == {}
    assert assign_points(table((lat, lon)), {}) == {}


def test_margins_are_those_of_the_raster_that_was_delivered():
    """A delivery that holds only a part of its tile gets only the points it holds."""
    lat, lon, _ = WORKED["Tunis"]
    whole = grids_of("32SPF", "32SNF")
    east_part = whole["32SPF"].model_copy(
        update={"ulx": whole["32SPF"].ulx + 60_000, "width": 4980}
    )
    assert owners(assign_points(table((lat, lon)), {**whole, "32SPF": east_part})) == {
        "32SNF": ["p0"]
    }
    # Cut 2 km beside the point, its margin there is smaller than in the neighbour.
    near = whole["32SPF"].model_copy(update={"height": 300})
    assert "32SPF" not in assign_points(table((lat, lon)), {**whole, "32SPF": near})


def on_grid(grid, x, y):
    """Place a point by its coordinates on a grid."""
    from pyproj import Transformer

    lon, lat = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform(x, y)
    return lat, lon


@pytest.mark.parametrize(
    ("x", "y", "pixel"),
    [
        (5, -5, (0, 0)),
        (0.01, -0.01, (0, 0)),
        (639.9, -599.9, (59, 63)),
        (640.1, -300, None),
        (300, -600.1, None),
        (-0.1, -300, None),
        (300, 0.1, None),
        (10.01, -20.01, (2, 1)),
    ],
)
def test_pixels_of_a_partial_raster(x, y, pixel):
    grid = tile_grid("30SUF", resolution=10).model_copy(update={"width": 64, "height": 60})
    points = table(on_grid(grid, grid.ulx + x, grid.uly + y))
    found = assign_points(points, {"30SUF": grid})
    if pixel is None:
        assert found == {}
    else:
        (point,) = found["30SUF"].itertuples()
        assert (point.row, point.column) == pixel


def test_ties_go_to_the_smaller_id():
    lat, lon, _ = WORKED["Málaga"]
    grid = tile_grid("30SUF", resolution=10)
    for order in (("30SUF", "30SUG"), ("30SUG", "30SUF")):
        same = dict.fromkeys(order, grid)
        assert owners(assign_points(table((lat, lon)), same)) == {"30SUF": ["p0"]}


def test_mgrs_takes_the_tile_of_the_square_and_else_the_primary_one():
    lat, lon, _ = WORKED["Cuenca"]  # in the square 30TWK, 20 m from the edge of its tile
    both = grids_of("30TVK", "30TWK")
    assert owners(assign_points(table((lat, lon)), both)) == {"30TVK": ["p0"]}
    assert owners(assign_points(table((lat, lon)), both, "mgrs")) == {"30TWK": ["p0"]}
    only = grids_of("30TVK")
    assert owners(assign_points(table((lat, lon)), only, "mgrs")) == {"30TVK": ["p0"]}


def test_a_square_whose_raster_does_not_hold_the_point_gives_it_to_the_primary_tile():
    lat, lon, _ = WORKED["Cuenca"]
    both = grids_of("30TVK", "30TWK")
    cut = both["30TWK"].model_copy(update={"ulx": both["30TWK"].ulx + 1_000, "width": 10_880})
    assert owners(assign_points(table((lat, lon)), {**both, "30TWK": cut}, "mgrs")) == {
        "30TVK": ["p0"]
    }


@pytest.mark.parametrize("mode", ["primary", "all", "mgrs"])
def test_nothing_comes_of_no_points_and_of_points_elsewhere(mode):
    grids = grids_of("30SUF")
    assert assign_points(table(), grids, mode) == {}
    assert assign_points(table((0.0, 0.0), (80.0, 175.0), (-45.0, 177.0)), grids, mode) == {}


def test_other_columns_and_the_order_are_kept():
    rows = [WORKED["Málaga"][:2], (0.0, 0.0), (36.73, -4.43), (36.71, -4.40)]
    points = table(*rows).assign(code=[4, 5, 6, 7])
    points.index = pd.Index([10, 10, 3, 1])  # nothing is found by index
    (found,) = assign_points(points, grids_of("30SUF")).values()
    assert list(found["code"]) == [4, 6, 7]
    assert list(found["point_id"]) == ["p0", "p2", "p3"]
    assert "row" not in points


def test_every_point_of_the_world_is_where_the_tiling_says():
    """Transverse Mercator far from its meridian must not bring a point back into a tile."""
    rng = np.random.default_rng(7)
    grids = grids_of("30SUF", "32SPF", "19HCD", "60WWT", "01WCP")
    lats, lons = rng.uniform(-79, 83, 400), rng.uniform(-180, 180, 400)
    near = [(w[0] + a, w[1] + b) for w in WORKED.values() for a in (-0.3, 0.3) for b in (-0.4, 0.4)]
    points = table(*zip(lats, lons, strict=True), *near)
    found = owners(assign_points(points, grids, "all"))
    expected: dict[str, list[str]] = {}
    for point in points.itertuples():
        for tile, _ in tiles_containing(point.lon, point.lat):
            if tile in grids:
                expected.setdefault(tile, []).append(point.point_id)
    assert found == expected


def test_the_points_of_the_oracle(spec_dir):
    import json

    points = json.loads((spec_dir / "oracles/points_tiles_a.json").read_text())[:120]
    tiles = {tile for point in points for tile in point["tiles"]}
    rows = [(point["lat"], point["lon"]) for point in points]
    primary = assign_points(table(*rows), grids_of(*tiles))
    by_point = {p: tile for tile, ids in owners(primary).items() for p in ids}
    for number, point in enumerate(points):
        best = max(point["tiles"].values())
        chosen = point["tiles"][by_point[f"p{number}"]]
        assert chosen >= best - 0.2
