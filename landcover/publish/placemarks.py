"""Points to visit, as GeoJSON, KML and KMZ; the same points give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape, quoteattr
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

_EARLIEST = (1980, 1, 1, 0, 0, 0)
"""Every file of a zip carries a time, none an earlier one: it is the same for equal contents."""


class Placemark(NamedTuple):
    """A named point with what is known of it."""

    name: str
    """What a map viewer writes beside it."""
    lon: float
    """Degrees."""
    lat: float
    """Degrees."""
    data: Mapping[str, Any]
    """Property → value; None is written as nothing in KML."""


def geojson_of(points: Iterable[Placemark]) -> dict[str, Any]:
    """Describe points as a GeoJSON document; their names are not in it."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [point.lon, point.lat]},
                "properties": dict(point.data),
            }
            for point in points
        ],
    }


def write_geojson(document: Mapping[str, Any], path: Path) -> None:
    """Write a GeoJSON document."""
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def write_kml(points: Iterable[Placemark], path: Path, title: str) -> None:
    """Write points as KML 2.2, or KMZ where the name ends so."""
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>{escape(title)}</name>\n'
        f"{''.join(map(_placemark, points))}</Document></kml>\n"
    )
    if path.suffix.lower() != ".kmz":
        path.write_text(text, encoding="utf-8")
        return
    info = ZipInfo("doc.kml", _EARLIEST)
    info.compress_type = ZIP_DEFLATED
    with ZipFile(path, "w") as archive:
        archive.writestr(info, text)


def _placemark(point: Placemark) -> str:
    data = "".join(
        f"<Data name={quoteattr(name)}>"
        f"<value>{escape('' if value is None else str(value))}</value></Data>"
        for name, value in point.data.items()
    )
    return (
        f"<Placemark><name>{escape(point.name)}</name><ExtendedData>{data}</ExtendedData>"
        f"<Point><coordinates>{point.lon},{point.lat}</coordinates></Point></Placemark>\n"
    )
