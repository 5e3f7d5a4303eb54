"""Polygons that a map is summed up in: districts, parks, catchments."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import shapely

from landcover.errors import InputError, UsageError
from landcover.labels.features import FileRule, LabelFeatures, composed
from landcover.nouns.label_formats import FORMATS, format_of


@dataclass(frozen=True)
class Zone:
    """A polygon with a name."""

    number: int
    """Number of the feature as a person counts them in the file."""
    name: str
    """What the chosen column says; empty where none was chosen."""
    polygon: shapely.Geometry
    """Polygon or multipolygon, longitude and latitude, degrees."""


def read_zones(path: Path, field: str | None, layer: str | None = None) -> list[Zone]:
    """Read polygons with their names.

    Args:
        path: A file of a format of ``nouns.label_formats`` that holds polygons.
        field: Column of the name; None names none.
        layer: Layer of a GeoPackage or zip that holds several.

    Returns:
        The polygons in the order of the file. Features without a polygon are left out.

    Raises:
        InputError: The file is of another kind, damaged, or holds no polygon.
        UsageError: It has no such column.
    """
    known = format_of(path)
    if known is None or not known.has_polygons:
        endings = [ending for row in FORMATS if row.has_polygons for ending in row.suffixes]
        raise InputError(
            f"{path.name}: expected polygons as {', '.join(endings)}, found {path.suffix!r}."
        )
    features: LabelFeatures = known.read(path, FileRule(layer))
    field = None if field is None else composed(field)
    if field is not None and field not in features.attributes:
        raise UsageError(
            f"{path.name}: no column {field!r}; found {', '.join(features.attributes) or 'none'}."
        )
    values = features.attributes[field].originals() if field is not None else None
    zones = [
        Zone(int(number), "" if values is None else _text(values[at]), polygon)
        for at, (number, polygon) in enumerate(
            zip(features.numbers, features.geometries, strict=True)
        )
        if polygon is not None and polygon.geom_type in ("Polygon", "MultiPolygon")
    ]
    if not zones:
        raise InputError(f"{path.name}: it holds no polygon.")
    return zones


def _text(value: object) -> str:
    return "" if value is None or value != value else str(value).strip()
