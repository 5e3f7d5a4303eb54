"""Labels from KML and KMZ: placemarks as map editors and GIS programs write them.

Namespaces are passed over (every vendor has its own). A KMZ is read in memory; nothing of it is
written to disk.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import shapely

from landcover.errors import InputError
from landcover.labels.archives import open_archive, read_member
from landcover.labels.features import (
    FileRule,
    LabelFeatures,
    check_geometries,
    columns_of,
)

# A million placemarks take about 250 MB of KML; far beyond, a KMZ is a bomb rather than a map.
MAX_KML_BYTES = 1 << 29

Element = ElementTree.Element


def read_kml(path: Path, _: FileRule | None = None) -> LabelFeatures:
    """Read a KML file.

    Attributes of a placemark, each yielding to those before it: ExtendedData (Data and
    SchemaData), a two-column HTML table in the description (key cell, value cell), and the
    placemark's ``name``.

    Args:
        path: KML, WGS84 longitude, latitude and, ignored, altitude.

    Returns:
        One entry per placemark; numbers count from 1.

    Raises:
        InputError: The XML is malformed (the message gives the line), has no placemark, or a
            geometry is malformed or not on Earth.
    """
    return _parse(path, path.read_bytes())


def read_kmz(path: Path, _: FileRule | None = None) -> LabelFeatures:
    """Read the ``doc.kml`` of a KMZ, or its first KML (see :func:`read_kml`).

    Raises:
        InputError: The zip is damaged, encrypted or far too large, a member's path leads out of
            it, it holds no KML, or the KML is at fault.
    """
    with open_archive(path) as archive:
        member = _main_kml(path, archive.namelist())
        data = read_member(path, archive, member, MAX_KML_BYTES)
    return _parse(path, data)


def _main_kml(path: Path, names: list[str]) -> str:
    kmls = [name for name in names if name.lower().endswith(".kml")]
    if not kmls:
        raise InputError(f"{path.name}: the archive holds no .kml file among {names[:5]}.")
    return "doc.kml" if "doc.kml" in kmls else kmls[0]


def _parse(path: Path, data: bytes) -> LabelFeatures:
    if not data.strip():
        raise InputError(f"{path.name}: the file is empty; labels were expected.")
    if b"<!ENTITY" in data.replace(b"\0", b""):  # in UTF-16 as well
        raise InputError(f"{path.name}: refused, the KML declares XML entities; remove them.")
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise InputError(
            f"{path.name}: malformed KML ({error}); deliver the file again."
        ) from error
    placemarks = list(_within(root, "Placemark"))
    if not placemarks:
        raise InputError(f"{path.name}: the KML holds no placemarks; labels were expected.")
    geometries = np.empty(len(placemarks), dtype=object)
    for index, placemark in enumerate(placemarks):
        try:
            geometries[index] = _geometry(placemark)
        except (ValueError, IndexError, RecursionError, shapely.errors.ShapelyError) as error:
            raise InputError(
                f"{path.name}: placemark {index + 1}: the geometry is malformed ({error})."
            ) from error
    numbers = np.arange(1, len(placemarks) + 1)
    check_geometries(path, geometries, numbers, "placemark")
    attributes = columns_of([_attributes(placemark) for placemark in placemarks])
    return LabelFeatures(geometries, attributes, numbers, "placemark")


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _within(element: Element, tag: str) -> Iterator[Element]:
    return (found for found in element.iter() if _tag(found) == tag)


def _child_text(element: Element, tag: str) -> str:
    return next((child.text or "" for child in element if _tag(child) == tag), "").strip()


def _attributes(placemark: Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in _within(placemark, "Data"):
        found.setdefault(entry.get("name", ""), _child_text(entry, "value"))
    for entry in _within(placemark, "SimpleData"):
        found.setdefault(entry.get("name", ""), (entry.text or "").strip())
    description = _child_text(placemark, "description")
    if "<t" in description.lower():
        table = _TableReader()
        table.feed(description)
        for key, value in table.pairs:
            found.setdefault(key, value)
    found.setdefault("name", _child_text(placemark, "name"))
    return found


def _geometry(element: Element) -> shapely.Geometry | None:
    """Build the geometry below an element; lines and models yield None."""
    parts: list[shapely.Geometry] = []
    for child in element:
        tag = _tag(child)
        part: shapely.Geometry | None = None
        if tag == "Point":
            vertices = _vertices(child)
            part = shapely.Point(vertices[0]) if vertices else None
        elif tag == "Polygon":
            part = _polygon(child)
        elif tag == "MultiGeometry":
            part = _geometry(child)
        if part is not None:
            parts.append(part)
    if len(parts) > 1:
        return shapely.GeometryCollection(parts)
    return parts[0] if parts else None


def _polygon(element: Element) -> shapely.Polygon | None:
    outer = [_vertices(ring) for ring in _within(element, "outerBoundaryIs")]
    inner = [_vertices(ring) for ring in _within(element, "innerBoundaryIs")]
    if not outer or not outer[0]:
        return None
    return shapely.Polygon(outer[0], [ring for ring in inner if ring])


def _vertices(element: Element) -> list[tuple[float, float]]:
    """Read ``lon,lat[,altitude]`` tuples; blanks after the commas are forgiven."""
    text = next((found.text or "" for found in _within(element, "coordinates")), "")
    tuples = (part.split(",") for part in re.sub(r"\s*,\s*", ",", text).split())
    return [(float(part[0]), float(part[1])) for part in tuples]


class _TableReader(HTMLParser):
    """Collects the rows of exactly two cells of an HTML table, nested tables included."""

    def __init__(self) -> None:
        super().__init__()
        self.pairs: list[tuple[str, str]] = []
        self._open_rows: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a table, a row or a cell; end tags of rows and cells may be left out."""
        if tag == "table":
            self._open_rows.append([])
        elif tag == "tr" and self._open_rows:
            self._close_row()
        elif tag in ("td", "th") and self._open_rows:
            self._open_rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        """Close a row or a table."""
        if tag == "tr" and self._open_rows:
            self._close_row()
        elif tag == "table" and self._open_rows:
            self._close_row()
            self._open_rows.pop()

    def handle_data(self, data: str) -> None:
        """Add text to the innermost open cell."""
        if self._open_rows and self._open_rows[-1]:
            self._open_rows[-1][-1] += data

    def _close_row(self) -> None:
        cells = [" ".join(cell.split()) for cell in self._open_rows[-1]]
        if len(cells) == 2 and cells[0]:
            self.pairs.append((cells[0], cells[1]))
        self._open_rows[-1] = []
