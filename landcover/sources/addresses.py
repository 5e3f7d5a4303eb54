"""Where products come from: the addresses that ``--products`` takes.

============================================  ==================================================
address                                       what it is
============================================  ==================================================
``folder``, ``./folder``, ``file:///folder``  products on this machine; nothing is copied
``google``                                    the public bucket of Google Cloud Storage
``gs://bucket/root``                          a bucket laid out like it
``s3://bucket/root``                          a bucket with the products directly under the root
``earth-search``                              Element84 Earth Search, ``sentinel-2-l2a`` (COGs)
``earth-search-c1``                           Element84 Earth Search, Collection 1 (COGs)
``stac+https://host/v1?collection=NAME``      a collection of any STAC API
``cdse-stac``                                 Copernicus Data Space by STAC; files need S3 keys
``cdse-odata``                                Copernicus Data Space by OData; files need S3 keys
                                              or an account
``first,second``                              a second provider where the first one fails
============================================  ==================================================

Options follow a ``?`` and are joined by ``&``: ``endpoint=URL`` (``google``, ``gs``, ``s3``:
address of the service), ``layout=flat|tiles`` (``gs``, ``s3``: products directly under the root,
or under ``{zone}/{band}/{square}``), ``collection=NAME`` (STAC), ``hosts=NAME`` (STAC: further
hosts that items and files may lie on, several with ``+`` between), ``catalogue=``, ``download=``,
``identity=``, ``s3=``, ``bucket=`` (Copernicus Data Space: addresses of its services and the
name of its bucket), ``delivery=cog|jp2`` (``stac+https``: how its rasters come).
Credentials are never part of an address (:mod:`landcover.sources.access`).

A word of the table wins over a folder of that name: write ``./google`` for the folder. A path
that exists is that path, whatever commas it holds.
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from urllib.parse import parse_qsl

from landcover.errors import UsageError
from landcover.nouns.source_kinds import (
    DELIVERIES,
    Address,
    SourceKind,
    kind_of,
    listed,
    words,
)
from landcover.sources.access import Access, read_access
from landcover.sources.cheapest import CheapestSource
from landcover.sources.fallback import FallbackSource
from landcover.sources.hosts import refuse_password
from landcover.sources.local import LocalSource
from landcover.sources.protocol import Source


def is_remote(address: str) -> bool:
    """Tell whether an address names a place whose products have to be fetched."""
    return any(_is_remote(part) for part in _parts(address))


def absolute(address: str) -> str:
    """Write an address so that it means the same in every process: paths become absolute."""
    return ",".join(
        part if _is_remote(part) else str(_path(part).resolve()) for part in _parts(address)
    )


def open_source(address: str, access: Access | None = None) -> Source:
    """Open what an address names.

    Args:
        address: As the table above says.
        access: Credentials and retry policy; those of the environment if None.

    Raises:
        UsageError: The address or an option of it is unknown, or credentials are half given.
        InputError: A folder does not exist.
    """
    parts = _parts(address)
    if not any(_is_remote(part) for part in parts) and len(parts) == 1:
        return LocalSource(_path(parts[0]))
    known = access or read_access()
    sources = [
        _open(part, known) if _is_remote(part) else LocalSource(_path(part)) for part in parts
    ]
    if len(sources) == 1:
        return sources[0]
    if known.prefers_cheapest:
        return CheapestSource(sources, [_delivery(part) for part in parts])
    return FallbackSource(sources)


def _taken_apart(text: str) -> tuple[Address, SourceKind | None]:
    place, _, query = text.partition("?")
    address = Address(text, place.rstrip(":"), dict(parse_qsl(query, keep_blank_values=True)))
    return address, kind_of(address.place)


def _delivery(part: str) -> str | None:
    """Say how an address delivers; None for a folder, whose products differ."""
    address, kind = _taken_apart(part)
    if kind is None:
        return None
    delivery = address.options.get("delivery", kind.delivery)
    if delivery not in DELIVERIES:
        raise UsageError(
            f"--products {part}: delivery={delivery}: expected {' or '.join(DELIVERIES)}."
        )
    return delivery


def _open(text: str, access: Access) -> Source:
    address, kind = _taken_apart(text)
    if kind is None:
        raise _unknown(text)
    for option in address.options:
        if option not in kind.options:
            known = ", ".join(sorted(kind.options)) or "none"
            raise UsageError(f"--products {text}: unknown option {option!r}. Known: {known}.")
    source: Source = kind.open(address, access)
    return source


def _unknown(text: str) -> UsageError:
    return UsageError(
        f"--products {text}: unknown kind of address. Expected a folder, or one of {listed()}."
    )


def _parts(address: str) -> list[str]:
    if _exists(address):
        return [address]
    refuse_password(
        address, "--products", "Credentials are given by the environment or by mounted files "
        "(docs/sources-and-stores.md)."
    )  # fmt: skip
    parts = [part.strip() for part in address.split(",")]
    # A path may hold a comma; a list holds at least one address that is no path.
    if len(parts) > 1 and any(_is_remote(part) for part in parts):
        return [part for part in parts if part]
    return [address]


def _is_remote(part: str) -> bool:
    place = part.partition("?")[0].rstrip(":")
    if kind_of(place) is not None:
        return True
    scheme, found, _ = part.partition("://")
    if found and scheme != "file":
        raise _unknown(part)
    near = get_close_matches(place, words(), 1, 0.8)
    if near and "/" not in part and not _exists(part):
        raise UsageError(f"--products {part}: no such folder. Did you mean {near[0]!r}?")
    return False


def _exists(part: str) -> bool:
    try:
        return _path(part).exists()
    except OSError:  # too long for a name: an address
        return False


def _path(part: str) -> Path:
    return Path(part.removeprefix("file://"))
