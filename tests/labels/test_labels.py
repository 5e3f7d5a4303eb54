"""Ground truth from files: every format gives the same table, bad input one sentence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyproj
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from landcover.errors import InputError
from landcover.labels.reading import read_labels
from landcover.nouns.legend import MEDITERRANEAN

COLUMNS = [
    "point_id", "lon", "lat", "code", "label", "group", "source", "neighbourhood", "code2"
]  # fmt: skip


def read(path, **options):
    return read_labels(path, legend=MEDITERRANEAN, **options)


def read_text(folder, name, text, **options):
    """Write a file and read it."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read(path, **options)


# Real files


def test_points_are_the_same_in_every_format(data_dir):
    tables = [
        read(data_dir / "labels" / f"worldcereal_points_cglops.{ending}")
        for ending in ("csv", "geojson", "kmz", "shp")
    ]
    assert [list(table.points.columns) for table in tables] == [COLUMNS] * 4
    for table in tables:
        assert table.counts == {
            "closedForest": 78, "shrubland": 11, "herbaceousVegetation": 272,
            "herbaceousWetland": 5, "bareSparseVegetation": 16, "cropland": 2180, "builtUp": 33,
            "permanentWater": 33,
        }  # fmt: skip
        # Five positions stand twice in the file, with the same label.
        assert table.dropped == {"duplicate": 5}
        assert (table.points["group"] == table.points["point_id"]).all()
        assert list(table.points["point_id"]) == list(tables[0].points["point_id"])
        np.testing.assert_allclose(table.points["lat"], tables[0].points["lat"], atol=1e-7)
    assert tables[0].points["source"].unique().tolist() == ["worldcereal_points_cglops.csv"]


def test_codes_and_names_of_copernicus_agree(data_dir):
    path = data_dir / "labels" / "worldcereal_points_cglops.csv"
    by_name, by_code = read(path), read(path, label="CGLOPS_consensus")
    pd.testing.assert_frame_equal(by_name.points, by_code.points)


def test_the_label_column_is_found_or_refused(data_dir):
    folder = data_dir / "labels"
    assert read(folder / "landcoverpy_validated_data.geojson").counts == {
        "closedForest": 1, "shrubland": 1, "builtUp": 1
    }  # fmt: skip
    demo = folder / "landcoverpy_demo_dataset.csv"
    with pytest.raises(InputError, match=r"'category'.*'no_forest' \(6x, first in row 10\)"):
        read(demo)
    assert read(demo, unknown="drop").dropped == {"not in the legend": 6}
    assert read(demo, mapping={"no_forest": "builtUp"}).counts == {"closedForest": 8, "builtUp": 6}
    with pytest.raises(InputError, match="2 labels 'NonForest'"):
        read(folder / "sits_samples_s2_T20LKP_2018_2019.csv")
    with pytest.raises(InputError, match=r"no column holds a label of the legend.*'16195'"):
        read(folder / "aoi" / "scalve.kml")


# Columns, separators, words


@pytest.mark.parametrize(
    "text",
    [
        "lat,lon,label\n36.7,-4.4,cropland\n",
        "LATITUDE;Longitude;Class\n36.7;-4.4;40\n",
        "y\tx\tlandcover\n36.7\t-4.4\t40.0\n",
        "\ufeffid,name,lng,lat\r\n\r\n1,Cropland,-4.4,36.7\r\n",
        'lon,lat,note,label\n-4.4,36.7,"wheat, rye",CROPLAND\n',
        "lon;lat;label, class\n-4.4;36.7;crops\n".replace("label, class", "label"),
    ],
)
def test_columns_and_separators(tmp_path, text):
    table = read_text(tmp_path, "points.csv", text)
    assert table.counts == {"cropland": 1}
    assert table.points[["lon", "lat"]].to_numpy().tolist() == [[-4.4, 36.7]]


def test_the_next_candidate_is_tried_when_no_value_is_known(tmp_path):
    text = "lat,lon,label,class\n36.7,-4.4,A7,water\n36.8,-4.4,B9,grass\n"
    assert read_text(tmp_path, "points.csv", text).counts == {
        "herbaceousVegetation": 1, "permanentWater": 1
    }  # fmt: skip
    with pytest.raises(InputError, match="column 'label': 2 labels 'A7'"):
        read(tmp_path / "points.csv", label="label")
    by_mapping = read(tmp_path / "points.csv", mapping={"A7": "builtUp", "b9": None})
    assert by_mapping.counts == {"builtUp": 1}
    assert by_mapping.dropped == {"mapped to nothing: B9": 1}


def test_a_column_with_one_known_value_is_not_passed_over(tmp_path):
    text = "lat,lon,label,class\n36.7,-4.4,water,water\n36.8,-4.4,wotar,water\n"
    with pytest.raises(InputError, match=r"'wotar' .*first in row 3.*permanentWater"):
        read_text(tmp_path, "points.csv", text)


