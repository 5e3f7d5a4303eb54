"""Polygons that a map is summed up in: districts, parks, catchments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely

from landcover.errors import InputError, UsageError
from landcover.labels.features import FileRule, LabelFeatures, composed, numbered
from landcover.labels.polygons import polygons_of
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


class Zones(list[Zone]):
    """Polygons of a file, and what a reader must know of the file."""

    def __init__(self, zones: Iterable[Zone], notes: tuple[str, ...]) -> None:
        super().__init__(zones)
        self.notes = notes


def read_zones(path: Path, field: str | None, layer: str | None = None) -> Zones:
    """Read polygons with their names.

    Args:
        path: A file of a format of ``nouns.label_formats`` that holds polygons.
        field: Column of the name; None names none.
        layer: Layer of a GeoPackage or zip that holds several.

    Returns:
        The polygons in the order of the file; of collections their polygons. Features without
        one are left out, and a note counts them.

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
    polygons = [_polygon(geometry) for geometry in features.geometries]
    zones = [
        Zone(int(number), "" if values is None else _text(values[at]), polygon)
        for at, (number, polygon) in enumerate(zip(features.numbers, polygons, strict=True))
        if polygon is not None
    ]
    if not zones:
        raise InputError(f"{path.name}: it holds no polygon.")
    without = features.numbers[[polygon is None for polygon in polygons]]
    notes = (
        (f"{path.name}: features without an area: {len(without)} "
         f"({numbered(features.noun, without)}).",)
        if len(without)
        else ()
    )  # fmt: skip
    return Zones(zones, (*(f"{path.name}: {remark}" for remark in features.remarks), *notes))


def _polygon(geometry: shapely.Geometry | None) -> shapely.Geometry | None:
    """Give the polygons that a geometry is made of, as one; None where there is none."""
    parts = [] if geometry is None else polygons_of(geometry)
    if len(parts) < 2:
        return parts[0] if parts else None
    if isinstance(geometry, shapely.MultiPolygon):
        return geometry
    return shapely.union_all(shapely.make_valid(np.array(parts, dtype=object)))


def _text(value: object) -> str:
    return "" if value is None or value != value else str(value).strip()
