"""What can go wrong, drawn as the reaction it asks for.

::

    LandcoverError
    ├── InputError          bad input: never retried, a person has to change something
    │   ├── UsageError      the command line or the recipe itself is wrong (exit code 2)
    │   ├── AbsentError     a name stands for nothing in this workspace: perhaps in another one
    │   └── DamagedError    stored bytes are not those that were written: set aside, made again
    ├── MissingDataError    nothing to work on here: the tile is skipped with its reason
    ├── UnavailableError    a store, a source or the cluster is away: retried with back-off
    │   └── ReadOnlyError   a store can be read but not written to
    ├── MemoryExceededError the job was given too little memory: retried with smaller windows
    └── CancelledError      somebody stopped the job: nothing is published, a rerun continues

Each message is one sentence that says where, what was expected, what was found and what to do.
Only :mod:`landcover.errors` may name a family; everything else raises one of these classes.
"""

from __future__ import annotations

import errno
from typing import Literal

Family = Literal["input", "missing", "unavailable", "memory", "cancelled", "defect"]

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
# A disk or a mount that does not answer; a remount or a reboot mends it, not another input.
_DISK_AWAY = (errno.EIO, errno.EROFS, errno.ESTALE, errno.ENODEV, errno.ENXIO)


class LandcoverError(Exception):
    """Base of everything that landcover raises on purpose."""

    family: Family = "defect"


class InputError(LandcoverError):
    """The input is wrong; running again gives the same result."""

    family = "input"


class UsageError(InputError):
    """The command line or the recipe is wrong."""


class AbsentError(InputError):
    """The workspace has nothing of the name that was given."""


class DamagedError(InputError):
    """Stored bytes are not those that were written; the output is set aside and made again."""

    def __init__(self, message: str, place: str) -> None:
        super().__init__(message)
        self.place = place
        """Path or key of the damaged file in the object store."""

    def __reduce__(self) -> tuple[type[DamagedError], tuple[str, str]]:
        """Keep the place on the way from a worker."""
        return type(self), (str(self), self.place)


class MissingDataError(LandcoverError):
    """There are no data for this tile or period; the tile is skipped."""

    family = "missing"


class UnavailableError(LandcoverError):
    """A store, a source or the cluster does not answer, or its disk is full."""

    family = "unavailable"


class ReadOnlyError(UnavailableError):
    """A store can be read but not written to, as on a disk that is mounted read-only."""


class MemoryExceededError(LandcoverError):
    """A job needed more memory than it was given."""

    family = "memory"


class CancelledError(LandcoverError):
    """The job was stopped from outside."""

    family = "cancelled"


def family_of(error: BaseException) -> Family:
    """Name the reaction that an exception asks for.

    Args:
        error: Any exception, ours or somebody else's.

    Returns:
        The family. An exception that nobody declared is a ``defect``: it is shown with its
        traceback and not retried, because running a bug again gives the same bug.
    """
    if isinstance(error, LandcoverError):
        return error.family
    if isinstance(error, MemoryError):
        return "memory"
    if isinstance(error, OSError) and error.errno in (*_DISK_FULL, *_DISK_AWAY):
        return "unavailable"
    if isinstance(error, (ConnectionError, TimeoutError)):
        return "unavailable"
    if isinstance(error, PermissionError):
        return "input"
    if isinstance(error, KeyboardInterrupt):
        return "cancelled"
    return "defect"


def sentence_of(error: BaseException) -> str:
    """Say an exception in one sentence on one line, without a traceback."""
    said = " ".join(str(error).split())
    if isinstance(error, LandcoverError):
        return said
    if isinstance(error, OSError) and error.errno in _DISK_FULL:
        where = f" while writing {error.filename}" if error.filename else ""
        return f"The disk is full{where}. Free space or move the workspace, then run again."
    if isinstance(error, OSError) and error.errno == errno.EROFS:
        where = f"{error.filename}: the" if error.filename else "The"
        return (
            f"{where} disk is read-only. Mount it for writing or write elsewhere, then run again."
        )
    if isinstance(error, PermissionError) and error.filename:
        return f"{error.filename}: no permission. Change the owner or rights of the file or folder."
    if isinstance(error, MemoryError):
        return "The job ran out of memory. Give it more (memory_gb) or let fewer jobs run at once."
    if isinstance(error, KeyboardInterrupt):
        return "The job was stopped; a rerun continues where it was."
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
