"""Labels from KML and KMZ: placemarks as map editors and GIS programs write them.

Namespaces are passed over (every vendor has its own). A KMZ is read in memory; nothing of it is
written to disk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from posixpath import normpath
from xml.etree import ElementTree
from zipfile import ZipFile

import numpy as np
import shapely

from landcover.errors import InputError
from landcover.labels.archives import members_of, open_archive, read_member
from landcover.labels.features import (
    FileRule,
    LabelFeatures,
    check_geometries,
    columns_of,
)
from landcover.labels.html_table import table_pairs

# A million placemarks take about 250 MB of KML; far beyond, a KMZ is a bomb rather than a map.
MAX_KML_BYTES = 1 << 29

_MOST_FOLDERS = 20
_MAIN = "doc.kml"
"""The file that a viewer opens (KMZ: OGC 12-007r2, 6.4)."""

Element = ElementTree.Element


def read_kml(path: Path, _: FileRule | None = None) -> LabelFeatures:
    """Read a KML file.

    Attributes of a placemark, each yielding to those before it: ExtendedData (Data and
    SchemaData), a two-column HTML table in the description (key cell, value cell), the
    placemark's ``name``, and the names of the folders it lies in: ``folder`` is the innermost one,
    ``folder_1``, ``folder_2`` … count from outside inwards.

    Args:
        path: KML, WGS84 longitude, latitude and, ignored, altitude.

    Returns:
        One entry per placemark; numbers count from 1.

    Raises:
        InputError: The XML is malformed (the message gives the line), has no placemark, or a
            geometry is malformed or not on Earth.
    """
    return _features(path, [(path.name, _root(path.name, path.read_bytes()))])


def read_kmz(path: Path, _: FileRule | None = None) -> LabelFeatures:
    """Read the KML files of a KMZ (see :func:`read_kml`).

    These are ``doc.kml`` and what it links to inside the archive; all of them where there is no
    ``doc.kml`` or those hold no placemark. What is left out is told in a remark. Numbers of
    placemarks go on from file to file.

    Raises:
        InputError: The zip is damaged, encrypted or far too large, a member's path leads out of
            it, it holds no KML, or a KML is at fault.
    """
    with open_archive(path) as archive:
        members = members_of(archive, ".kml")
        if not members:
            names = archive.namelist()[:5]
            raise InputError(f"{path.name}: the archive holds no .kml file among {names}.")
        read = _Reader(path, archive, is_alone=len(members) == 1)
        chosen = _linked(read, members) if _MAIN in members else []
        if not any(next(_placemarks(root), None) for _, root in chosen):
            chosen = [read(member) for member in members]
    used = {name for name, _ in chosen}
    left = [member for member in members if read.name_of(member) not in used]
    found = _features(path, chosen)
    if not left:
        return found
    remark = f"not read, since {_MAIN} does not link to them: {', '.join(left[:5])}."
    return replace(found, remarks=(remark,))


class _Reader:
    """Parses members of an archive, within one limit for all of them together."""

    def __init__(self, path: Path, archive: ZipFile, *, is_alone: bool) -> None:
        self._path, self._archive, self._is_alone = path, archive, is_alone
        self._left = MAX_KML_BYTES

    def name_of(self, member: str) -> str:
        """Name a member in messages."""
        return self._path.name if self._is_alone else f"{self._path.name}: {member}"

    def __call__(self, member: str) -> tuple[str, Element]:
        data = read_member(self._path, self._archive, member, self._left)
        self._left -= len(data)
        return self.name_of(member), _root(self.name_of(member), data)


def _linked(read: _Reader, members: Sequence[str]) -> list[tuple[str, Element]]:
    """Read the main file and what it links to, and so on, inside the archive."""
    wanted, found = [_MAIN], []
    for member in wanted:  # grows while it is walked through
        found.append(read(member))
        for link in _within(found[-1][1], "Link"):
            place = normpath((PurePosixPath(member).parent / _child_text(link, "href")).as_posix())
            if place in members and place not in wanted:
                wanted.append(place)
    return found


@dataclass(frozen=True)
class _Placemark:
    """A placemark with the folders it lies in, from outside inwards."""

    element: Element
    folders: tuple[str, ...]


def _features(path: Path, roots: Sequence[tuple[str, Element]]) -> LabelFeatures:
    """Read the placemarks of several documents, each with the name that messages give it."""
    found = [(name, placemark) for name, root in roots for placemark in _placemarks(root)]
    if not found:
        raise InputError(_without_placemarks(path, [root for _, root in roots]))
    geometries = np.empty(len(found), dtype=object)
    for index, (name, placemark) in enumerate(found):
        try:
            geometries[index] = _geometry(placemark.element)
        except (
            ValueError, IndexError, OverflowError, RecursionError, shapely.errors.ShapelyError,
        ) as error:  # fmt: skip
            said = str(error)[:160]
            raise InputError(
                f"{name}: placemark {index + 1}: the geometry is malformed ({said})."
            ) from error
    numbers = np.arange(1, len(found) + 1)
    check_geometries(path, geometries, numbers, "placemark")
    attributes = columns_of([_attributes(placemark) for _, placemark in found])
    return LabelFeatures(geometries, attributes, numbers, "placemark")


def _root(name: str, data: bytes) -> Element:
    if not data.strip():
        raise InputError(f"{name}: the file is empty; labels were expected.")
    if b"<!ENTITY" in data.replace(b"\0", b""):  # in UTF-16 as well
        raise InputError(f"{name}: refused, the KML declares XML entities; remove them.")
    try:
        return ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise InputError(f"{name}: malformed KML ({error}); deliver the file again.") from error


def _without_placemarks(path: Path, roots: Sequence[Element]) -> str:
    links = [_child_text(link, "href") for root in roots for link in _within(root, "Link")]
    if not links:
        return f"{path.name}: the KML holds no placemarks; labels were expected."
    return (
        f"{path.name}: the KML holds no placemarks, it links to {links[0]!r}, and links are not "
        "followed; open it and save the layer itself."
    )


def _placemarks(root: Element) -> Iterator[_Placemark]:
    """Walk through a document in its order, with a pile: some files nest too deeply to recurse."""
    pile: list[tuple[Element, tuple[str, ...]]] = [(root, ())]
    while pile:
        element, folders = pile.pop()
        tag = _tag(element)
        if tag == "Placemark":
            yield _Placemark(element, folders)
            continue
        if tag == "Folder":
            folders = (*folders[-_MOST_FOLDERS:], _child_text(element, "name"))
        pile += [(child, folders) for child in reversed(element)]


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _within(element: Element, tag: str) -> Iterator[Element]:
    return (found for found in element.iter() if _tag(found) == tag)


def _child_text(element: Element, tag: str) -> str:
    return next((child.text or "" for child in element if _tag(child) == tag), "").strip()


def _attributes(placemark: _Placemark) -> dict[str, str]:
    element = placemark.element
    found: dict[str, str] = {}
    for entry in _within(element, "Data"):
        found.setdefault(entry.get("name", ""), _child_text(entry, "value"))
    for entry in _within(element, "SimpleData"):
        found.setdefault(entry.get("name", ""), (entry.text or "").strip())
    for key, value in table_pairs(_child_text(element, "description")):
        found.setdefault(key, value)
    found.setdefault("name", _child_text(element, "name"))
    if placemark.folders:
        found.setdefault("folder", placemark.folders[-1])
        for depth, name in enumerate(placemark.folders, start=1):
            found.setdefault(f"folder_{depth}", name)
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
    """Read ``lon,lat[,altitude]`` tuples; blanks around the commas are forgiven."""
    text = next((found.text or "" for found in _within(element, "coordinates")), "")
    tuples: list[list[str]] = []
    goes_on = False
    # Token by token: an expression for blanks around commas takes quadratic time on long blanks.
    for token in text.replace(",", " , ").split():
        if token == ",":
            if goes_on or not tuples:
                tuples = tuples or [[]]
                tuples[-1].append("")
            goes_on = True
        elif goes_on:
            tuples[-1].append(token)
            goes_on = False
        else:
            tuples.append([token])
    return [(float(part[0]), float(part[1])) for part in tuples]
