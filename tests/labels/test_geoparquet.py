"""GeoParquet as its specification has it, and plain tables of positions."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from landcover.errors import InputError
from landcover.labels.reading import read_labels

LABELS = ["water", "crops"]
DEGREES = shapely.points([[-4.4, 36.7], [-4.3, 36.8]])


def write(path, geometries=DEGREES, labels=LABELS, name="geom", encoding="WKB", column=None, **geo):
    """Write GeoParquet; a keyword ``crs`` of None is written as null."""
    column = pa.array(shapely.to_wkb(geometries), pa.binary()) if column is None else column
    table = pa.table({"label": pa.array(labels, pa.string()), name: column})
    metadata = {
        "version": "1.1.0",
        "primary_column": name,
        "columns": {name: {"encoding": encoding, "geometry_types": [], **geo}},
    }
    pq.write_table(table.replace_schema_metadata({"geo": json.dumps(metadata)}), path)
    return path


@pytest.mark.parametrize("name", ["geometry", "geom", "the outline"])
def test_wkb_without_a_crs_is_longitude_and_latitude(tmp_path, name):
    points = read_labels(write(tmp_path / "a.parquet", name=name)).points
    assert points[["lon", "lat"]].to_numpy().tolist() == [[-4.4, 36.7], [-4.3, 36.8]]
    assert points["label"].tolist() == ["permanentWater", "cropland"]


@pytest.mark.parametrize("code", ["OGC:CRS84", "EPSG:4326"])
def test_the_order_of_axes_is_always_longitude_first(tmp_path, code):
    path = write(tmp_path / "a.parquet", crs=pyproj.CRS(code).to_json_dict())
    assert read_labels(path).points["lon"].tolist() == [-4.4, -4.3]


def test_a_projected_crs_is_honoured(tmp_path):
    there = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:32630", always_xy=True)
    metres = shapely.points(np.column_stack(there.transform([-4.4, -4.3], [36.7, 36.8])))
    path = write(tmp_path / "a.parquet", metres, crs=pyproj.CRS("EPSG:32630").to_json_dict())
    np.testing.assert_allclose(read_labels(path).points["lon"], [-4.4, -4.3], atol=1e-9)


def test_an_unknown_crs_has_to_be_said(tmp_path):
    path = write(tmp_path / "a.parquet", crs=None)
    with pytest.raises(InputError, match=r"CRS is declared as unknown.*labels\.crs"):
        read_labels(path)
    assert read_labels(path, crs="EPSG:4326").points["lat"].tolist() == [36.7, 36.8]


def test_points_of_x_and_y(tmp_path):
    column = pa.array(
        [{"x": -4.4, "y": 36.7}, None], pa.struct([("x", pa.float64()), ("y", pa.float64())])
    )
    table = read_labels(write(tmp_path / "a.geoparquet", column=column, encoding="point"))
    assert table.points["lon"].tolist() == [-4.4]
    assert table.dropped == {"no geometry": 1}


def test_polygons_and_words_in_a_dictionary(tmp_path):
    path = tmp_path / "a.parquet"
    box = shapely.box(-4.4, 36.7, -4.39, 36.71)
    write(path, np.array([box, None]))
    table = pq.read_table(path)
    column = table.schema.get_field_index("label")
    pq.write_table(table.set_column(column, "label", table["label"].dictionary_encode()), path)
    found = read_labels(path)
    assert found.counts == {"permanentWater": 1}
    assert found.points["group"][0].startswith("g")


@pytest.mark.parametrize("names", [("lon", "lat"), ("x", "Y"), ("Longitude", "LATITUDE")])
def test_a_plain_table_of_positions(tmp_path, names):
    path = tmp_path / "a.parquet"
    pd.DataFrame({names[0]: [-4.4], names[1]: [36.7], "class": [40]}).to_parquet(path)
    assert read_labels(path).counts == {"cropland": 1}


def test_the_tiles_of_the_world_are_geoparquet(data_dir):
    path = data_dir / "tiling-grid" / "sentinel-2-grid_LAND.parquet"
    with pytest.raises(InputError, match=r"no column looks like a label.*'tile', 'epsg'"):
        read_labels(path)


def test_broken_files_are_one_sentence(tmp_path):
    path = tmp_path / "a.parquet"
    wkb = pa.array([shapely.to_wkb(DEGREES[0]), b"\x01\x02"], pa.binary())
    for write_it, complaint in [
        (lambda: write(path, encoding="polygon"), "encoded as 'polygon'"),
        (lambda: write(path, crs={"type": "?"}), "not a known reference system"),
        (lambda: write(path, column=wkb), "row 2: the geometry is malformed"),
        (lambda: write(path, shapely.points([[1, 2], [36, 95]])), "row 2: .*swapped"),
        (lambda: write(path, shapely.points([[4e5, 4e6]] * 2)), "rows 1, 2: .*look projected"),
        (lambda: write(path, DEGREES[:0], []), "holds no rows"),
        (lambda: pd.DataFrame({"a": [1]}).to_parquet(path), "neither GeoParquet metadata nor"),
        (lambda: pd.DataFrame({"x": ["?"], "y": ["?"]}).to_parquet(path), "columns of numbers"),
        (
            lambda: pd.DataFrame({"x": [1.0, None], "y": [1.0, 2]}).to_parquet(path),
            "row 2: .*not a",
        ),
    ]:
        write_it()
        with pytest.raises(InputError, match=complaint) as caught:
            read_labels(path)
        assert "\n" not in str(caught.value)
    bad = pa.table({"geom": [1]}).replace_schema_metadata({"geo": "{}"})
    pq.write_table(bad, path)
    with pytest.raises(InputError, match="names no primary geometry column"):
        read_labels(path)


DEGREE = st.floats(-80, 80, allow_nan=False).map(lambda value: round(value, 6))


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
    ],
)
@given(st.lists(st.tuples(DEGREE, DEGREE, st.sampled_from(["40", "80", "water"])), min_size=1))
def test_csv_and_geoparquet_hold_the_same(tmp_path, rows):
    lon, lat, labels = zip(*rows, strict=True)
    text = "lon,lat,label\n" + "".join(f"{x},{y},{label}\n" for x, y, label in rows)
    (tmp_path / "a.csv").write_text(text)
    write(tmp_path / "a.parquet", shapely.points(lon, lat), list(labels))
    found = []
    for name in ("a.csv", "a.parquet"):
        try:
            found.append(read_labels(tmp_path / name).points.drop(columns="source"))
        except InputError as error:  # nothing but contradictions
            found.append(str(error).partition(":")[2])
    assert found[0].equals(found[1]) if isinstance(found[0], pd.DataFrame) else found[0] == found[1]