def test_a_mapping_comes_before_the_legend(tmp_path):
    text = "lat,lon,label\n36.7,-4.4,60\n36.8,-4.4,40\n"
    counts = read_text(tmp_path, "points.csv", text, mapping={"60.0": "builtUp"}).counts
    assert counts == {"cropland": 1, "builtUp": 1}


def test_a_mapping_to_nowhere_is_refused(tmp_path):
    with pytest.raises(InputError, match="'60' leads to 'town', which is not a class"):
        read_text(tmp_path, "p.csv", "lat,lon,label\n1,1,60\n", mapping={"60": "town"})


def test_left_out_labels_are_counted(tmp_path):
    text = (
        "lat,lon,label\n1,1,water\n2,1,\n3,1,nan\n4,1,0\n5,1,70\n6,1,snow\n7,1,moss and lichen\n"
        "8,1,tundra\n"
    )
    table = read_text(tmp_path, "points.csv", text, unknown="drop")
    assert table.counts == {"permanentWater": 1}
    assert table.dropped == {
        "empty label": 2, "unknown": 1, "snow and ice": 2, "moss and lichen": 1,
        "not in the legend": 1,
    }  # fmt: skip
    assert "'tundra' (1x, first in row 9)" in table.warnings[0]


def test_a_table_of_nothing_is_refused(tmp_path):
    text = "lat,lon,label\n1,1,snow\n2,1,70\n"
    with pytest.raises(InputError, match=r"no usable label is left .*snow and ice 2"):
        read_text(tmp_path, "points.csv", text, label="label")


# Duplicates, ids, groups


def test_duplicates_and_conflicts(tmp_path):
    text = (
        "lat,lon,label\n1,1,water\n1.00000001,1,sea\n2,1,water\n2,1,grass\n2,1,grass\n3,1,grass\n"
        "4,180,crop\n4,-180,crop\n"
    )
    table = read_text(tmp_path, "points.csv", text)
    assert table.points["lat"].tolist() == [1, 3, 4]
    assert table.dropped == {"duplicate": 2, "conflicting labels": 3}
    assert table.warnings == (
        "points.csv: 1 position with different labels dropped (rows 4, 5, 6).",
    )


def test_ids_do_not_depend_on_file_or_order(tmp_path):
    rows = ["1,1,water", "2,1,grass", "3,1,crop"]
    first = read_text(tmp_path, "a.csv", "\n".join(["lat,lon,label", *rows])).points
    again = read_text(tmp_path, "b.csv", "\n".join(["lat,lon,label", *rows[::-1]])).points
    assert list(first["point_id"]) == list(again["point_id"])[::-1]
    assert first["point_id"].is_unique
    # blake2b-64 of "10000000/10000000/permanentWater": ids stay what they are, splits use them.
    assert first["point_id"][0] == "5b440c124e763019"


# Both ways of reading a table

CELL = st.sampled_from(["1", "2.5", " 3 ", "-4e1", "", "nan", "x", "water", "40", "1_0", "a b"])
ROW = st.lists(CELL, min_size=0, max_size=4).map(",".join)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
    ],
)
@given(st.lists(ROW, max_size=5), st.sampled_from(["\n", "\r\n"]))
def test_a_plain_table_reads_as_it_does_row_by_row(tmp_path, rows, end):
    header = ["label,lat,lon"]
    plain = end.join([*header, *rows]) + end
    # A quoted cell sends the same table to the careful reader.
    quoted = end.join(['"label",lat,lon', *rows]) + end
    found = []
    for text in (plain, quoted):
        path = tmp_path / "a.csv"
        path.write_bytes(text.encode())
        try:
            found.append(read(path, unknown="drop").points.to_dict("list"))
        except InputError as error:
            found.append(str(error))
    assert found[0] == found[1]


def test_a_table_in_metres_with_a_declared_crs(tmp_path):
    text = "id,Easting,northing,label\n1,374000,4065000,crop\n"
    points = read_text(tmp_path, "a.csv", text, crs="EPSG:32630").points
    there = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:32630", always_xy=True)
    assert there.transform(points["lon"][0], points["lat"][0]) == pytest.approx((374e3, 4065e3))
    with pytest.raises(InputError, match="'EPSG:1' is not a known reference system"):
        read(tmp_path / "a.csv", crs="EPSG:1")


def test_the_nine_classes_are_the_legend_unless_another_is_given(tmp_path):
    (tmp_path / "a.csv").write_text("lat,lon,label\n1,1,111\n")
    assert read_labels(tmp_path / "a.csv").counts == {"closedForest": 1}
