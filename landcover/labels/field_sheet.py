"""Field sheets: points that were drawn for a map, to be labelled and judged by.

Every row says from which stratum it was drawn and how large that stratum was, so that the sample
stays a probability sample when the file is copied, edited in a GIS or a spreadsheet, or used to
judge another map (Stehman 2014).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from landcover.errors import InputError
from landcover.labels.features import LabelFeatures
from landcover.labels.kml import read_kml, read_kmz
from landcover.nouns.legend import Legend, normalise_label

_MARK = ("stratum", "stratum_area_ha", "label")
_KML = {".kml": read_kml, ".kmz": read_kmz}

Row = dict[str, Any]


@dataclass(frozen=True)
class FieldSheet:
    """A labelled sheet."""

    points: pd.DataFrame
    """``lon``, ``lat`` (degrees), ``code`` (of the legend), ``stratum``, ``group``; labelled
    points only."""
    stratum_area: dict[int, float]
    """Stratum → hectares when the sample was drawn."""
    n_empty: int
    """Points without a label."""


def read_sheet(path: Path, legend: Legend, mapping: Mapping[str, str | None]) -> FieldSheet | None:
    """Read a sheet that people have filled in.

    Args:
        path: GeoJSON, CSV, KML or KMZ. In KML a placemark may also be renamed to its class.
        legend: Classes and the words that mean them.
        mapping: Label → class name, or None to leave the point out.

    Returns:
        The sheet; None where the file is no sheet of ours.

    Raises:
        InputError: A label is unknown, a stratum has two areas, or no point has a label.
    """
    rows = _rows(path)
    if not rows or any(column not in rows[0] for column in _MARK):
        return None
    area: dict[int, float] = {}
    points = []
    n_empty = 0
    for number, row in enumerate(rows, start=1):
        try:
            stratum, hectares = int(row["stratum"]), float(row["stratum_area_ha"])
            place = {"lon": float(row["lon"]), "lat": float(row["lat"])}
        except (TypeError, ValueError, KeyError) as error:
            raise InputError(
                f"{path.name}: row {number}: expected numbers for stratum, stratum_area_ha and "
                f"position ({error}); leave what `landcover design` wrote as it is."
            ) from error
        if abs(area.setdefault(stratum, hectares) - hectares) > 1e-6 * hectares:
            raise InputError(
                f"{path.name}: row {number}: stratum {stratum} has {hectares:g} ha here and "
                f"{area[stratum]:g} ha above; do not mix sheets of several designs."
            )
        code = _code(path, number, row["label"], legend, mapping)
        if code is None:
            n_empty += 1
            continue
        group = str(row.get("id") or number)
        points.append({**place, "code": code, "stratum": stratum, "group": group})
    if not points:
        raise InputError(
            f"{path.name}: none of the {len(rows)} points has a label; fill in the column label."
        )
    return FieldSheet(pd.DataFrame(points), area, n_empty)


def _code(
    path: Path, number: int, label: Any, legend: Legend, mapping: Mapping[str, str | None]
) -> int | None:
    text = normalise_label(label)
    if not text:
        return None
    if text in mapping:
        meant = mapping[text]
        if meant is None:
            return None
        text = meant
    code = legend.code_of(text)
    if code is None:
        raise InputError(
            f"{path.name}: row {number}: label {text!r} is unknown; expected one of "
            f"{', '.join(legend.names)}."
        )
    return code


def _rows(path: Path) -> list[Row]:
    """Read rows with ``lon`` and ``lat``; none where the file is of another kind."""
    ending = path.suffix.lower()
    try:
        if ending == ".csv":
            with path.open(encoding="utf-8-sig", newline="") as file:
                return list(csv.DictReader(file))
        if ending in _KML:
            return _placemarks(_KML[ending](path))
        if ending not in (".geojson", ".json"):
            return []
        rows = []
        for feature in json.loads(path.read_text(encoding="utf-8"))["features"]:
            lon, lat = feature["geometry"]["coordinates"][:2]
            rows.append({**feature["properties"], "lon": lon, "lat": lat})
    except (InputError, OSError, ValueError, KeyError, TypeError, csv.Error):
        # Whatever is wrong with it, the readers of labels say so better.
        return []
    return rows


def _placemarks(features: LabelFeatures) -> list[Row]:
    if any(column not in features.attributes for column in _MARK):
        return []
    texts = {name: column.texts() for name, column in features.attributes.items()}
    rows: list[Row] = []
    for number, geometry in enumerate(features.geometries):
        row: Row = {name: column[number] for name, column in texts.items()}
        if geometry is not None and geometry.geom_type == "Point":
            row |= {"lon": geometry.x, "lat": geometry.y}
        if not row["label"] and row.get("name") != row.get("id"):
            # Map viewers cannot edit data of a placemark, but they can rename it.
            row["label"] = row.get("name", "")
        rows.append(row)
    return rows
