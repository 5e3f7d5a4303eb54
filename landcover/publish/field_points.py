"""Points to be labelled: where labels would help next, and the field sheets of a design."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from landcover.errors import UsageError
from landcover.nouns.label_priority import LabelPlan, NextPoint
from landcover.publish.placemarks import Placemark, geojson_of, write_geojson, write_kml


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
        write_kml(_placemarks(plan), path, "Places to label next")
    else:
        write_geojson(as_geojson(plan), path)


def as_geojson(plan: LabelPlan) -> dict[str, Any]:
    """Write a plan as a GeoJSON document; what it is worth is in ``expected`` and ``notes``."""
    return {
        **geojson_of(_placemarks(plan)),
        "expected": [entry.to_document() for entry in plan.classes],
        "notes": list(plan.notes),
    }


def _placemarks(plan: LabelPlan) -> list[Placemark]:
    return [Placemark(str(p.rank), p.lon, p.lat, _properties(p)) for p in plan.points]


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


SHEET = ("id", "lon", "lat", "stratum", "stratum_area_ha", "label")
"""Columns of a field sheet; ``label`` is empty until somebody was there."""
_ENDINGS = (".geojson", ".csv", ".kml", ".kmz")


def write_sheet(rows: pd.DataFrame, path: Path) -> None:
    """Write a field sheet, which :mod:`landcover.labels.field_sheet` reads once it is filled in.

    Args:
        rows: :data:`SHEET`, one row per point.
        path: GeoJSON, CSV, KML or KMZ, as its name ends.

    Raises:
        UsageError: The name ends otherwise.
    """
    ending = path.suffix.lower()
    if ending not in _ENDINGS:
        raise UsageError(f"{path.name}: a field sheet ends with {', '.join(_ENDINGS)}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    if ending == ".csv":
        rows[list(SHEET)].to_csv(path, index=False, lineterminator="\n")
        return
    points = [
        Placemark(
            str(row["id"]),
            row["lon"],
            row["lat"],
            {name: row[name] for name in SHEET if name not in ("lon", "lat")},
        )
        for row in rows[list(SHEET)].to_dict("records")
    ]
    if ending == ".geojson":
        write_geojson(geojson_of(points), path)
    else:
        write_kml(points, path, "Field sheet")
