"""The published map ends with the region of the run: pixels, areas, files, accuracy."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from pyproj import Transformer

from landcover.errors import UsageError
from landcover.nouns.grid import Grid, Window
from landcover.parts.mapping.map_lookup import codes_of, map_of, mapped_hectares
from landcover.parts.region import Region, RegionOnGrid, read_region, region_of, store_region
from landcover.pipeline.starting import resolve

found = importlib.util.spec_from_file_location(
    "fake_run", Path(__file__).with_name("test_publish.py")
)
assert found is not None
assert found.loader is not None
fake = importlib.util.module_from_spec(found)
found.loader.exec_module(fake)
GRID: Grid = fake.GRID


def as_degrees(window: Window, crs: str = "EPSG:4326") -> shapely.Geometry:
    """Give the outline of a window of the map in another system, corner by corner."""
    left, bottom, right, top = GRID.cut(window).bounds
    move = Transformer.from_crs(GRID.crs, crs, always_xy=True).transform
    return shapely.transform(
        shapely.box(left, bottom, right, top), lambda p: np.column_stack(move(p[:, 0], p[:, 1]))
    )


def geojson(path: Path, *shapes: shapely.Geometry) -> Path:
    features = [
        {"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(shape)}
        for shape in shapes
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def run_with_region(root: Path, path: Path) -> Any:
    run = fake.whole_run(root)
    region_id = store_region(run.workspace, str(path))
    run.run = run.run.model_copy(update={"region_id": region_id})
    run.task = fake.Task(run.workspace, run.run, run.recipe, fake.WHOLE_RUN)
    return run


def test_the_map_ends_with_the_region(tmp_path: Path) -> None:
    # Rows 6 to 41 and columns 10 to 39 of 48 x 64; below row 36 the map has no class.
    inner = Window(6, 10, 36, 30)
    path = geojson(tmp_path / "my-valley.geojson", as_degrees(inner))
    folder, stats, html = run_with_region(tmp_path / "run", path).publish()
    assert stats["maps"] == ["map_32631.tif"]
    assert "Test map: my-valley, 2021" in html
    for name in ("map_32631.tif", "confidence_32631.tif"):
        with rasterio.open(folder / name) as raster:
            assert raster.shape == (36, 30)
            assert raster.transform.c == GRID.cut(inner).ulx
    with rasterio.open(folder / "map_32631.tif") as raster:
        codes = raster.read(1)
        assert raster.colormap(1)[7] == (240, 150, 255, 255)
        assert raster.tags()["model"] == "c" * 16
    np.testing.assert_array_equal(codes[:6], 4)
    np.testing.assert_array_equal(codes[6:30], 7)
    np.testing.assert_array_equal(codes[30:], 0)
    # Areas are of the region: 6 and 24 rows of 30 pixels of 100 m²; a sixth of it has no class.
    assert "1.8" in html
    assert "7.2" in html
    assert "16.7 %" in html
    item = json.loads((folder / "item_32631.json").read_text())
    assert item["properties"]["proj:shape"] == [36, 30]


def test_a_region_that_is_no_rectangle_leaves_nodata_outside(tmp_path: Path) -> None:
    triangle = shapely.Polygon([(0, 0), (40, 0), (0, 36)])
    move = Transformer.from_crs(GRID.crs, "EPSG:4326", always_xy=True).transform
    on_ground = shapely.transform(
        triangle, lambda p: np.column_stack(move(GRID.ulx + 10 * p[:, 0], GRID.uly - 10 * p[:, 1]))
    )
    path = geojson(tmp_path / "triangle.geojson", on_ground)
    folder, _, html = run_with_region(tmp_path / "run", path).publish()
    with rasterio.open(folder / "map_32631.tif") as raster:
        codes = raster.read(1)
    rows, columns = np.indices(codes.shape) + 0.5
    is_inside = columns / 40 + rows / 36 < 1
    whole = np.where(rows < 12, 4, 7)
    np.testing.assert_array_equal(codes, np.where(is_inside, whole, 0))
    with rasterio.open(folder / "confidence_32631.tif") as raster:
        confidence = raster.read(1)
    np.testing.assert_array_equal(confidence, np.where(is_inside, whole * 20, 255))
    # What lies outside is no hole in the map.
    assert "0.0 %" in html


def test_no_region_and_whole_tiles_publish_all(tmp_path: Path) -> None:
    folder, _, _ = fake.whole_run(tmp_path / "run").publish()
    with rasterio.open(folder / "map_32631.tif") as raster:
        assert raster.shape == GRID.shape


def test_the_id_of_a_report_names_its_region(tmp_path: Path) -> None:
    one = geojson(tmp_path / "a.geojson", as_degrees(Window(0, 0, 10, 10)))
    other = geojson(tmp_path / "b.geojson", as_degrees(Window(0, 0, 10, 11)))
    folders = {
        run_with_region(tmp_path / name, path).publish()[0].name
        for name, path in (("one", one), ("two", other))
    }
    assert len(folders) == 2


def test_points_and_areas_are_those_of_the_region(tmp_path: Path) -> None:
    path = geojson(tmp_path / "a.geojson", as_degrees(Window(6, 10, 36, 30)))
    run = run_with_region(tmp_path / "run", path)
    mosaic = run.task.outputs_of("mosaic", "32631")[0]
    mosaic = mosaic.model_copy(update={"stats": {**mosaic.stats, "grid": GRID.to_document()}})
    whole = map_of(run.workspace, mosaic)
    part = map_of(run.workspace, mosaic, region_of(run.task))
    assert mapped_hectares([whole]) == pytest.approx({4: 7.68, 7: 15.36})
    assert mapped_hectares([part]) == pytest.approx({4: 1.8, 7: 7.2})
    rows, columns = np.array([0, 7, 20, 20]), np.array([20, 20, 9, 10])
    assert codes_of(whole.href, GRID, rows, columns).tolist() == [4, 4, 7, 7]
    assert codes_of(part.href, GRID, rows, columns, part.region).tolist() == [0, 4, 0, 7]


@pytest.mark.parametrize("ending", [".gpkg", ".shp", ".parquet", ".kml"])
def test_a_region_may_have_any_format_and_system(tmp_path: Path, ending: str) -> None:
    import pyogrio

    system = "EPSG:4326" if ending == ".kml" else "EPSG:3035"
    shape = as_degrees(Window(6, 10, 36, 30), system)
    path = tmp_path / f"region{ending}"
    if ending == ".kml":
        ring = " ".join(f"{x},{y}" for x, y in shape.exterior.coords)
        path.write_text(
            '<kml xmlns="http://www.opengis.net/kml/2.2"><Placemark><Polygon><outerBoundaryIs>'
            f"<LinearRing><coordinates>{ring}</coordinates></LinearRing></outerBoundaryIs>"
            "</Polygon></Placemark></kml>"
        )
    elif ending == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq
        from pyproj import CRS

        geo = {
            "version": "1.0.0", "primary_column": "geometry",
            "columns": {"geometry": {"encoding": "WKB", "geometry_types": [],
                                     "crs": CRS.from_user_input(system).to_json_dict()}},
        }  # fmt: skip
        table = pa.table({"geometry": [shapely.to_wkb(shape)]})
        pq.write_table(table.replace_schema_metadata({"geo": json.dumps(geo)}), path)
    else:
        pyogrio.raw.write(
            str(path), np.array([shapely.to_wkb(shape)], object), [np.array(["a"], object)],
            ["name"], geometry_type="Polygon", crs=system,
        )  # fmt: skip
    region = Region(name="r", polygons=tuple(shapely.to_wkt(s) for s in read_region(path)))
    place = RegionOnGrid(region, GRID)
    inside = place.inside(Window.whole(GRID.shape))
    expected = np.zeros(GRID.shape, bool)
    expected[Window(6, 10, 36, 30).slices] = True
    # A chord in one system is a hair off a chord in the other: pixels at the edge may differ.
    assert np.count_nonzero(inside != expected) <= 4
    assert abs(place.part.height - 36) <= 2


def test_windows_of_a_region_are_the_whole_of_it() -> None:
    region = Region(name="r", polygons=(shapely.to_wkt(as_degrees(Window(3, 5, 20, 31))),))
    place = RegionOnGrid(region, GRID)
    whole = place.inside(Window.whole(GRID.shape))
    for window in Window.whole(GRID.shape).pieces(7, 11):
        np.testing.assert_array_equal(place.inside(window), whole[window.slices])


def test_a_region_elsewhere_has_no_pixel() -> None:
    far = Region(name="r", polygons=("POLYGON((100 0, 101 0, 101 1, 100 0))",))
    place = RegionOnGrid(far, GRID)
    assert place.part.is_empty
    assert not place.inside(Window.whole(GRID.shape)).any()


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.geojson", "{", r"--region .*a\.geojson"),
        ("a.txt", "x", r"--region a\.txt: expected polygons as"),
        ("a.geojson", '{"type":"FeatureCollection","features":[]}', r"--region a\.geojson"),
    ],
)
def test_what_is_no_region_is_told(tmp_path: Path, name: str, text: str, sentence: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(UsageError, match=sentence):
        read_region(path)


def test_whole_tiles_keep_tiles_and_drop_the_region(tmp_path: Path) -> None:
    path = geojson(tmp_path / "a.geojson", as_degrees(Window(6, 10, 36, 30)))
    recipe = {"name": "test", "seasons": fake.SEASONS}
    given = {"year": 2021, "products": str(tmp_path), "region": str(path)}
    _, clipped = resolve(recipe, **given)
    _, whole = resolve(recipe, **given, whole_tiles=True)
    assert clipped.tiles == whole.tiles
    assert clipped.region == str(path)
    assert whole.region is None
