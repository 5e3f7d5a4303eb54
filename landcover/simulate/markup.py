"""XML with the few habits of ESA's metadata: an n1 prefix, text elements, indented."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent, register_namespace

_SCHEMAS = "https://psd-14.sentinel2.eo.esa.int/PSD/"


def root(name: str, schema: str) -> Element:
    """Start a document whose root and sections carry ESA's namespace.

    Args:
        name: Element name, ``Level-2A_User_Product``.
        schema: File of its schema, ``User_Product_Level-2A.xsd``.
    """
    register_namespace("n1", _SCHEMAS + schema)
    return Element(f"{{{_SCHEMAS}{schema}}}{name}")


def section(parent: Element, name: str) -> Element:
    """Add a section of the first level, in the root's namespace."""
    namespace = parent.tag.partition("}")[0]
    return SubElement(parent, f"{namespace}}}{name}")


def add(parent: Element, name: str, text: object = None, **attributes: str) -> Element:
    """Add an element with or without text and return it."""
    child = SubElement(parent, name, attributes)
    if text is not None:
        child.text = str(text)
    return child


def save(document: Element, path: Path) -> None:
    """Write the document, indented by two."""
    indent(document)
    ElementTree(document).write(path, encoding="UTF-8", xml_declaration=True)


def instant(moment: datetime) -> str:
    """Write a moment as ``2021-03-10T10:57:40.024Z``."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
