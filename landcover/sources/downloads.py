"""Downloads: several at a time, resumed, checked, and visible only when they are whole.

How bytes come from a server is the client's affair (``RemoteFile.send``); everything else is
the same for all of them and is here.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from landcover.errors import CancelledError, InputError, UnavailableError
from landcover.sources.checksums import Checksum
from landcover.sources.protocol import IsCancelled, Progress, Transferred
from landcover.sources.remote_file import RemoteFile
from landcover.stores.retry import SOURCE_POLICY, AwayError, RetryPolicy, retry

WORKING = ".fetching"
"""Folder of what is not whole yet, beside what is. Two levels down, so that nobody who lists the
folder takes it for a product."""
_SPARE_BYTES = 64 << 20
_TELL_EVERY_S = 0.2


@dataclass(frozen=True)
class Downloader:
    """How files are downloaded."""

    policy: RetryPolicy = SOURCE_POLICY
    parallel: int = 4
    """Files at a time."""

    def folder(
        self,
        files: Sequence[RemoteFile],
        place: Path,
        *,
        progress: Progress,
        is_cancelled: IsCancelled,
    ) -> Path:
        """Download files into a folder that appears when all of them are there.

        Args:
            files: The files.
            place: The folder. Where it exists already, it is whole and stays.
            progress: Is told bytes and rate.
            is_cancelled: Says whether somebody stopped the job.

        Returns:
            The folder.

        Raises:
            UnavailableError: A server gave up, or the disk has no room.
            MissingDataError: A file is not there.
        """
        if place.exists():
            return place
        working = place.parent / WORKING / place.name / "content"
        working.mkdir(parents=True, exist_ok=True)
        self.files(files, working, progress=progress, is_cancelled=is_cancelled)
        _remove_others(working, {file.name for file in files})
        working.rename(place)
        with suppress(OSError):  # others may be at work beside it
            working.parent.rmdir()
            working.parent.parent.rmdir()
        return place

    def files(
        self,
        files: Sequence[RemoteFile],
        folder: Path,
        *,
        progress: Progress,
        is_cancelled: IsCancelled,
    ) -> None:
        """Download files; each appears under its name when it is whole and its sum is right."""
        for file in files:
            _require_inside(file, folder)
        meter = _Meter(files, progress)
        waiting = [file for file in files if not _is_here(file, folder, meter)]
        _require_room(waiting, folder)
        stop = threading.Event()

        def check() -> None:
            if stop.is_set() or is_cancelled():
                raise CancelledError("The download was stopped; a rerun continues where it was.")

        with ThreadPoolExecutor(max_workers=max(1, self.parallel)) as pool:
            jobs = [
                # Each thread gets a copy of the context, which says what log lines belong to.
                pool.submit(copy_context().run, self._one, file, folder, meter, check)
                for file in waiting
            ]
            try:
                wait(jobs, return_when=FIRST_EXCEPTION)
            finally:
                stop.set()  # where all are done, nobody asks any more
        errors = [error for job in jobs if (error := job.exception()) is not None]
        # What made the others stop is the reason, not that they were stopped.
        for error in sorted(errors, key=lambda e: isinstance(e, CancelledError)):
            raise error
        meter.tell()

    def _one(
        self, file: RemoteFile, folder: Path, meter: _Meter, check: Callable[[], None]
    ) -> None:
        partial = folder / file.partial_name
        partial.parent.mkdir(parents=True, exist_ok=True)
        if file.size is None and file.checksum is None:
            partial.unlink(missing_ok=True)  # nothing says that it is of the same version
        meter.add(partial.stat().st_size if partial.exists() else 0, is_new=False)
        before = 0

        def attempt() -> None:
            nonlocal before
            with _FileSink(partial, file, meter, check) as sink:
                before = sink.position
                if sink.size is not None and sink.position > sink.size:
                    sink.restart()
                if sink.size is None or sink.position < sink.size:
                    file.send(sink)
            _verify(partial, sink, meter)

        retry(
            attempt,
            self.policy,
            what=file.address,
            check=check,
            has_advanced=lambda: partial.exists() and partial.stat().st_size > before,
        )
        partial.replace(folder / file.name)


class _FileSink:
    """A partial file that grows."""

    def __init__(
        self, path: Path, file: RemoteFile, meter: _Meter, check: Callable[[], None]
    ) -> None:
        self.size = file.size
        self.checksum = file.checksum
        self._file = path.open("ab")
        self._meter = meter
        self._check = check

    @property
    def position(self) -> int:
        return self._file.tell()

    def write(self, data: bytes, /) -> int:
        self._check()
        self._file.write(data)
        self._meter.add(len(data))
        return len(data)

    def restart(self) -> None:
        self._meter.add(-self._file.tell(), is_new=False)
        self._file.truncate(0)
        self._file.seek(0)

    def expect(self, n_bytes: int, checksum: Checksum | None = None) -> None:
        self.size = n_bytes if self.size is None else self.size
        self.checksum = self.checksum or checksum

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


class _Meter:
    """Counts the bytes of all threads and tells them, not too often."""

    def __init__(self, files: Sequence[RemoteFile], progress: Progress) -> None:
        sizes = [file.size for file in files]
        self._total = None if None in sizes else sum(size or 0 for size in sizes)
        self._progress = progress
        self._done = self._new = 0
        self._began = self._told = time.monotonic()
        self._lock = threading.Lock()

    def add(self, n_bytes: int, *, is_new: bool = True) -> None:
        with self._lock:
            self._done += n_bytes
            self._new += n_bytes if is_new else 0
            is_time = time.monotonic() - self._told >= _TELL_EVERY_S
        if is_time:
            self.tell()

    def tell(self) -> None:
        with self._lock:
            self._told = time.monotonic()
            seconds = max(self._told - self._began, 1e-3)
            self._progress(
                Transferred(
                    done_bytes=self._done,
                    total_bytes=self._total,
                    bytes_per_second=self._new / seconds,
                )
            )


def _is_here(file: RemoteFile, folder: Path, meter: _Meter) -> bool:
    path = folder / file.name
    # Without size and sum nothing says that it is still the same file.
    if not path.is_file() or (file.size is None and file.checksum is None):
        return False
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        return False
    if file.checksum is not None and file.checksum.of(path) != file.checksum.hex:
        return False
    meter.add(size, is_new=False)
    return True


def _verify(partial: Path, sink: _FileSink, meter: _Meter) -> None:
    size, expected = partial.stat().st_size, sink.checksum
    if sink.size is not None and size < sink.size:
        # The beginning is good: the next attempt goes on from here.
        raise AwayError(f"the answer ended after {size} of {sink.size} bytes")
    wrong = ""
    if sink.size is not None and size > sink.size:
        wrong = f"{size} bytes, expected {sink.size}"
    elif expected is not None and (found := expected.of(partial)) != expected.hex:
        wrong = f"{expected.kind} {found}, expected {expected.hex}"
    if wrong:
        meter.add(-size, is_new=False)
        partial.unlink()
        raise AwayError(f"the received bytes are damaged: {wrong}")


def _remove_others(folder: Path, names: set[str]) -> None:
    # Parts of an earlier attempt: of another version, or from another provider.
    for path in folder.rglob("*"):
        if path.is_file() and str(path.relative_to(folder)) not in names:
            path.unlink()


def _require_room(files: Sequence[RemoteFile], folder: Path) -> None:
    partials = [folder / file.partial_name for file in files]
    here = sum(path.stat().st_size for path in partials if path.exists())
    needed = sum(file.size or 0 for file in files) - here
    free = shutil.disk_usage(folder).free
    if files and needed + _SPARE_BYTES > free:
        raise UnavailableError(
            f"{folder}: {needed / 1e6:.0f} MB are still to be downloaded, and {free / 1e6:.0f} MB "
            "are free on the disk. Free space or move the workspace, then run again."
        )


def _require_inside(file: RemoteFile, folder: Path) -> None:
    # Names come from outside: one like ../../x must not leave the folder.
    if not (folder / file.name).resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{file.address}: the file's name {file.name!r} leaves its folder.")
