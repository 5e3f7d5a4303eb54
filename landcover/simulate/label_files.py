"""The same labelled points as GeoJSON, CSV and KMZ, as they come from colleagues and from Earth."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from landcover.simulate.ground_truth import Point
from landcover.simulate.landscape import CLASS_NAMES

Rows = Sequence[dict[str, str | int]]
_KML = "http://www.opengis.net/kml/2.2"


def write_points(path: Path, points: Sequence[Point]) -> None:
    """Write points as GeoJSON, and beside it as CSV and KMZ.

    Each has ``point_id``, ``label`` (name of its class) and ``class`` (map code 1-9); the CSV has
    ``longitude`` and ``latitude``, degrees.

    Args:
        path: GeoJSON file to make; the others have its name with their own ending.
        points: Points in the order to number them.
    """
    rows: Rows = [
        {
            "point_id": f"{path.stem}-{number:05d}",
            "label": CLASS_NAMES[point.code],
            "class": point.code,
        }
        for number, point in enumerate(points)
    ]
    _write_geojson(path, points, rows)
    _write_csv(path.with_suffix(".csv"), points, rows)
    _write_kmz(path.with_suffix(".kmz"), points, rows)


def _write_geojson(path: Path, points: Sequence[Point], rows: Rows) -> None:
    features = [
        {
            "type": "Feature",
            "properties": row,
            "geometry": {"type": "Point", "coordinates": [point.longitude, point.latitude]},
        }
        for point, row in zip(points, rows, strict=True)
    ]
    collection = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(collection, indent=1) + "\n", encoding="utf-8")


def _write_csv(path: Path, points: Sequence[Point], rows: Rows) -> None:
    names = ["point_id", "longitude", "latitude", "label", "class"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        for point, row in zip(points, rows, strict=True):
            writer.writerow({**row, "longitude": point.longitude, "latitude": point.latitude})


def _write_kmz(path: Path, points: Sequence[Point], rows: Rows) -> None:
    root = Element("kml", xmlns=_KML)
    document = SubElement(root, "Document")
    SubElement(document, "name").text = path.stem
    for point, row in zip(points, rows, strict=True):
        placemark = SubElement(document, "Placemark")
        SubElement(placemark, "name").text = str(row["point_id"])
        data = SubElement(placemark, "ExtendedData")
        for name, value in row.items():
            SubElement(SubElement(data, "Data", name=name), "value").text = str(value)
        at = SubElement(SubElement(placemark, "Point"), "coordinates")
        at.text = f"{point.longitude},{point.latitude},0"
    indent(root)
    # The first date that a ZIP can hold: the same points make the same file on every day.
    entry = ZipInfo("doc.kml", (1980, 1, 1, 0, 0, 0))
    entry.compress_type = ZIP_DEFLATED
    with ZipFile(path, "w") as archive:
        archive.writestr(entry, tostring(root, encoding="UTF-8", xml_declaration=True))
