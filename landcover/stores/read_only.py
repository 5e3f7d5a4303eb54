"""Records in a folder that this process cannot write to: read as they are, however they were left.

SQLite keeps what was written last in a write-ahead log beside the file, and makes two files there
to read at all. Where it may not make them it refuses to read. What helps depends on who else is
there: with a log, the file is opened together with it (``mode=ro``), as writers on the same machine
do; without one nobody is writing, and the file is read as one that cannot change (``immutable=1``,
https://www.sqlite.org/wal.html#read_only_databases). SQLite checks nothing then, and somebody may
begin to write from where the folder can be written to. So who reads compares :func:`state_of`
before and after each query, and asks again where it changed.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from landcover.errors import ReadOnlyError, UnavailableError

State = tuple[int, ...]
"""Numbers that stay the same as long as an open connection reads what the file holds."""


def is_read_only(path: Path) -> bool:
    """Tell whether a file of records is there that this process cannot write to."""
    if not path.is_file():
        return False
    return not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK))


def require_writable(path: Path) -> None:
    """Check that a file of records can be written to, or that none is there yet.

    Raises:
        ReadOnlyError: It can only be read.
    """
    if is_read_only(path):
        raise ReadOnlyError(
            f"{path}: the workspace is read-only here, so nothing can be recorded in it. "
            "Mount it for writing or name another workspace, then run again."
        )


def state_of(path: Path) -> State:
    """Give what changes when an open connection no longer shows what the file holds.

    With a log that is which files they are: SQLite follows what is written to them. Without one
    it is also the size of the file and when it was changed, for nobody tells SQLite.
    """
    found = path.stat()
    if log := _log_of(path):
        return found.st_dev, found.st_ino, log.stat().st_ino
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def open_read_only(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """Open a file of records that cannot be written to.

    Raises:
        UnavailableError: Its log cannot be read without writing.
        sqlite3.Error: It is no file of records.
    """
    log = _log_of(path)
    how = "mode=ro" if log else "mode=ro&immutable=1"
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?{how}",
        uri=True,
        timeout=busy_seconds,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        if log and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_CANTOPEN:
            raise UnavailableError(
                f"{path}: the records cannot be read, because {log.name} holds some that are not "
                f"in the file yet, and the folder is read-only and lacks {path.name}-shm. "
                "Copy the workspace to a folder that can be written to."
            ) from error
        raise
    return connection


def _log_of(path: Path) -> Path | None:
    log = path.with_name(f"{path.name}-wal")
    try:
        return log if log.stat().st_size else None
    except FileNotFoundError:
        return None
