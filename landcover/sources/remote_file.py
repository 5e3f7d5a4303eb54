"""A file that a server has, and what its bytes are written to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from landcover.sources.checksums import Checksum


class Sink(Protocol):
    """What a client writes an answer's bytes to."""

    @property
    def position(self) -> int:
        """Bytes that are here: what the client has to begin at."""
        ...

    def write(self, data: bytes, /) -> int:
        """Take the next bytes."""
        ...

    def restart(self) -> None:
        """Forget the bytes: the server begins at the first one again."""
        ...

    def expect(self, n_bytes: int, checksum: Checksum | None = None) -> None:
        """Say size and sum of the whole file as the answer tells them, where nobody knew."""
        ...


@dataclass(frozen=True)
class RemoteFile:
    """One file that a server has."""

    name: str
    """Path of the file within the folder, with slashes."""
    address: str
    """Where it is, for messages."""
    send: Callable[[Sink], None]
    """Writes the bytes from the sink's position on. Raises AwayError where trying again helps."""
    size: int | None = None
    """Bytes; None where nobody told."""
    checksum: Checksum | None = None
    """None where nobody told."""

    @property
    def partial_name(self) -> str:
        """Name while it is not whole: another version of the file has another one."""
        version = f"{self.address} {self.size} {self.checksum}"
        return f"{self.name}.{hashlib.sha256(version.encode()).hexdigest()[:8]}.part"


class MemorySink:
    """Takes a small file into memory."""

    def __init__(self) -> None:
        self.data = bytearray()

    @property
    def position(self) -> int:
        """Bytes that are here."""
        return len(self.data)

    def write(self, data: bytes, /) -> int:
        """Take the next bytes."""
        self.data += data
        return len(data)

    def restart(self) -> None:
        """Forget the bytes."""
        self.data.clear()

    def expect(self, n_bytes: int, checksum: Checksum | None = None) -> None:
        """Do nothing: a small file needs no plan."""
