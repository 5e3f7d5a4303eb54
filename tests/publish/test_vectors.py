"""Maps as polygons: every pixel once, joined across strips, neighbours with one line."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from pyarrow import parquet
from pyproj import CRS
from scipy import ndimage

from landcover.bench.plain import polygons as plain
from landcover.nouns.grid import Grid
from landcover.nouns.legend import LegendClass
from landcover.publish import vectors
from landcover.publish.class_polygons import class_polygons, polygons_of
from landcover.publish.vectors import write_vectors
from landcover.raster.outline_bytes import pixel_areas, well_known_binary
from landcover.raster.outlines import joined
from landcover.stores.rasters import RasterStyle, write_raster

LEGEND = (
    LegendClass(code=1, name="closedForest", colour="#007800", title="Closed forest"),
    LegendClass(code=7, name="cropland", colour="#F096FF", title="Cropland"),
)
GRID = Grid(crs="EPSG:32630", ulx=500000, uly=4200000, pixel=10, width=6, height=4)
CODES = np.array(
    [
        [1, 1, 1, 1, 1, 7],
        [1, 7, 7, 0, 1, 7],
        [1, 1, 1, 1, 1, 7],
        [7, 7, 0, 0, 0, 7],
    ],
    np.uint8,
)


class Shape(NamedTuple):
    """A polygon of a class, in pixels of the map."""

    code: int
    polygon: shapely.Polygon


def draw(folder: Path, codes: NDArray[np.uint8], simplify: float = 0, **how: int) -> list[Shape]:
    height, width = codes.shape
    grid = GRID.model_copy(update={"width": width, "height": height})
    write_raster(folder / "map.tif", codes, grid, RasterStyle("uint8", 0, ("c",)))
    drawn = class_polygons(folder / "map.tif", grid, simplify, **how)
    return [
        Shape(int(code), polygon)
        for part in drawn
        for code, polygon in zip(part.codes, polygons_of(part), strict=True)
    ]


@pytest.mark.parametrize("rows", [1, 2, 3, 4])
def test_a_ring_is_one_polygon_wherever_strips_cut_it(tmp_path: Path, rows: int) -> None:
    found = draw(tmp_path, CODES, strip_pixels=6 * rows)
    assert Counter((s.code, s.polygon.area, len(s.polygon.interiors)) for s in found) == Counter(
        # The ring of forest with a hole of three, cropland in it, below it and beside it.
        {(1, 12.0, 1): 1, (7, 2.0, 0): 2, (7, 4.0, 0): 1}
    )


@settings(max_examples=60, deadline=None)
@given(
    codes=arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)),
                 elements=st.sampled_from([0, 1, 7])),
    rows=st.integers(1, 9),
)  # fmt: skip
def test_polygons_are_the_connected_groups(
    tmp_path_factory: pytest.TempPathFactory, codes: NDArray[np.uint8], rows: int
) -> None:
    found = draw(tmp_path_factory.mktemp("x"), codes, strip_pixels=rows * codes.shape[1])
    expected: Counter[tuple[int, float]] = Counter()
    for code in (1, 7):
        labels, n = ndimage.label(codes == code)
        expected.update((code, float((labels == k).sum())) for k in range(1, n + 1))
    assert Counter((s.code, s.polygon.area) for s in found) == expected
    assert all(s.polygon.is_valid and s.polygon.geom_type == "Polygon" for s in found)
    for shape in found:  # what a polygon covers has its class
        for row, column in np.argwhere(codes != shape.code):
            assert not shape.polygon.contains(shapely.Point(column + 0.5, row + 0.5))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    classes=st.integers(1, 4),
    rows=st.integers(1, 40),
    simplify=st.sampled_from([0, 1.5]),
)
def test_bytes_are_those_of_gdals_polygonizer(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int, size: tuple[int, int], classes: int, rows: int, simplify: float,
) -> None:  # fmt: skip
    path = tmp_path_factory.mktemp("x") / "map.tif"
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, classes + 1, size, dtype=np.uint8).repeat(2, axis=0)
    grid = GRID.model_copy(update={"width": size[1], "height": 2 * size[0]})
    write_raster(path, codes, grid, RasterStyle("uint8", 0, ("c",)))
    how: dict[str, int] = {"strip_pixels": rows * size[1], "most_vertices": 60}
    plainly = list(plain.class_polygons(path, grid, simplify, **how))
    drawn = list(class_polygons(path, grid, simplify, **how))
    assert [int(code) for part in drawn for code in part.codes] == [s.code for s in plainly]
    if not plainly:
        return
    whole = joined(drawn)
    written, offsets = well_known_binary(whole, grid.ulx, grid.uly, grid.pixel)
    assert written.tobytes() == b"".join(shapely.to_wkb(plain.placed(plainly, grid)))
    assert offsets[-1] == written.size
    assert len(offsets) == len(plainly) + 1
    assert pixel_areas(whole).tolist() == shapely.area([s.polygon for s in plainly]).tolist()


def test_batches_have_one_size_whatever_the_strips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "AT_ONCE", 7)
    grid = GRID.model_copy(update={"width": 60, "height": 60})
    write_raster(tmp_path / "map.tif", noise(), grid, RasterStyle("uint8", 0, ("c",)))
    vectors.write_vectors(tmp_path, "map.tif", grid, LEGEND, ["parquet"], 0)
    file = parquet.ParquetFile(tmp_path / "map.parquet")
    sizes = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
    assert set(sizes[:-1]) == {7}
    assert 0 < sizes[-1] <= 7
    assert sum(sizes) == len(draw(tmp_path, noise()))


def noise(side: int = 60) -> NDArray[np.uint8]:
    rough = np.random.default_rng(3).random((side, side))
    smooth = ndimage.gaussian_filter(rough, 2)
    return np.digitize(smooth, np.quantile(smooth, [0.2, 0.6])).astype(np.uint8)


def test_a_polygon_too_large_to_hold_is_cut_at_a_strip(tmp_path: Path) -> None:
    codes = noise()
    whole = draw(tmp_path, codes, strip_pixels=600)
    cut = draw(tmp_path, codes, strip_pixels=600, most_vertices=50)
    assert len(cut) > len(whole)
    for code in (1, 2):
        one, other = (
            shapely.union_all([s.polygon for s in shapes if s.code == code])
            for shapes in (whole, cut)
        )
        assert one.area == other.area == (codes == code).sum()
        assert one.equals(other)


def test_simplified_neighbours_keep_one_line(tmp_path: Path) -> None:
    codes = noise() + np.uint8(1)  # no nodata: together they are the square
    fine = draw(tmp_path, codes, strip_pixels=1200)
    found = draw(tmp_path, codes, 2, strip_pixels=1200)
    vertices = [sum(shapely.count_coordinates(s.polygon) for s in group) for group in (fine, found)]
    assert vertices[1] < 0.6 * vertices[0]
    assert sum(s.polygon.area for s in found) == pytest.approx(3600)
    assert shapely.union_all([s.polygon for s in found]).area == pytest.approx(3600)
    for code in (1, 2, 3):
        area = sum(s.polygon.area for s in found if s.code == code)
        assert area == pytest.approx((codes == code).sum(), rel=0.1)


@pytest.fixture
def made(tmp_path: Path) -> Callable[[str], Path]:
    def make(kind: str) -> Path:
        write_raster(tmp_path / "map_32630.tif", CODES, GRID, RasterStyle("uint8", 0, ("c",)))
        names = write_vectors(tmp_path, "map_32630.tif", GRID, LEGEND, [kind], 0)
        assert names == [f"map_32630.{kind}"]
        return tmp_path / names[0]

    return make


def test_a_geopackage_has_classes_and_areas(made: Callable[[str], Path]) -> None:
    path = made("gpkg")
    meta, _, wkb, fields = pyogrio.raw.read(path)
    assert CRS.from_user_input(meta["crs"]) == CRS("EPSG:32630")
    assert [str(layer[0]) for layer in pyogrio.list_layers(path)] == ["map_32630"]
    table = dict(zip(meta["fields"], fields, strict=True))
    polygons = shapely.from_wkb(wkb)
    forest = table["code"] == 1
    assert table["name"][forest].tolist() == ["closedForest"]
    assert table["title"][~forest].tolist() == ["Cropland"] * 3
    assert table["hectares"].sum() == pytest.approx(np.count_nonzero(CODES) * 0.01)
    np.testing.assert_allclose(shapely.area(polygons) / 10_000, table["hectares"])
    assert shapely.bounds(polygons[forest]).tolist() == [[500000, 4199970, 500050, 4200000]]
    before = path.read_bytes()
    path.unlink()
    assert made("gpkg").read_bytes() == before


def test_a_geoparquet_says_its_crs(made: Callable[[str], Path]) -> None:
    table = parquet.read_table(made("parquet"))
    geo = json.loads(table.schema.metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    column = geo["columns"][geo["primary_column"]]
    assert (column["encoding"], column["geometry_types"]) == ("WKB", ["Polygon"])
    assert CRS.from_json_dict(column["crs"]) == CRS("EPSG:32630")
    polygons = shapely.from_wkb(table["geometry"].to_numpy())
    assert shapely.area(polygons).sum() == np.count_nonzero(CODES) * 100
    assert all(polygon.exterior.is_ccw for polygon in polygons)


def test_a_map_in_degrees_has_no_hectares_and_an_empty_one_no_file(tmp_path: Path) -> None:
    grid = GRID.model_copy(update={"crs": "EPSG:4326", "ulx": -6.0, "uly": 37.0, "pixel": 1e-4})
    write_raster(tmp_path / "map.tif", CODES, grid, RasterStyle("uint8", 0, ("c",)))
    assert write_vectors(tmp_path, "map.tif", grid, LEGEND, ["gpkg"], 0) == ["map.gpkg"]
    assert pyogrio.read_info(tmp_path / "map.gpkg")["fields"].tolist() == ["code", "name", "title"]
    write_raster(tmp_path / "no.tif", np.zeros_like(CODES), grid, RasterStyle("uint8", 0, ("c",)))
    assert write_vectors(tmp_path, "no.tif", grid, LEGEND, ["gpkg", "parquet"], 0) == []
