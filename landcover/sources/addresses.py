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
or under ``{zone}/{band}/{square}``), ``collection=NAME`` (STAC), ``catalogue=``, ``download=``,
``identity=``, ``s3=``, ``bucket=`` (Copernicus Data Space: addresses of its services and the
name of its bucket). Credentials are never part of an address (:mod:`landcover.sources.access`).

A word of the table wins over a folder of that name: write ``./google`` for the folder. A path
that exists is that path, whatever commas it holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import parse_qsl

from landcover.errors import UsageError
from landcover.sources.access import Access, read_access
from landcover.sources.fallback import FallbackSource
from landcover.sources.local import LocalSource
from landcover.sources.protocol import Source

WORDS = ("google", "earth-search", "earth-search-c1", "cdse-stac", "cdse-odata")
_SCHEMES = ("gs://", "s3://", "stac+http://", "stac+https://")
_SERVICES = {"catalogue", "download", "identity", "s3", "bucket"}
_LAYOUTS = ("flat", "tiles")


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
        access: Credentials and patience; those of the environment if None.

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
    return sources[0] if len(sources) == 1 else FallbackSource(sources)


def _open(address: str, access: Access) -> Source:
    place, _, query = address.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    if place.startswith(("stac+", "earth-search", "cdse-stac")):
        return _open_stac(place, options, access, address)
    if place == "cdse-odata":
        from landcover.sources.copernicus import Addresses, CopernicusSource

        _allow(options, _SERVICES, address)
        return CopernicusSource(access, Addresses(**options))
    _allow(options, {"endpoint", "layout"}, address)
    scheme, _, rest = place.partition("://")
    bucket, _, root = rest.partition("/")
    if scheme == "s3":
        from landcover.sources.s3 import open_s3

        is_flat = _is_flat(options, "flat", address)
        _require_bucket(bucket, address)
        return open_s3(access, bucket, root, endpoint=options.get("endpoint"), is_flat=is_flat)
    from landcover.sources.google import PUBLIC_BUCKET, PUBLIC_ROOT, open_google

    if scheme != "gs":
        bucket = PUBLIC_BUCKET
    _require_bucket(bucket, address)
    if bucket == PUBLIC_BUCKET and not root:
        root = PUBLIC_ROOT
    is_flat = _is_flat(options, "tiles", address)
    return open_google(access, bucket, root, endpoint=options.get("endpoint"), is_flat=is_flat)


def _open_stac(place: str, options: dict[str, str], access: Access, address: str) -> Source:
    from landcover.sources.copernicus import Addresses
    from landcover.sources.stac import COPERNICUS, EARTH_SEARCH, StacSource

    if place == "earth-search":
        _allow(options, set(), address)
        return StacSource(access, EARTH_SEARCH, "sentinel-2-l2a", provider="Earth Search")
    if place == "earth-search-c1":
        _allow(options, set(), address)
        return StacSource(access, EARTH_SEARCH, "sentinel-2-c1-l2a", provider="Earth Search C1")
    _allow(options, _SERVICES | {"collection"}, address)
    collection = options.pop("collection", "sentinel-2-l2a")
    services = Addresses(**options)
    if place == "cdse-stac":
        provider = "Copernicus Data Space (STAC)"
        return StacSource(access, COPERNICUS, collection, provider=provider, addresses=services)
    return StacSource(access, place.removeprefix("stac+"), collection, addresses=services)


def _parts(address: str) -> list[str]:
    if _exists(address):
        return [address]
    parts = [part.strip() for part in address.split(",")]
    # A path may hold a comma; a list holds at least one address that is no path.
    if len(parts) > 1 and any(_is_remote(part) for part in parts):
        return [part for part in parts if part]
    return [address]


def _is_remote(part: str) -> bool:
    place = part.partition("?")[0].rstrip(":")
    if place in WORDS or part.startswith(_SCHEMES):
        return True
    scheme, found, _ = part.partition("://")
    if found and scheme != "file":
        raise UsageError(
            f"--products {part}: unknown kind of address. Expected a folder, "
            f"{', '.join(WORDS)}, gs://…, s3://… or stac+https://…"
        )
    near = get_close_matches(place, WORDS, 1, 0.8)
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


def _is_flat(options: Mapping[str, str], default: str, address: str) -> bool:
    layout = options.get("layout", default)
    if layout not in _LAYOUTS:
        raise UsageError(f"--products {address}: layout is flat or tiles, found {layout!r}.")
    return layout == "flat"


def _require_bucket(bucket: str, address: str) -> None:
    if not bucket:
        raise UsageError(f"--products {address}: names no bucket. Expected s3://bucket/root.")


def _allow(options: Mapping[str, str], known: set[str], address: str) -> None:
    for option in options:
        if option not in known:
            allowed = ", ".join(sorted(known)) or "none"
            raise UsageError(f"--products {address}: unknown option {option!r}. Known: {allowed}.")
