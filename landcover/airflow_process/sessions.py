"""Child processes that lead a session, and end with everything they started."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO, cast

import psutil

GRACE_SECONDS = 5.0


class Child:
    """A child process that leads its own session, so that nothing it starts outlives it.

    Args:
        command: What is started.
        environment: Its whole environment.
        log: Where its error output goes, and its output unless it is read.
        is_read: Whether the output is read here, line by line.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        *,
        is_read: bool = True,
    ) -> None:
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                command,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if is_read else file,
                stderr=file,
                text=True,
                start_new_session=True,
            )
        self.session = self.process.pid

    @property
    def output(self) -> IO[str]:
        """What it prints."""
        return cast("IO[str]", self.process.stdout)

    def tell(self, line: str) -> None:
        """Write a line to its input, which stays open."""
        stream = cast("IO[str]", self.process.stdin)
        with suppress(BrokenPipeError):
            stream.write(line + "\n")
            stream.flush()


def end_all(children: Sequence[Child], seconds: float = GRACE_SECONDS) -> None:
    """End children and everything of their sessions, and wait until all of it is gone.

    Args:
        children: What was started here.
        seconds: How long they are given before they are killed.
    """
    end_sessions({child.session for child in children}, seconds)
    for child in children:
        child.process.wait()
        for stream in (child.process.stdin, child.process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()


def end_sessions(sessions: Collection[int], seconds: float = GRACE_SECONDS) -> None:
    """End everything of some sessions, and wait until none of it lives.

    Args:
        sessions: Their ids.
        seconds: How long they are given before they are killed.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in members(sessions):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        deadline = time.monotonic() + seconds
        while members(sessions) and time.monotonic() < deadline:
            time.sleep(0.05)


def members(sessions: Collection[int]) -> list[psutil.Process]:
    """List the living processes of sessions, their leaders included.

    Process groups would not do: Airflow gives each task a group of its own.
    """
    found = []
    for process in psutil.process_iter(["status"]):
        with suppress(OSError):
            is_alive = process.info["status"] != psutil.STATUS_ZOMBIE
            if is_alive and os.getsid(process.pid) in sessions:
                found.append(process)
    return found


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end this process as Ctrl-C does: with everything it started.

    Raises:
        KeyboardInterrupt: One of them came.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
