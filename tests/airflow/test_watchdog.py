"""Whoever kills ``landcover up`` leaves nothing of it running."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from landcover.airflow_process.sessions import members

# What is started is Airflow itself; only its health is not waited for.
UP = """
import sys
from landcover.airflow_process import server
from landcover.settings import read_settings

server._wait_until_healthy = lambda running, log: None
server.create_pools = lambda running, slots: None
with server.start_airflow(read_settings(workspace=sys.argv[1]), int(sys.argv[2])) as airflow:
    print(*(child.session for child in airflow.children), flush=True)
    airflow.wait()
"""


def until(condition: object, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:  # type: ignore[operator]
        time.sleep(0.05)


@pytest.mark.slow
def test_a_killed_parent_leaves_nothing_running(tmp_path: Path, cache: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with (tmp_path / "stderr").open("wb") as errors:
        parent = subprocess.Popen(
            [sys.executable, "-c", UP, str(tmp_path), str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, "XDG_CACHE_HOME": str(cache)},
            text=True,
        )
    assert parent.stdout is not None
    sessions = {int(number) for number in parent.stdout.readline().split()}
    assert len(sessions) == 6, (tmp_path / "stderr").read_text()  # 4 parts, cluster, watchdog
    started = members(sessions)
    assert len(started) >= 6
    try:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        until(lambda: not members(sessions))
        assert members(sessions) == []
    finally:
        for process in members(sessions):
            process.kill()
        for stream in (parent.stdin, parent.stdout):
            if stream is not None:
                stream.close()
        psutil.wait_procs(started, timeout=5)
