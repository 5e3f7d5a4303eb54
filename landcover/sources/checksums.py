"""Checksums as providers give them."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

_CHUNK = 1 << 20
_MD5_TAG = re.compile(r'"?([0-9a-f]{32})"?')
# Multihash codes (multiformats table) with their digest lengths, hex: md5, sha1, sha2-256.
_MULTIHASHES: dict[str, Literal["md5", "sha1", "sha256"]] = {
    "d50110": "md5", "1114": "sha1", "1220": "sha256"
}  # fmt: skip


class _Digest(Protocol):
    def update(self, data: bytes) -> None: ...
    def digest(self) -> bytes: ...


@dataclass(frozen=True)
class Checksum:
    """What the bytes of a file should sum up to."""

    kind: Literal["md5", "sha1", "sha256", "crc32c"]
    hex: str
    """The sum, lower-case hex."""

    def of(self, path: Path) -> str:
        """Compute the same kind of sum of a file, hex."""
        digest = self._digest()
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        return digest.digest().hex()

    def _digest(self) -> _Digest:
        if self.kind == "crc32c":
            import google_crc32c

            crc: _Digest = google_crc32c.Checksum()  # type: ignore[no-untyped-call]
            return crc
        return hashlib.new(self.kind, usedforsecurity=False)


def from_base64(kind: Literal["md5", "crc32c"], text: str | None) -> Checksum | None:
    """Read a sum as Google gives it; None where there is none."""
    return Checksum(kind, base64.b64decode(text).hex()) if text else None


def from_multihash(text: str | None) -> Checksum | None:
    """Read ``file:checksum`` of a STAC asset; None where it is absent or of another kind."""
    for prefix, kind in _MULTIHASHES.items():
        if text and text.lower().startswith(prefix):
            return Checksum(kind, text.lower().removeprefix(prefix))
    return None


def from_entity_tag(tag: str | None, encryption: str | None = None) -> Checksum | None:
    """Read the ``ETag`` of an S3 object where it is the MD5 of the bytes.

    It is not for objects that were uploaded in parts (their tag has a dash), nor for those that
    are encrypted with a key of a key service.
    """
    match = _MD5_TAG.fullmatch(tag or "")
    return Checksum("md5", match[1]) if match and "kms" not in (encryption or "") else None
