"""Points in polygons: poles, grids, groups; worked numbers and real polygons."""

from __future__ import annotations

import json

import numpy as np
import pyproj
import pytest
import shapely

from landcover.errors import InputError
from landcover.labels.polygons import (
    PolygonRule,
    points_in_polygon,
    pole_of,
    polygons_to_points,
    utm_zone,
)
from landcover.labels.reading import read_labels
from landcover.nouns.legend import MEDITERRANEAN

METRES = pyproj.Geod(ellps="WGS84")


def read(path, **options):
    return read_labels(path, legend=MEDITERRANEAN, **options)


def read_text(folder, name, text, **options):
    """Write a file and read it."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read(path, **options)


def collection(*features, **members):
    """Write a FeatureCollection of (geometry, properties)."""
    entries = []
    for geometry, properties in features:
        if isinstance(geometry, shapely.Geometry):
            geometry = json.loads(shapely.to_geojson(geometry))
        entries.append({"type": "Feature", "properties": properties, "geometry": geometry})
    return json.dumps({"type": "FeatureCollection", "features": entries, **members})


def square(lon, lat, side_m, **options):
    """Draw a square by its middle, in its UTM zone, and give it in degrees."""
    there = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:32630", always_xy=True)
    x, y = there.transform(lon, lat)
    half = side_m / 2
    return shapely.transform(
        shapely.box(x - half, y - half, x + half, y + half),
        lambda xy: np.column_stack(there.transform(xy[:, 0], xy[:, 1], direction="INVERSE")),
        **options,
    )


L_SHAPE = shapely.Polygon([(0, 0), (100, 0), (100, 20), (20, 20), (20, 100), (0, 100)])
WITH_HOLE = shapely.box(0, 0, 60, 40) - shapely.box(10, 10, 30, 30)


def test_pole_of_an_l_shape():
    # polylabel with tolerance 0.1 (docs/methods/labels.md#points-from-polygons); exact: 20·(2-√2) =
    # 11.7157.
    assert pole_of(L_SHAPE, 0.1) == pytest.approx((11.71875, 11.71875, 11.71146), abs=1e-5)
    assert pole_of(L_SHAPE, 1e-4) == pytest.approx((11.7157, 11.7157, 11.7157), abs=1e-3)


def test_pole_keeps_off_a_hole():
    x, y, radius = pole_of(WITH_HOLE)
    assert x == pytest.approx(45, abs=0.1)
    assert 15 <= y <= 25
    assert radius == pytest.approx(15, abs=0.1)


@pytest.mark.parametrize("width", [1e-3, 1e-6])
def test_pole_of_a_sliver_lies_in_it(width):
    sliver = shapely.Polygon([(0, 0), (1000, 700), (1000, 700 + width)])
    x, y, _ = pole_of(sliver)
    assert sliver.distance(shapely.Point(x, y)) < 1e-9


@pytest.mark.parametrize(
    ("lon", "lat", "zone"),
    [(-4.4, 36.7, "EPSG:32630"), (10.2, 36.8, "EPSG:32632"), (-70.7, -33.4, "EPSG:32719"),
     (180, 10, "EPSG:32660"), (-180, 10, "EPSG:32601")],
)  # fmt: skip
def test_utm_zone(lon, lat, zone):
    assert utm_zone(shapely.Point(lon, lat)) == zone


@pytest.mark.parametrize(
    ("side_m", "step_m", "n_points"),
    [(25, 30, 1), (31, 30, 1), (330, 30, 100), (330, 100, 9)],
)
def test_grid_stays_15_m_inside(side_m, step_m, n_points):
    field = square(-4.4, 36.7, side_m)
    drawn = points_in_polygon(field, PolygonRule("grid", step_m))
    assert len(drawn.lon) == pytest.approx(n_points, abs=2 * n_points**0.5 - 1)
    ring = shapely.get_coordinates(field.exterior)
    there = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:32630", always_xy=True)
    outline = shapely.Polygon(np.column_stack(there.transform(ring[:, 0], ring[:, 1])))
    x, y = there.transform(drawn.lon, drawn.lat)
    assert shapely.distance(outline.exterior, shapely.points(x, y)).min() > min(
        14.99, side_m / 2 - 0.2
    )
    if len(x) > 1:
        np.testing.assert_allclose(x % step_m, step_m / 2, atol=1e-4)
        np.testing.assert_allclose(y % step_m, step_m / 2, atol=1e-4)


def test_grid_points_of_a_polygon_share_its_group(tmp_path):
    text = collection(
        (square(-4.4, 36.7, 200), {"label": "crop"}), (square(-4.3, 36.7, 20), {"label": "crop"})
    )
    table = read_text(tmp_path, "fields.geojson", text, polygons="grid")
    assert table.points["group"].value_counts().iloc[0] > 20
    assert table.points["group"].nunique() == 2
    assert table.warnings == (
        "fields.geojson: polygons narrower than 30 m, which a 3x3 block of 10 m pixels leaves, "
        "so that only the centre pixel is sampled: 1 (feature 2).",
    )


@pytest.mark.parametrize("step", [0, -1, float("nan"), 0.05])
def test_bad_grid_steps_are_refused(step):
    with pytest.raises(InputError, match="step"):
        points_in_polygon(square(-4.4, 36.7, 1000), PolygonRule("grid", step))


def test_a_polygon_that_crosses_itself_is_repaired(tmp_path):
    bow = shapely.Polygon([(0, 0), (0.01, 0.01), (0.01, 0), (0, 0.01)])
    table = read_text(tmp_path, "bow.geojson", collection((bow, {"label": "crop"})))
    assert len(table.points) == 2
    assert "cross themselves and were repaired: 1 (feature 1)" in table.warnings[0]


def test_features_without_place_or_area_are_counted(tmp_path):
    text = collection(
        (None, {"label": "crop"}),
        (shapely.Point(), {"label": "crop"}),
        (shapely.LineString([(0, 0), (1, 1)]), {"label": "crop"}),
        (shapely.Polygon([(0, 0), (1, 1), (0, 0)]), {"label": "crop"}),
        (shapely.Point(1, 1, 250), {"label": "crop"}),
    )
    table = read_text(tmp_path, "odd.geojson", text)
    assert table.counts == {"cropland": 1}
    assert table.dropped == {"no geometry": 2, "neither point nor area": 2}


def test_parts_of_a_feature_share_a_group(tmp_path):
    two = shapely.MultiPolygon([square(-4.4, 36.7, 60), square(-4.39, 36.7, 60)])
    both = shapely.GeometryCollection([shapely.Point(-4, 36.7), square(-4, 36.8, 60)])
    text = collection(
        (shapely.Point(-4.3, 36.7), {"label": "water"}),
        (shapely.MultiPoint([(-4.2, 36.7), (-4.1, 36.7)]), {"label": "grass"}),
        (two, {"label": "crop"}),
        (both, {"label": "urban"}),
    )
    points = read_text(tmp_path, "mixed.geojson", text).points
    assert list(points["label"]) == [
        "permanentWater", *["herbaceousVegetation"] * 2, *["cropland"] * 2, *["builtUp"] * 2
    ]  # fmt: skip
    assert points.groupby("label")["group"].nunique().tolist() == [1, 1, 1, 1]
    assert points["group"].nunique() == 4
    assert points["group"][0] == points["point_id"][0]


def test_groups_that_hold_one_point_are_joined(tmp_path):
    field = square(-4.4, 36.7, 120)
    again = shapely.transform(field, lambda xy: xy[::-1])
    text = collection((field, {"label": "crop"}), (again, {"label": "crop"}))
    table = read_text(tmp_path, "twice.geojson", text, polygons="grid")
    assert table.dropped == {"duplicate": len(table.points)}
    assert table.points["group"].nunique() == 1
    other_way = collection((again, {"label": "crop"}), (field, {"label": "crop"}))
    assert (
        read_text(tmp_path, "other.geojson", other_way, polygons="grid").points["group"].unique()
        == table.points["group"].unique()
    )


def test_polygons_have_the_same_poles_in_geojson_and_kmz(data_dir):
    first, second = (
        read(data_dir / "rstoolbox-limburg" / f"training_polygons.{ending}").points
        for ending in ("geojson", "kmz")
    )
    assert len(first) == 12
    assert list(first["label"]) == list(second["label"])
    assert list(first["group"]) == list(second["group"])
    assert first["group"].is_unique
    # The KMZ is rounded to 1e-7 degrees, about a centimetre.
    apart = METRES.inv(first["lon"], first["lat"], second["lon"], second["lat"])[2]
    assert max(apart) < 0.05


def test_poles_lie_in_their_polygons(data_dir):
    path = data_dir / "rstoolbox-limburg" / "training_polygons.geojson"
    outlines = [
        shapely.geometry.shape(f["geometry"]) for f in json.loads(path.read_text())["features"]
    ]
    points = read(path).points
    assert all(shapely.contains_xy(outlines, points["lon"], points["lat"]))


def test_polygons_in_another_crs_with_no_data(data_dir):
    table = read(data_dir / "labels" / "azerbaijan_lulc_polygons_utm38.geojson")
    assert table.points["lon"].between(46, 51).all()
    assert table.points["lat"].between(38, 42).all()
    # 214 of 1,056 features say "no data"; the rest give a point each, two parts where repaired.
    assert table.dropped["unknown"] == 214
    assert sum(table.counts.values()) + table.dropped["duplicate"] + table.dropped[
        "conflicting labels"
    ] == pytest.approx(1056 - 214, abs=3)
    assert table.counts["cropland"] == 112
    assert any("features 840, 1006" in warning for warning in table.warnings)
    assert any("narrower than 30 m" in warning for warning in table.warnings)


def test_thin_polygons_can_be_left_out(data_dir):
    path = data_dir / "labels" / "azerbaijan_lulc_polygons_utm38.geojson"
    table = read(path, min_radius_m=15)
    assert table.dropped["polygon narrower than 30 m"] > 500
    assert not any("narrower" in warning for warning in table.warnings)


# Random points


def utm(points):
    there = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:32630", always_xy=True)
    return np.column_stack(there.transform(points["lon"], points["lat"]))


@pytest.mark.parametrize(
    ("side_m", "most", "n_points"),
    # One and another for each full hectare, at most as many as asked for, and the pole where
    # nothing lies 15 m inside. 31 m across leaves a square of 1 m, where two do not fit.
    [(99, 10, 1), (110, 10, 2), (250, 10, 7), (250, 4, 4), (25, 10, 1), (31, 10, 1)],
)
def test_random_points_are_apart_and_inside(side_m, most, n_points):
    field = square(-4.4, 36.7, side_m)
    drawn = polygons_to_points([field], "random", points_per_polygon=most, seed=3)
    assert len(drawn) == n_points
    assert (drawn["neighbourhood"] == (1 if side_m < 30 else 3)).all()
    xy = utm(drawn)
    outline = shapely.transform(
        field.exterior,
        lambda ring: utm(dict(zip(("lon", "lat"), ring.T, strict=True))),
    )
    assert shapely.distance(outline, shapely.points(xy)).min() > min(14.99, side_m / 2 - 0.2)
    apart = np.hypot(*(xy[:, None] - xy[None]).T)[~np.eye(len(xy), dtype=bool)]
    assert (apart > 29.99).all()


def test_random_points_depend_on_their_polygon_and_the_seed_only():
    fields = [square(-4.4, 36.7, 300), square(-4.3, 36.7, 300), square(-4.4, 36.7, 300)]
    drawn = polygons_to_points(fields, "random", seed=1)
    by = [part[["lon", "lat"]].to_numpy() for _, part in drawn.groupby("polygon")]
    np.testing.assert_array_equal(by[0], by[2])
    assert not np.array_equal(by[0] - by[0][0], by[1] - by[1][0])
    turned = shapely.transform(fields[0], lambda ring: np.roll(ring[:-1], 1, 0)[[0, 1, 2, 3, 0]])
    np.testing.assert_allclose(
        polygons_to_points([turned], "random", seed=1)[["lon", "lat"]], by[0], atol=1e-8
    )
    alone = polygons_to_points(fields[1:2], "random", seed=1)[["lon", "lat"]].to_numpy()
    np.testing.assert_array_equal(alone, by[1])
    other = polygons_to_points(fields[:1], "random", seed=2)[["lon", "lat"]].to_numpy()
    assert not np.array_equal(other, by[0])


# From the front door


def test_polygons_of_another_crs_and_as_geojson():
    # The L of the worked example in metres, at a place of zone 30.
    west, south = 400_000, 4_000_000
    shape = shapely.transform(L_SHAPE, lambda xy: np.add(xy, [west, south]))
    table = polygons_to_points([json.loads(shapely.to_geojson(shape))], crs="EPSG:32630")
    assert utm(table)[0] - [west, south] == pytest.approx([11.7157, 11.7157], abs=0.1)
    assert table["radius_m"][0] == pytest.approx(11.7157, abs=0.1)
    assert table["neighbourhood"].tolist() == [1]
    assert list(polygons_to_points([]).columns) == list(table.columns)


def test_narrow_parts_give_one_pixel_or_none(tmp_path):
    two = shapely.MultiPolygon([square(-4.4, 36.7, 60), square(-4.39, 36.7, 20)])
    assert polygons_to_points([two])["neighbourhood"].tolist() == [3, 1]
    assert polygons_to_points([two], min_radius_m=15)["neighbourhood"].tolist() == [3]
    table = read_text(tmp_path, "a.geojson", collection((two, {"label": "crop"})))
    assert table.points["neighbourhood"].tolist() == [3, 1]
    assert table.points["group"].nunique() == 1


def test_a_wrong_mode_or_polygon_is_refused():
    with pytest.raises(InputError, match=r"mode must be one of .*found 'all'"):
        polygons_to_points([L_SHAPE], "all")
    with pytest.raises(InputError, match="number 1: malformed geometry"):
        polygons_to_points([square(1, 1, 50), {"type": "Cube"}])
