"""Objects: bytes under keys, published whole or not at all."""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from landcover.errors import InputError, UnavailableError
from landcover.stores import layout
from landcover.stores import scratch as scratches


class Upload(NamedTuple):
    """An upload in parts that was begun on a server and has not ended."""

    key: str
    """Key of the file, in the store."""
    id: str
    """What the server calls the upload."""


class ObjectStore(Protocol):
    """What a stage may ask of the place where bytes are kept."""

    @property
    def address(self) -> str:
        """What every path of an object begins with."""
        ...

    def publishing(self, key: str) -> AbstractContextManager[Path]:
        """Yield a scratch path; what is there at the end appears under ``key``."""
        ...

    def href(self, key: str, name: str | None = None) -> str:
        """Give the path under which GDAL opens an object, or one file in it, by window."""
        ...

    def local(self, key: str, name: str | None = None) -> AbstractContextManager[Path]:
        """Yield a local path of an object, or of one file in it, for readers other than GDAL."""
        ...

    def exists(self, key: str) -> bool:
        """Tell whether something was published under the key."""
        ...

    def sweep(self) -> int:
        """Remove what processes that are gone were writing; gives how many places."""
        ...

    def uploads(self) -> list[Upload]:
        """List the uploads in parts that have not ended, some hundred at most."""
        ...

    def abort(self, upload: Upload) -> None:
        """Remove the parts of an upload; nothing happens where it ended."""
        ...

    def size(self, key: str, name: str | None = None) -> int | None:
        """Give the bytes of an object's file; None where it is not there."""
        ...

    def sizes(self, key: str) -> dict[str, int]:
        """Give the bytes of each file of an object by name; the name is empty for a file."""
        ...

    def read(self, key: str, start: int, stop: int, name: str | None = None) -> bytes:
        """Read some bytes of an object's file, ``stop`` excluded; fewer where it ends before."""
        ...

    def remove(self, key: str) -> None:
        """Remove an object at once; nothing happens where there is none."""
        ...

    def move(self, key: str, to: str) -> None:
        """Move an object to a key where there is none; nothing happens where there is no object."""
        ...


class DirectoryStore:
    """Objects in a directory of the local disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def address(self) -> str:
        """What every path of an object begins with."""
        return str(self.root)

    @contextmanager
    def publishing(self, key: str) -> Iterator[Path]:
        """Yield a scratch path and publish what was put there by one rename.

        The scratch path does not exist yet: make a file or a folder of it. If somebody else has
        published the key meanwhile, theirs stays: ids come from inputs, so the bytes are equal.

        Args:
            key: Where the object shall appear.

        Yields:
            The path to write to. It is removed if the block raises.
        """
        final = self._path(key)
        with scratches.held(self._scratch()) as scratch:
            yield scratch
            final.parent.mkdir(parents=True, exist_ok=True)
            while not final.exists():
                try:
                    os.rename(scratch, final)
                    break
                except OSError as error:
                    # Somebody else published it between the look and the rename; look again.
                    if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                        raise

    def href(self, key: str, name: str | None = None) -> str:
        """Give the path of an object, or of one file in it."""
        return str(self._path(key, name))

    @contextmanager
    def local(self, key: str, name: str | None = None) -> Iterator[Path]:
        """Yield the path of an object, or of one file in it.

        Raises:
            InputError: It is not there.
        """
        path = self._path(key, name)
        if not path.exists():
            raise InputError(f"{path}: no such object; it was removed or never written. Run again.")
        yield path

    def exists(self, key: str) -> bool:
        """Tell whether something was published under the key."""
        return self._path(key).exists()

    def remove(self, key: str) -> None:
        """Remove an object at once; nothing happens where there is none.

        It is renamed away before it is deleted, so that nobody ever finds half of it.
        """
        path = self._path(key)
        if path.exists():
            scratch = self._scratch()
            with suppress(FileNotFoundError):  # somebody else was quicker
                os.rename(path, scratch)
            scratches.delete(scratch)

    def move(self, key: str, to: str) -> None:
        """Move an object to a key where there is none; nothing happens where there is no object."""
        path, target = self._path(key), self._path(to)
        target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # somebody else was quicker
            os.rename(path, target)

    def sweep(self) -> int:
        """Remove what processes that are gone were writing; gives how many places."""
        return scratches.sweep(self.root / layout.scratch("."))

    def uploads(self) -> list[Upload]:
        """Give none: what is being written lies in a scratch place."""
        return []

    def abort(self, upload: Upload) -> None:
        """Do nothing: there are no uploads."""

    def size(self, key: str, name: str | None = None) -> int | None:
        """Give the bytes of an object's file; None where it is not there."""
        path = self._path(key, name)
        return path.stat().st_size if path.is_file() else None

    def sizes(self, key: str) -> dict[str, int]:
        """Give the bytes of each file of an object by name; the name is empty for a file."""
        path = self._path(key)
        if path.is_file():
            return {"": path.stat().st_size}
        files = (file for file in path.rglob("*") if file.is_file())
        try:
            return {file.relative_to(path).as_posix(): file.stat().st_size for file in files}
        except FileNotFoundError:  # removed meanwhile
            return {}

    def read(self, key: str, start: int, stop: int, name: str | None = None) -> bytes:
        """Read some bytes of an object's file, ``stop`` excluded; fewer where it ends before.

        Raises:
            InputError: It is not there.
        """
        with self.local(key, name) as path, path.open("rb") as file:
            file.seek(start)
            return file.read(max(0, stop - start))

    def _scratch(self) -> Path:
        scratch = self.root / layout.scratch(uuid.uuid4().hex)
        try:
            scratch.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UnavailableError(
                f"{self.root}: the object store cannot be written to ({error.strerror}). "
                "Check LANDCOVER_OBJECTS, the rights of the folder and the free disk space."
            ) from error
        return scratch

    def _path(self, key: str, name: str | None = None) -> Path:
        root = self.root.resolve()
        place = (root / key).resolve()
        path = (place / name).resolve() if name else place
        # The store itself is no object either: removing it would remove everything.
        if place == root or not place.is_relative_to(root) or not path.is_relative_to(place):
            what = f"{key}/{name}" if name else key
            raise InputError(f"Object key {what!r} leaves the store. Use a key of the layout.")
        return path
