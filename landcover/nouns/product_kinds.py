"""The kinds of products: one row a kind, whose module is imported when a folder is looked at.

A kind is added by a file that recognises and reads it and a row here. The first row that
recognises a folder reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class ProductKind:
    """A row of the table."""

    name: str
    """Short name, as in settings and tests."""
    title: str
    """What people call it, with what it is known by."""
    module: str
    """Where it is read."""
    recogniser: str
    """Name of the function that tells whether a path is of this kind: path → bool. It opens no
    raster."""
    reader: str
    """Name of the function that reads what a path is: path → ``Product``, or an InputError."""

    def recognises(self, path: Any) -> bool:
        """Tell whether a path is a product of this kind."""
        return bool(getattr(import_module(self.module), self.recogniser)(path))

    def read(self, path: Any) -> Any:
        """Read what a product is, without its pixels."""
        return getattr(import_module(self.module), self.reader)(path)


KINDS: tuple[ProductKind, ...] = (
    ProductKind("safe", "a SAFE folder of Level-2A (with MTD_MSIL2A.xml)",
                "landcover.products.safe", "is_safe", "read_safe"),
    ProductKind("stac-item", "a folder with a STAC item and its rasters",
                "landcover.products.stac_item", "is_stac_item", "read_stac_item"),
    ProductKind("aws", "a folder of a tile as AWS lays it out (with tileInfo.json)",
                "landcover.products.aws", "is_aws_tile", "read_aws_tile"),
    ProductKind("flat", "GeoTIFFs that a flat-products.yaml describes",
                "landcover.products.flat", "is_flat", "read_flat"),
)  # fmt: skip


def listed(joint: str = "or") -> str:
    """List the kinds, as messages and help do."""
    titles = [row.title for row in KINDS]
    return f"{', '.join(titles[:-1])} {joint} {titles[-1]}"
