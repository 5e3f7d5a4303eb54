"""Zip archives from strangers: no path of theirs is followed, no size of theirs believed."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from landcover.errors import InputError

_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError)


@contextmanager
def open_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip whose members all have plain relative paths.

    Raises:
        InputError: It is empty, damaged or encrypted, or a member's path leads out of it.
    """
    if path.stat().st_size == 0:
        raise InputError(f"{path.name}: the file is empty; labels were expected.")
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                _refuse_leading_out(path, name)
            yield archive
    except _UNREADABLE as error:
        raise InputError(
            f"{path.name}: the zip cannot be read ({str(error).rstrip('.')}); deliver it again."
        ) from error


def read_member(path: Path, archive: zipfile.ZipFile, member: str, most_bytes: int) -> bytes:
    """Read one member into memory, whatever size its header claims.

    Raises:
        InputError: It is larger than allowed.
    """
    with archive.open(member) as stream:
        data = stream.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise InputError(
            f"{path.name}: {member} is larger than {most_bytes >> 20} MB; split the file."
        )
    return data


def _refuse_leading_out(path: Path, name: str) -> None:
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or ":" in name:
        raise InputError(
            f"{path.name}: refused, the member {name!r} leads out of the archive; "
            f"deliver a {path.suffix.lstrip('.').upper()} with plain relative paths."
        )
