"""Labels in three formats; the library reads the same points from each."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from zipfile import ZipFile

import pytest

from landcover.labels.reading import read_labels
from landcover.simulate import SimulatedRegion
from landcover.simulate.ground_truth import Point
from landcover.simulate.label_files import write_points


def test_csv_has_longitude_latitude_and_label(tmp_path: Path) -> None:
    write_points(tmp_path / "x.geojson", [Point(-4.5, 36.7, 7), Point(-4.4, 36.8, 9)])
    with (tmp_path / "x.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows == [
        {"point_id": "x-00000", "longitude": "-4.5", "latitude": "36.7", "label": "cropland",
         "class": "7"},
        {"point_id": "x-00001", "longitude": "-4.4", "latitude": "36.8",
         "label": "permanentWater", "class": "9"},
    ]  # fmt: skip


def test_kmz_holds_one_document_with_extended_data_and_no_clock(tmp_path: Path) -> None:
    write_points(tmp_path / "x.geojson", [Point(-4.5, 36.7, 7)])
    with ZipFile(tmp_path / "x.kmz") as archive:
        (entry,) = archive.infolist()
        text = archive.read(entry).decode()
    assert entry.filename == "doc.kml"
    assert entry.date_time == (1980, 1, 1, 0, 0, 0)
    assert "<coordinates>-4.5,36.7,0</coordinates>" in text
    for name, value in (("point_id", "x-00000"), ("label", "cropland"), ("class", "7")):
        assert f'<Data name="{name}">' in text
        assert f"<value>{value}</value>" in text


@pytest.mark.parametrize("which", ["labels", "labels_independent"])
@pytest.mark.parametrize("ending", [".csv", ".kmz"])
def test_the_library_reads_the_same_points_from_each(
    region: SimulatedRegion, which: str, ending: str
) -> None:
    path: Path = getattr(region, which)
    first = read_labels(path, label="label").points
    other = read_labels(path.with_suffix(ending), label="label").points
    columns = ["lon", "lat", "label"]
    assert len(other) == len(first) == (540 if which == "labels" else 240)
    assert Counter(map(tuple, other[columns].to_numpy().tolist())) == Counter(
        map(tuple, first[columns].to_numpy().tolist())
    )
