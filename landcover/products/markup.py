"""XML that comes with a product: read without trusting it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from landcover.errors import InputError

MOST_BYTES = 64 << 20
"""A larger file is no metadata: the largest of a Sentinel-2 product has about a megabyte."""


def read_xml(path: Path) -> ElementTree.Element:
    """Parse an XML file of a delivery.

    A document type is refused where it begins: metadata have none, and the entities that it may
    define can grow a kilobyte to gigabytes, or name files of this machine.

    Raises:
        InputError: The file is absent, no valid XML, too large, or brings a document type.
    """
    parser = ElementTree.XMLParser(target=_PlainBuilder(path))
    try:
        if (size := path.stat().st_size) > MOST_BYTES:
            raise InputError(
                f"{path}: {size / 1e6:.0f} MB of XML, expected metadata of at most "
                f"{MOST_BYTES / 1e6:.0f} MB. Deliver the product again."
            )
        return ElementTree.parse(path, parser).getroot()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from error
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # or no such encoding
        raise InputError(f"{path}: not valid XML ({error}). Deliver the product again.") from error


def elements(root: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    """Find elements by local name, because namespace prefixes vary between baselines."""
    return (element for element in root.iter() if element.tag.rpartition("}")[2] == name)


class _PlainBuilder(ElementTree.TreeBuilder):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        raise InputError(
            f"{self._path}: the XML defines a document type ({name}), which product metadata "
            "never do, so it is not read. Deliver the product again from a source you trust."
        )
