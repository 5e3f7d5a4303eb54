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
from landcover.nouns.legend import Legend, normalise_label

COLUMNS = ("id", "lon", "lat", "stratum", "stratum_area_ha", "weight_ha", "label")
"""Columns of a sheet; ``label`` is empty until somebody was there."""
_MARK = ("stratum", "stratum_area_ha", "label")


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


def write_sheet(rows: pd.DataFrame, path: Path) -> tuple[Path, Path]:
    """Write a sheet as GeoJSON and CSV.

    Args:
        rows: :data:`COLUMNS`, one row per point.
        path: GeoJSON file; the CSV has the same name.

    Returns:
        Both files.
    """
    table = path.with_suffix(".csv")
    records: list[dict[str, Any]] = [
        {str(key): value for key, value in row.items()}
        for row in rows[list(COLUMNS)].to_dict("records")
    ]
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [row["lon"], row["lat"]]},
            "properties": {key: row[key] for key in COLUMNS if key not in ("lon", "lat")},
        }
        for row in records
    ]
    document = {"type": "FeatureCollection", "features": features}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
    return path, table


def read_sheet(path: Path, legend: Legend, mapping: Mapping[str, str | None]) -> FieldSheet | None:
    """Read a sheet that people have filled in.

    Args:
        path: GeoJSON or CSV.
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


def _rows(path: Path) -> list[dict[str, Any]]:
    """Read rows with ``lon`` and ``lat``; none where the file is of another kind."""
    try:
        if path.suffix.lower() == ".csv":
            with path.open(encoding="utf-8-sig", newline="") as file:
                return list(csv.DictReader(file))
        if path.suffix.lower() not in (".geojson", ".json"):
            return []
        rows = []
        for feature in json.loads(path.read_text(encoding="utf-8"))["features"]:
            lon, lat = feature["geometry"]["coordinates"][:2]
            rows.append({**feature["properties"], "lon": lon, "lat": lat})
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        # Whatever is wrong with it, the readers of labels say so better.
        return []
    return rows
