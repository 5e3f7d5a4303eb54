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


def test_zones_of_two_systems_and_polygons_elsewhere_are_refused(one: MapFile) -> None:
    other = MapFile("x", GRID.model_copy(update={"crs": "EPSG:32631"}), "x")
    with pytest.raises(UsageError, match="EPSG:32630, EPSG:32631: zones overlap on the ground"):
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
        "number,name,pixels,closedForest,cropland,permanentWater,no_class",
        *(
            f"{k},{name},10000,{n[1] / 100},{n[7] / 100},{n[9] / 100},{n[0] / 100}"
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
