"""Regions and recipes as people paste them: tile ids, GeoJSON, WKT, or an address.

A form takes no file, and the machine that shows it is not the one that works. So a region is its
text, or an address that the worker resolves; what is found is kept as a file of the workspace.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import urlopen

from landcover.errors import InputError, UnavailableError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FETCH_SECONDS = 8.0
"""Longest time that an address is given: a person waits for the answer."""
MOST_BYTES = 32 << 20
"""Larger files are no region and no recipe."""
_TILE = re.compile(r"\d{1,2}[A-Z]{3}")
_WKT = re.compile(r"\s*(SRID=\d+;)?\s*(MULTI)?POLYGON\b", re.IGNORECASE)
_WEB = ("http://", "https://")
_REMOTE = (*_WEB, "s3://", "file://")


def named_region(given: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the region of a request into what a run takes: tiles, or a file of polygons.

    Args:
        given: Arguments of a run; ``region`` may be tile ids, GeoJSON, WKT, a path or an address.

    Returns:
        The arguments; ``region`` is a path or absent.

    Raises:
        UsageError: It is none of these; the sentence shows what was found.
        UnavailableError: The address does not answer.
        InputError: There is no such file at the address.
    """
    region = given.get("region")
    if region is None or (isinstance(region, str) and not region.strip()):
        return {**given, "region": None}
    if isinstance(region, Path):
        return dict(given)
    words = _words(region)
    if words and all(_TILE.fullmatch(word) for word in words):
        if given.get("tiles"):
            raise UsageError("The region names tiles, and tiles are given too; give them once.")
        return {**given, "tiles": words, "region": None}
    if not isinstance(region, str):
        raise UsageError(f"Region: expected tile ids such as 30SUF, found {', '.join(words[:6])}.")
    return {**given, "region": str(_file_of(region.strip()))}


def fetched_recipe(address: str | Path) -> Path:
    """Give a recipe as a file of this machine: a path stays as it is, an address is read.

    Raises:
        UnavailableError: The address does not answer.
        InputError: There is no such file at the address.
    """
    text = str(address)
    if not text.startswith(_REMOTE):
        return Path(text)
    return _kept(_fetch(text), ".yaml")


def _words(region: str | Sequence[str]) -> list[str]:
    lines = [region] if isinstance(region, str) else region
    return [word for line in lines for word in str(line).replace(",", " ").split()]


def _file_of(text: str) -> Path:
    if text.startswith("{"):
        try:
            document = json.loads(text)
        except ValueError as error:
            raise UsageError(f"Region: the pasted GeoJSON is not valid JSON ({error}).") from error
        if not document.get("type") or document.get("features") == []:
            raise UsageError(
                "Region: the pasted GeoJSON holds no polygon; expected a polygon, or features with "
                "at least one."
            )
        return _kept(text.encode(), ".geojson")
    if _WKT.match(text):
        return _kept(_as_geojson(text).encode(), ".geojson")
    if text.startswith(_REMOTE):
        return _kept(_fetch(text), Path(text.partition("?")[0]).suffix or ".geojson")
    path = Path(text)
    try:
        if path.is_file():
            return path
    except OSError:  # too long to be a path
        pass
    shown = text if len(text) <= 60 else text[:57] + "..."
    raise UsageError(
        f"Region {shown!r}: expected tile ids such as 30SUF, GeoJSON, WKT, or the address of a "
        "file of polygons; there is no such file."
    )


def _as_geojson(text: str) -> str:
    import shapely

    try:
        return str(shapely.to_geojson(shapely.from_wkt(re.sub(r"^\s*SRID=4326;", "", text))))
    except shapely.GEOSException as error:
        said = " ".join(str(error).split())
        raise UsageError(f"Region: the pasted WKT cannot be read ({said}).") from error


def _fetch(address: str) -> bytes:
    """Read what lies at an address: the web, a bucket, or this machine."""
    if address.startswith("file://"):
        try:
            return Path(address.removeprefix("file://")).read_bytes()
        except OSError as error:
            raise InputError(f"{address}: cannot be read ({error.strerror}).") from error
    if address.startswith("s3://"):
        return _fetch_object(address)
    try:
        with urlopen(address, timeout=FETCH_SECONDS) as answer:
            found: bytes = answer.read(MOST_BYTES + 1)
    except (URLError, OSError, ValueError) as error:
        code = getattr(error, "code", None)
        if code is not None and code < 500:
            raise InputError(f"{address}: the server answers {code}; check the address.") from error
        raise UnavailableError(f"{address}: does not answer ({error}).") from error
    _require_small(address, len(found))
    return found


def _fetch_object(address: str) -> bytes:
    """Read an object of any bucket of the S3 server that the settings name.

    The credentials are those of this process, as for the project's own store.
    """
    from landcover.front.workspace import open_workspace
    from landcover.settings import read_settings

    bucket, _, key = address.removeprefix("s3://").partition("/")
    folder, _, name = key.rpartition("/")
    if not bucket or not name:
        raise UsageError(f"{address}: expected s3://bucket/key of a file.")
    place = f"s3://{bucket}/{folder}".rstrip("/")
    settings = replace(read_settings(), objects=place, patience_seconds=FETCH_SECONDS)
    server = settings.s3_endpoint or "that of Amazon"
    objects = open_workspace(settings).objects
    try:
        size = objects.size(name)
        if size is None:
            raise InputError(f"{address}: no such object.")
        _require_small(address, size)
        with objects.local(name) as path:
            return path.read_bytes()
    except InputError as error:  # what the store advises is about the project's own bucket
        said = str(error).partition(". ")[0].rstrip(".")
        raise InputError(
            f"{said}. Addresses of s3:// are read on the server of the settings ({server}) with "
            "the credentials of the workers; check these, or give an address of https://."
        ) from error


def _require_small(address: str, n_bytes: int) -> None:
    if n_bytes > MOST_BYTES:
        raise UsageError(f"{address}: larger than {MOST_BYTES >> 20} MB, no region and no recipe.")


def _kept(content: bytes, suffix: str) -> Path:
    """Keep a file under the name of its content, so that the same text is the same file."""
    from landcover.settings import read_settings

    folder = read_settings().workspace / "given"
    path = folder / f"{hashlib.sha256(content).hexdigest()[:16]}{suffix}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f"{suffix}.{id(content)}")
        part.write_bytes(content)
        part.replace(path)
    return path
