"""Zip archives from strangers: no path of theirs is followed, no size of theirs believed."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from landcover.errors import InputError
from landcover.labels.files import is_side_file

# What a damaged archive raises: OSError where a place in it lies before its beginning, ValueError
# and struct.error where a header holds numbers that there are not.
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, RuntimeError,
    NotImplementedError, OSError, ValueError, OverflowError,
)  # fmt: skip


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


def members_of(archive: zipfile.ZipFile, suffix: str) -> list[str]:
    """List the members with an ending, side files and folders left out, by name.

    Args:
        archive: The archive.
        suffix: The ending, lower case.
    """
    names = (info.filename for info in archive.infolist() if not info.is_dir())
    return sorted(n for n in names if n.lower().endswith(suffix) and not is_side_file(n))


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
