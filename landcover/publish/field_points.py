"""Places to be labelled, as files for a GIS or a phone: GeoJSON and KMZ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from landcover.errors import UsageError
from landcover.nouns.label_priority import LabelPlan, NextPoint

_EPOCH = (1980, 1, 1, 0, 0, 0)
# Every file of a zip carries a time: one that is the same for equal contents.


def require_name(path: Path) -> None:
    """Refuse a file that is neither GeoJSON nor KMZ.

    Raises:
        UsageError: It has another ending.
    """
    if path.suffix.lower() not in (".geojson", ".json", ".kmz"):
        raise UsageError(f"{path}: expected a file that ends in .geojson or .kmz.")


def write_plan(plan: LabelPlan, path: Path) -> None:
    """Write the places of a plan, ``label`` left empty for whoever was there.

    `landcover run --labels` reads the file once labels are filled in; places without one are left
    out.
    """
    require_name(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".kmz":
        info = ZipInfo("doc.kml", _EPOCH)
        info.compress_type = ZIP_DEFLATED
        with ZipFile(path, "w") as archive:
            archive.writestr(info, _as_kml(plan))
        return
    path.write_text(json.dumps(as_geojson(plan), indent=1) + "\n", encoding="utf-8")


def as_geojson(plan: LabelPlan) -> dict[str, Any]:
    """Write a plan as a GeoJSON document; what it is worth is in ``expected`` and ``notes``."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [point.lon, point.lat]},
                "properties": _properties(point),
            }
            for point in plan.points
        ],
        "expected": [entry.to_document() for entry in plan.classes],
        "notes": list(plan.notes),
    }


def _properties(point: NextPoint) -> dict[str, Any]:
    return {
        "id": str(point.rank),
        "rank": point.rank,
        "label": "",
        "map_class": point.name,
        "map_code": point.code,
        "confidence": point.confidence,
        "distance_m": point.distance_m,
        "score": point.score,
    }


def _as_kml(plan: LabelPlan) -> str:
    places = []
    for point in plan.points:
        data = "".join(
            f'<Data name="{name}"><value>{escape("" if value is None else str(value))}</value>'
            "</Data>"
            for name, value in _properties(point).items()
        )
        places.append(
            f"<Placemark><name>{point.rank}</name><ExtendedData>{data}</ExtendedData>"
            f"<Point><coordinates>{point.lon},{point.lat}</coordinates></Point></Placemark>"
        )
    body = "\n".join(places)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<kml xmlns="http://www.opengis.net/kml/2.2"><Document>\n'
        f"<name>Places to label next</name>\n{body}\n</Document></kml>\n"
    )
