"""Class areas within polygons: by hand, against shapely, and each pixel once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from click.testing import CliRunner
from pyproj import Geod, Transformer

from landcover.analysis.zonal_areas import areas_within
from landcover.cli import cli
from landcover.errors import InputError, UsageError
from landcover.labels.zones import Zone, read_zones
from landcover.nouns.grid import Grid
from landcover.parts.mapping.map_lookup import MapFile
from landcover.stores.rasters import RasterStyle, write_raster

GRID = Grid(crs="EPSG:32630", ulx=500000, uly=4200000, pixel=10, width=700, height=600)
CODES = np.random.default_rng(5).choice(np.array([0, 1, 7, 9], np.uint8), GRID.shape)
NAMES = {1: "closedForest", 7: "cropland", 9: "permanentWater"}
TO_DEGREES = Transformer.from_crs("EPSG:32630", "EPSG:4326", always_xy=True)


@pytest.fixture
def one(tmp_path: Path) -> MapFile:
    colours = dict.fromkeys(NAMES, (1, 2, 3, 255))
    style = RasterStyle("uint8", 0, ("c",), colours=colours, categories=NAMES)
    write_raster(tmp_path / "map.tif", CODES, GRID, style)
    return MapFile(str(tmp_path / "map.tif"), GRID, "map.tif")


def zone(pixels: shapely.Geometry, number: int = 1) -> Zone:
    """Place a polygon that is drawn in pixels, whose edges are straight there."""

    def place(xy: np.ndarray) -> np.ndarray:
        x, y = GRID.ulx + 10 * xy[:, 0], GRID.uly - 10 * xy[:, 1]
        return np.column_stack(TO_DEGREES.transform(x, y))

    return Zone(number, f"zone {number}", shapely.transform(shapely.segmentize(pixels, 20), place))


def test_a_pixel_counts_where_its_centre_lies(one: MapFile) -> None:
    # Columns 2 and 3 (centres 2.5, 3.5), rows 0 to 2; the rest of the box lies off the map.
    (found,) = areas_within([one], [zone(shapely.box(1.6, -40, 4.4, 2.6))])
    codes, counts = np.unique(CODES[:3, 2:4], return_counts=True)
    assert found.pixels == dict(zip(codes.tolist(), counts.tolist(), strict=True))
    assert found.hectares == pytest.approx({c: n * 0.01 for c, n in found.pixels.items()})


def test_shapely_finds_the_same_across_windows(one: MapFile) -> None:
    shell = [(300.2, 100.7), (690.4, 320.3), (520.6, 590.9), (120.1, 480.5)]
    hole = [(430.3, 300.2), (560.8, 380.1), (470.7, 470.6)]
    whole = shapely.Polygon(shell, [hole])
    island = shapely.box(10.2, 10.2, 13.8, 12.8)
    (found,) = areas_within([one], [zone(shapely.MultiPolygon([whole, island]))])
    columns, rows = np.meshgrid(np.arange(700) + 0.5, np.arange(600) + 0.5)
    inside = shapely.contains_xy(whole, columns, rows) | shapely.contains_xy(island, columns, rows)
    expected = np.bincount(CODES[inside], minlength=256)
    assert found.pixels == {int(c): int(expected[c]) for c in np.flatnonzero(expected)}


def test_neighbours_count_every_pixel_once(one: MapFile) -> None:
    rng = np.random.default_rng(1)
    points = shapely.MultiPoint(rng.uniform(0, 600, (40, 2)))
    # Corners in the middle of pixels are the hard case.
    cells = shapely.voronoi_polygons(points, extend_to=shapely.box(0, 0, 700, 600))
    cells = shapely.set_precision(cells, 0.5, mode="pointwise")
    zones = [zone(cell, number) for number, cell in enumerate(shapely.get_parts(cells), 1)]
    found = areas_within([one], zones)
    total = sum(np.bincount(list(f.pixels), list(f.pixels.values()), 10) for f in found)
    np.testing.assert_array_equal(total, np.bincount(CODES.ravel(), minlength=10))


def test_a_map_in_degrees_has_areas_on_the_ellipsoid(tmp_path: Path) -> None:
    grid = Grid(crs="EPSG:4326", ulx=-4, uly=60, pixel=0.001, width=100, height=100)
    style = RasterStyle("uint8", 0, ("c",))
    write_raster(tmp_path / "map.tif", np.full(grid.shape, 7, np.uint8), grid, style)
    box = shapely.box(-3.99, 59.92, -3.95, 59.98)
    one = MapFile(str(tmp_path / "map.tif"), grid, "map.tif")
    (found,) = areas_within([one], [Zone(1, "", box)])
    assert found.pixels == {7: 40 * 60}
    dense = shapely.segmentize(box, 0.001)
    area = abs(Geod(ellps="WGS84").geometry_area_perimeter(dense)[0]) / 10_000
    assert found.hectares[7] == pytest.approx(area, rel=1e-4)


def test_two_systems_and_polygons_elsewhere_are_refused(one: MapFile) -> None:
    other = MapFile("x", GRID.model_copy(update={"crs": "EPSG:3035"}), "x")
    with pytest.raises(UsageError, match="EPSG:3035, EPSG:32630, which overlap on the ground"):
        areas_within([one, other], [])
    with pytest.raises(InputError, match="none of the polygons lies on it"):
        areas_within([one], [Zone(1, "", shapely.box(170, -20, 171, -19))])


def test_the_command_writes_a_table(one: MapFile, tmp_path: Path) -> None:
    boxes = [shapely.box(500000, 4199000, 501000, 4200000),
             shapely.box(501000, 4199000, 502000, 4200000)]  # fmt: skip
    path = tmp_path / "districts.gpkg"
    pyogrio.raw.write(
        str(path), geometry=shapely.to_wkb(boxes), fields=["ine"], driver="GPKG",
        field_data=[np.array(["04", "29"], object)], crs="EPSG:32630", geometry_type="Polygon",
    )  # fmt: skip
    out = tmp_path / "new" / "areas.csv"
    call = ["areas", one.href, str(path)]
    shown = CliRunner().invoke(cli, [*call, "--field", "ine", "--out", str(out)])
    assert shown.exit_code == 0, shown.output
    counts = [np.bincount(CODES[:100, c : c + 100].ravel(), minlength=10) for c in (0, 100)]
    assert out.read_text().splitlines() == [
        "number,name,pixels,closedForest,cropland,permanentWater,no_class,"
        "polygon_ha,covered_ha,covered_percent,"
        "closedForest_percent,cropland_percent,permanentWater_percent,no_class_percent",
        *(
            f"{k},{name},10000,{n[1] / 100},{n[7] / 100},{n[9] / 100},{n[0] / 100},"
            f"100.0,100.0,100.0,{n[1] / 100},{n[7] / 100},{n[9] / 100},{n[0] / 100}"
            for k, name, n in zip((1, 2), ("04", "29"), counts, strict=True)
        ),
    ]
    shown = CliRunner().invoke(cli, [*call, "--json"])
    assert json.loads(shown.output)[0]["cropland"] == counts[0][7] / 100
    wrong = CliRunner().invoke(cli, [*call, "--field", "name"])
    assert wrong.exit_code == 2
    assert "no column 'name'; found ine" in wrong.output


def test_files_without_polygons_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "points.geojson"
    point = {"type": "Feature", "properties": {},
             "geometry": {"type": "Point", "coordinates": [0, 0]}}  # fmt: skip
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [point]}))
    with pytest.raises(InputError, match="it holds no polygon"):
        read_zones(path, None)
    with pytest.raises(InputError, match=r"expected polygons as \.geojson, .*found '\.dwg'"):
        read_zones(tmp_path / "x.dwg", None)


# Shapes as files have them


def collection(*parts: shapely.Geometry) -> shapely.Geometry:
    return shapely.GeometryCollection(parts)


def test_the_polygons_of_a_collection_count(one: MapFile, tmp_path: Path) -> None:
    inner = zone(shapely.box(10, 10, 20, 20)).polygon
    other = zone(shapely.box(15, 10, 30, 20)).polygon
    nested = collection(shapely.Point(0, 0), collection(inner, other))
    path = write_features(tmp_path / "z.geojson", nested, None, shapely.Point(-3, 37), inner)
    zones = read_zones(path, None)
    assert [z.number for z in zones] == [1, 4]
    assert zones.notes == ("z.geojson: features without an area: 2 (features 2, 3).",)
    found = areas_within([one], zones)
    # The two overlap; together they hold 20 x 10 pixels, each once.
    assert [sum(f.pixels.values()) for f in found] == [200, 100]


def write_features(path: Path, *geometries: shapely.Geometry | None) -> Path:
    features = [
        {"type": "Feature", "properties": {"name": "x"},
         "geometry": None if g is None else shapely.geometry.mapping(g)}
        for g in geometries
    ]  # fmt: skip
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def test_a_polygon_smaller_than_a_pixel_has_none(one: MapFile) -> None:
    (found,) = areas_within([one], [zone(shapely.box(10.1, 10.1, 10.3, 10.3))])
    assert (found.pixels, found.covered_percent) == ({}, 0)
    assert found.whole_hectares == pytest.approx(0.2 * 0.2 * 0.01)


@pytest.mark.parametrize(
    "bounds", [(-180, -85, 180, 85), (-180, -90, 180, 90), (-60, 0, 60, 89), (-10, 30, 5, 60)]
)
def test_a_box_around_the_map_holds_all_of_it(one: MapFile, bounds: tuple[float, ...]) -> None:
    (found,) = areas_within([one], [Zone(1, "", shapely.box(*bounds))])
    assert sum(found.pixels.values()) == GRID.width * GRID.height
    assert found.covered_hectares == pytest.approx(GRID.width * GRID.height * 0.01)
    # Lambert's cylinder: the share of the sphere between two parallels, within the flattening.
    west, south, east, north = np.radians(bounds)
    share = (np.sin(north) - np.sin(south)) * (east - west) / (4 * np.pi)
    assert found.whole_hectares == pytest.approx(51_006_562_172 * share, rel=0.01)


@pytest.mark.parametrize("half", [0.5, 3, 40])
def test_an_edge_along_a_parallel_is_one(one: MapFile, half: float) -> None:
    """However far apart the corners are, pixels count whose centre is north of the parallel."""
    x, y = np.meshgrid(
        GRID.ulx + 10 * (np.arange(700) + 0.5), GRID.uly - 10 * (np.arange(600) + 0.5)
    )
    latitude = TO_DEGREES.transform(x, y)[1]
    middle = float(np.median(latitude))
    box = shapely.box(-3 - half, middle, -3 + half, middle + 3)
    (found,) = areas_within([one], [Zone(1, "", box)])
    assert sum(found.pixels.values()) == (latitude > middle).sum()


# Covered, and per cent


def test_per_cents_add_up_and_say_what_is_covered(one: MapFile) -> None:
    # Half of it lies off the map.
    (found,) = areas_within([one], [zone(shapely.box(-100, 0, 100, 100))])
    assert found.covered_hectares == pytest.approx(100)
    assert found.whole_hectares == pytest.approx(200, rel=1e-6)
    assert found.covered_percent == pytest.approx(50, rel=1e-6)
    assert sum(found.percent(code) for code in range(256)) == pytest.approx(100)
    assert found.percent(0) == pytest.approx(100 * (CODES[:100, :100] == 0).mean())


def two_zones(tmp_path: Path) -> list[MapFile]:
    """Two maps of one code that overlap along the border of their zones, 0 degrees."""
    maps = []
    for zone_number, west in ((30, 700_000), (31, 220_000)):
        grid = Grid(crs=f"EPSG:326{zone_number}", ulx=west, uly=4_440_000, pixel=20,
                    width=3000, height=1500)  # fmt: skip
        path = tmp_path / f"map_{zone_number}.tif"
        write_raster(path, np.full(grid.shape, 7, np.uint8), grid, RasterStyle("uint8", 0, ("c",)))
        maps.append(MapFile(str(path), grid, path.name))
    return maps


@pytest.mark.parametrize("east", [0.0, 0.15, 0.3])
def test_zones_are_added_up_without_counting_ground_twice(tmp_path: Path, east: float) -> None:
    maps = two_zones(tmp_path)
    box = shapely.box(east - 0.2, 39.9, east, 40.0)
    (found,) = areas_within(maps, [Zone(1, "", box)])
    dense = shapely.segmentize(box, 0.001)
    area = abs(Geod(ellps="WGS84").geometry_area_perimeter(dense)[0]) / 10_000
    assert found.hectares[7] == pytest.approx(area, rel=3e-4)
    assert found.whole_hectares == pytest.approx(area, rel=1e-6)
    assert found.covered_percent == pytest.approx(100, abs=0.05)
