"""The kinds of sources: one row a kind, whose module is imported when its address is opened.

A source is added by a file that opens it and a row here: addresses, messages, command line, form
and docs list what this table lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

DELIVERIES = ("cog", "jp2")
"""How rasters are delivered, the ones that decode fastest first: deflated GeoTIFFs take a
sixteenth of the CPU of JPEG 2000."""
SERVICES = ("catalogue", "download", "identity", "s3", "bucket")
"""Options that name the services of the Copernicus Data Space and their bucket."""


@dataclass(frozen=True)
class Address:
    """An address of ``--products``, taken apart."""

    text: str
    """As it was given, for messages."""
    place: str
    """What stands before the ``?``."""
    options: Mapping[str, str]
    """What stands behind it."""


@dataclass(frozen=True)
class SourceKind:
    """A row of the table."""

    address: str
    """How its addresses look: a word, or a scheme that ends in ``://``."""
    title: str
    """What it is."""
    options: tuple[str, ...]
    """Options that may follow a ``?``."""
    module: str
    """Where it is opened."""
    opener: str
    """Name of the function: (``Address``, ``Access``) → ``Source``, or a UsageError."""
    also: tuple[str, ...] = ()
    """Other schemes of the same kind, which lists leave out."""
    delivery: str = "jp2"
    """One of :data:`DELIVERIES`, unless the address says another by ``delivery=``."""

    @property
    def is_word(self) -> bool:
        """True where the whole address is one word."""
        return "://" not in self.address

    def claims(self, place: str) -> bool:
        """Tell whether an address, without its options, is of this kind."""
        return (
            place == self.address if self.is_word else place.startswith((self.address, *self.also))
        )

    def open(self, address: Address, access: Any) -> Any:
        """Open a source; its module is imported now."""
        return getattr(import_module(self.module), self.opener)(address, access)


_HERE = "landcover.sources."
_BUCKET = ("endpoint", "layout")
KINDS: tuple[SourceKind, ...] = (
    SourceKind("google", "the public bucket of Google Cloud Storage", _BUCKET,
               _HERE + "google", "open_address"),
    SourceKind("gs://", "a bucket of Google Cloud Storage", _BUCKET,
               _HERE + "google", "open_address"),
    SourceKind("s3://", "a bucket of an S3 service", _BUCKET, _HERE + "s3", "open_address"),
    SourceKind("earth-search", "Element84 Earth Search, sentinel-2-l2a (COGs)", (),
               _HERE + "stac", "open_earth_search", delivery="cog"),
    SourceKind("earth-search-c1", "Element84 Earth Search, Collection 1 (COGs)", (),
               _HERE + "stac", "open_earth_search_c1", delivery="cog"),
    SourceKind("cdse-stac", "Copernicus Data Space by STAC", ("collection", "hosts", *SERVICES),
               _HERE + "stac", "open_copernicus"),
    SourceKind("cdse-odata", "Copernicus Data Space by OData", SERVICES,
               _HERE + "copernicus", "open_odata"),
    SourceKind("stac+https://", "a collection of a STAC API",
               ("collection", "hosts", "delivery", *SERVICES),
               _HERE + "stac", "open_api", also=("stac+http://",)),
)  # fmt: skip


def kind_of(place: str) -> SourceKind | None:
    """Find the kind of an address, given without its options; None where it is a path."""
    return next((row for row in KINDS if row.claims(place)), None)


def words() -> tuple[str, ...]:
    """List the addresses that are one word."""
    return tuple(row.address for row in KINDS if row.is_word)


def listed() -> str:
    """List what an address may look like, as messages and help do."""
    return ", ".join(row.address if row.is_word else f"{row.address}…" for row in KINDS)
