"""What ``manifest.safe`` promises of a product's files: their bytes and checksums.

JPEG 2000 has no checksums of its own: where bytes in the middle of a file are wrong, it decodes
to wrong reflectance without a word. The manifest is what tells.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from landcover.errors import InputError
from landcover.products.markup import elements, read_xml

NAME = "manifest.safe"
_CHUNK = 1 << 20
# checksumName of the manifest → name of hashlib; MD5 until about 2021, SHA3-256 since.
_KINDS = {"md5": "md5", "sha3-256": "sha3_256", "sha-256": "sha256", "sha256": "sha256"}


@dataclass(frozen=True)
class ManifestEntry:
    """What a file should be."""

    size: int | None
    """Bytes; None where the manifest does not say."""
    kind: str | None
    """Name of the checksum in hashlib; None where it is absent or of an unknown kind."""
    sum: str
    """The checksum, lower-case hex."""


def read_manifest(folder: Path) -> dict[str, ManifestEntry]:
    """Read what the manifest of a product promises.

    Args:
        folder: Product folder.

    Returns:
        Path relative to the folder → entry; empty where there is no manifest.

    Raises:
        InputError: The manifest is damaged.
    """
    path = folder / NAME
    if not path.is_file():
        return {}
    entries = {}
    for stream in elements(read_xml(path), "byteStream"):
        place = next(elements(stream, "fileLocation"), None)
        checksum = next(elements(stream, "checksum"), None)
        if place is None or not place.get("href"):
            continue
        size = stream.get("size", "")
        name = "" if checksum is None else checksum.get("checksumName", "")
        entries[place.attrib["href"].removeprefix("./")] = ManifestEntry(
            size=int(size) if size.isdecimal() else None,
            kind=_KINDS.get(name.lower()),
            sum="" if checksum is None else (checksum.text or "").strip().lower(),
        )
    return entries


def check_manifest(
    folder: Path, files: Sequence[Path], check: Callable[[], None] = lambda: None
) -> None:
    """Refuse files that are not what the manifest of their product promises.

    A file that the manifest does not name is taken as it is.

    Args:
        folder: Product folder.
        files: Rasters in it, absolute; each is read once, whole. Metadata are not for this:
            mirrors and people correct them and leave the manifest as it was.
        check: Called between files; raises where the work shall end.

    Raises:
        InputError: A file has other bytes.
    """
    entries = read_manifest(folder) if files else {}
    for file in files if entries else ():
        entry = entries.get(Path(os.path.relpath(file, folder)).as_posix())
        if entry is None:
            continue
        check()
        size = file.stat().st_size
        if entry.size is not None and size != entry.size:
            raise _broken(file, f"{entry.size} bytes", f"{size}")
        if entry.kind is not None and (found := _sum_of(file, entry.kind)) != entry.sum:
            raise _broken(file, f"checksum {entry.sum[:12]}…", f"{found[:12]}…")


def _broken(file: Path, expected: str, found: str) -> InputError:
    return InputError(
        f"{file}: damaged or only partly uploaded: {NAME} promises {expected}, found {found}. "
        f"Deliver the file again; if the product was edited on purpose, remove its {NAME}."
    )


def _sum_of(file: Path, kind: str) -> str:
    digest = hashlib.new(kind, usedforsecurity=False)
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
