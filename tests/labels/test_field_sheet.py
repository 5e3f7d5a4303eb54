"""Field sheets stay probability samples when they are copied, filled in and read back."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from landcover.errors import InputError, UsageError
from landcover.labels.field_sheet import read_sheet
from landcover.labels.reading import read_labels
from landcover.nouns.legend import MEDITERRANEAN
from landcover.publish.field_points import write_sheet

ROWS = pd.DataFrame(
    {
        "id": ["p1", "p2", "p3"],
        "lon": [5.0123456, 5.2, 5.3],
        "lat": [40.1, 40.2, 40.3000001],
        "stratum": [1, 1, 7],
        "stratum_area_ha": [120.5, 120.5, 3000.25],
        "label": ["closedForest", "cropland", ""],
    }
)
FORMATS = [".csv", ".geojson", ".kml", ".kmz"]


def sheet(folder: Path, ending: str, rows: pd.DataFrame = ROWS) -> Path:
    write_sheet(rows, folder / f"sheet{ending}")
    return folder / f"sheet{ending}"


@pytest.mark.parametrize("ending", FORMATS)
def test_what_is_written_is_read(tmp_path: Path, ending: str):
    found = read_sheet(sheet(tmp_path, ending), MEDITERRANEAN, {})
    assert found is not None
    assert found.points["lon"].tolist() == [5.0123456, 5.2]
    assert found.points["code"].tolist() == [1, 7]
    assert found.points["stratum"].tolist() == [1, 1]
    assert found.points["group"].tolist() == ["p1", "p2"]
    # The stratum of the point without a label still has its area.
    assert found.stratum_area == {1: 120.5, 7: 3000.25}
    assert found.n_empty == 1


@pytest.mark.parametrize("ending", FORMATS)
def test_the_same_points_give_the_same_bytes(tmp_path: Path, ending: str):
    (tmp_path / "a").mkdir()
    first = sheet(tmp_path / "a", ending).read_bytes()
    assert first == sheet(tmp_path, ending).read_bytes()


def test_a_placemark_may_be_renamed_to_its_class(tmp_path: Path):
    path = sheet(tmp_path, ".kml")
    path.write_text(path.read_text().replace("<name>p3</name>", "<name>Open forest</name>"))
    found = read_sheet(path, MEDITERRANEAN, {})
    assert found is not None
    assert found.points["code"].tolist() == [1, 7, 2]
    assert found.n_empty == 0


def test_a_kmz_is_a_zip_with_one_kml_that_map_viewers_open(tmp_path: Path):
    with zipfile.ZipFile(sheet(tmp_path, ".kmz")) as archive:
        assert archive.namelist() == ["doc.kml"]
    filled = ROWS.assign(label=["closedForest", "cropland", "cropland"])
    # Also the reader of any other labels makes the same of it.
    table = read_labels(sheet(tmp_path, ".kmz", filled), label="label")
    assert sorted(table.points["code"]) == [1, 7, 7]


def test_other_files_are_no_sheets(tmp_path: Path):
    (tmp_path / "points.csv").write_text("lon,lat,label\n5,40,cropland\n")
    assert read_sheet(tmp_path / "points.csv", MEDITERRANEAN, {}) is None
    (tmp_path / "points.geojson").write_text("not JSON")
    assert read_sheet(tmp_path / "points.geojson", MEDITERRANEAN, {}) is None
    (tmp_path / "points.tif").write_bytes(b"")
    assert read_sheet(tmp_path / "points.tif", MEDITERRANEAN, {}) is None


def test_a_mapping_says_what_words_mean(tmp_path: Path):
    path = sheet(tmp_path, ".csv", ROWS.assign(label=["wood", "?", "cropland"]))
    found = read_sheet(path, MEDITERRANEAN, {"wood": "closedForest", "?": None})
    assert found is not None
    assert found.points["code"].tolist() == [1, 7]
    assert found.n_empty == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"label": ["wood", "", ""]}, "row 1: label 'wood' is unknown; expected one of closedF"),
        ({"label": ["", "", ""]}, "none of the 3 points has a label"),
        ({"stratum_area_ha": [120.5, 99, 1]}, "row 2: stratum 1 has 99 ha here and 120.5 ha above"),
        ({"stratum": ["1", "one", "7"]}, "row 2: expected numbers for stratum"),
    ],
)
def test_refused(tmp_path: Path, change: dict, sentence: str):
    path = sheet(tmp_path, ".csv", ROWS.assign(**change))
    with pytest.raises(InputError, match=sentence):
        read_sheet(path, MEDITERRANEAN, {})


def test_another_ending_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match=r"sheet\.shp: a field sheet ends with \.geojson, \.csv"):
        write_sheet(ROWS, tmp_path / "sheet.shp")


def test_the_columns_of_both_tables(tmp_path: Path):
    with sheet(tmp_path, ".csv").open() as file:
        row = next(csv.DictReader(file))
    assert list(row) == ["id", "lon", "lat", "stratum", "stratum_area_ha", "label"]
    feature = json.loads(sheet(tmp_path, ".geojson").read_text())["features"][0]
    assert feature["geometry"]["coordinates"] == [5.0123456, 40.1]
    assert feature["properties"]["stratum_area_ha"] == 120.5
