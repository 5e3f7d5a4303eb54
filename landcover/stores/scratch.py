"""Scratch places: held by a lock while their owner lives, swept when it is gone.

A process that is killed leaves what it was writing. Its lock goes with it, whatever its process
id or the age of the files, so what can be locked belongs to nobody. Locks are those of the
kernel (``flock``): of one machine, and of network disks that pass them on.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LOCK = ".lock"
"""Ending of the file beside a scratch place that its owner holds locked."""
MOST_SWEPT = 1000
"""Places that one sweep looks at: the next sweep goes on."""


@contextmanager
def held(path: Path) -> Iterator[Path]:
    """Hold a scratch place for the length of the block; what is there at the end is removed.

    Args:
        path: The place; its folder exists, it does not.
    """
    lock = path.with_name(path.name + LOCK)
    descriptor = _locked(lock)
    try:
        yield path
    finally:
        delete(path)
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def sweep(folder: Path) -> int:
    """Remove what dead owners left in a folder of scratch places.

    What a living process holds stays, also that of another user or container on the same disk.

    Returns:
        How many places were removed.
    """
    removed = 0
    for lock in sorted(folder.glob(f"*{LOCK}"))[:MOST_SWEPT]:
        with suppress(OSError):  # another sweep was quicker, or the lock is another user's
            descriptor = os.open(lock, os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                delete(lock.with_name(lock.name.removesuffix(LOCK)))
                lock.unlink(missing_ok=True)
                removed += 1
            finally:
                os.close(descriptor)
    return removed


def delete(path: Path) -> None:
    """Remove a file or folder; nothing happens where there is none."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _locked(lock: Path) -> int:
    while True:
        descriptor = os.open(lock, os.O_CREAT | os.O_RDWR, 0o644)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # A sweep may have taken the file away between the two steps.
        with suppress(FileNotFoundError):
            if os.stat(lock).st_ino == os.fstat(descriptor).st_ino:
                return descriptor
        os.close(descriptor)
