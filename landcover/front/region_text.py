"""Regions and recipes as people paste them: tile ids, GeoJSON, WKT, or an address.

A form takes no file, and the machine that shows it is not the one that works. So a region is its
text, or an address that the worker resolves; what is found is kept as a file of the workspace.
"""

from __future__ import annotations

import hashlib
import json
import re
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
            json.loads(text)
        except ValueError as error:
            raise UsageError(f"Region: the pasted GeoJSON is not valid JSON ({error}).") from error
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
    """Read what lies at an address: the web, this machine, or the object store of the project."""
    from landcover.front.workspace import open_workspace

    if address.startswith("file://"):
        try:
            return Path(address.removeprefix("file://")).read_bytes()
        except OSError as error:
            raise InputError(f"{address}: cannot be read ({error.strerror}).") from error
    if address.startswith("s3://"):
        objects = open_workspace().objects
        root = objects.address.rstrip("/") + "/"
        if not address.startswith(root):
            raise UsageError(f"{address}: only files of the project's store {root} can be read.")
        key, _, name = address.removeprefix(root).rpartition("/")
        with objects.local(key, name) as path:
            return path.read_bytes()
    try:
        with urlopen(address, timeout=FETCH_SECONDS) as answer:
            found: bytes = answer.read(MOST_BYTES + 1)
    except (URLError, OSError, ValueError) as error:
        code = getattr(error, "code", None)
        if code is not None and code < 500:
            raise InputError(f"{address}: the server answers {code}; check the address.") from error
        raise UnavailableError(f"{address}: does not answer ({error}).") from error
    if len(found) > MOST_BYTES:
        raise UsageError(f"{address}: larger than {MOST_BYTES >> 20} MB, no region and no recipe.")
    return found


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
