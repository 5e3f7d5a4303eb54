"""Airflow with its web page, and a Dask cluster beside it: ``landcover up``."""

from __future__ import annotations

import json
import os
import select
import socket
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import psutil

from landcover.airflow_process.cluster import address_of, start_cluster
from landcover.airflow_process.dag_run import DAG
from landcover.airflow_process.environment import (
    USER,
    airflow_environment,
    airflow_version,
    password_of,
    provide_database,
)
from landcover.airflow_process.sessions import Child, end_all, stopping_on_signals
from landcover.airflow_process.watchdog import start_watchdog
from landcover.errors import UnavailableError, UsageError
from landcover.execution import COMPUTE, DOWNLOAD, GB, HEADROOM
from landcover.settings import Settings

HOST = "127.0.0.1"
POOLS = {
    DOWNLOAD: "Lanes of landcover that fetch products: as many hold their files at a time.",
    COMPUTE: "Lanes of landcover that only compute.",
}
IN_FLIGHT_BESIDE, IN_FLIGHT_A_WORKER = 4, 2
"""Lanes that are begun: Airflow takes some seconds before and after the work of each."""
START_SECONDS = 180.0
# Logs are read from disk: no part but the page listens on a port.
COMMANDS = (
    ("api-server",),
    ("scheduler", "--skip-serve-logs"),
    ("triggerer", "--skip-serve-logs"),
    ("dag-processor",),
)
PARTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")


@dataclass(frozen=True)
class RunningAirflow:
    """An Airflow that answers."""

    url: str
    """Address of its page."""
    user: str
    """Who may log in."""
    password: str = field(repr=False)
    """With what."""
    home: Path
    """Its AIRFLOW_HOME, with its logs."""
    children: tuple[Child, ...]
    """The parts of Airflow, their watchdog, and the Dask cluster where it is ours."""

    def token(self) -> str:
        """Log in and give a token for its REST API."""
        asked = {"username": self.user, "password": self.password}
        return str(_ask(f"{self.url}/auth/token", body=asked)["access_token"])

    def ask(self, path: str, body: object = None) -> Any:
        """Ask its REST API; with a body, tell it something.

        Args:
            path: Behind the address, ``/api/v2/…``.
            body: What is told, as JSON.

        Raises:
            ConnectionError: It does not answer, or refuses.
        """
        return _ask(self.url + path, body=body, token=self.token())

    def is_alive(self) -> bool:
        """Tell whether all its processes still run."""
        return all(child.process.poll() is None for child in self.children)

    def wait(self) -> int:
        """Wait until it is stopped: Ctrl-C, SIGTERM, or the end of the input.

        Returns:
            0 where somebody stopped it, 1 where Airflow or the cluster ended by itself.
        """
        watched = _input()
        with suppress(KeyboardInterrupt):
            while True:
                if not self.is_alive():
                    return 1
                if watched is None:
                    time.sleep(0.5)
                elif select.select([watched], [], [], 0.5)[0] and not os.read(watched, 1024):
                    break
        return 0


@contextmanager
def start_airflow(
    settings: Settings, port: int, database: str | None = None
) -> Iterator[RunningAirflow]:
    """Start Airflow and a Dask cluster, and give them when they answer; both end with the block.

    Args:
        settings: Where and how; its home is ``airflow/`` in the workspace.
        port: Port of the page on this machine.
        database: Address of Airflow's database, ``postgresql://…``; SQLite in its home if None.

    Raises:
        UsageError: Airflow or the drivers of the database are not installed, or the port is taken.
        UnavailableError: It did not come up; the sentence names its log.
    """
    airflow_version()
    _require_free(port)
    slots, settings = _slots(settings)
    home = settings.workspace / "airflow"
    home.mkdir(parents=True, exist_ok=True)
    url = f"http://{HOST}:{port}"
    with stopping_on_signals(), ExitStack() as stack:
        provide_database(home, database)
        children: list[Child] = []
        stack.callback(end_all, children)
        watchdog = start_watchdog(home / "airflow.log")
        children.append(watchdog)
        address = settings.dask
        if address is None:
            log = home / "dask.log"
            children.append(start_cluster(settings, log, workers=slots))
            watchdog.tell(str(children[-1].session))
            address = address_of(children[-1], log)
        environment = {
            **airflow_environment(settings, home, address, database),
            "AIRFLOW__API__HOST": HOST,
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__BASE_URL": url,
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        }
        password = password_of(home)
        # By it an approval starts the maps of the years that it names.
        own = {"conn_type": "http", "host": HOST, "port": port, "login": USER, "password": password}
        environment["AIRFLOW_CONN_LANDCOVER_API"] = json.dumps(own)
        log = home / "airflow.log"
        for command in COMMANDS:
            parts = [sys.executable, "-m", "airflow", *command]
            children.append(Child(parts, environment, log, is_read=False))
            watchdog.tell(str(children[-1].session))
        running = RunningAirflow(url, USER, password, home, tuple(children))
        _wait_until_healthy(running, log)
        create_pools(running, IN_FLIGHT_BESIDE + IN_FLIGHT_A_WORKER * slots)
        yield running


def _slots(settings: Settings) -> tuple[int, Settings]:
    """Give how many units run at once, and the threads of each.

    Tiles are the parallelism: where nothing less is said, each gets one thread.
    """
    n_cores = len(os.sched_getaffinity(0))
    threads = settings.threads if settings.threads < n_cores else 1
    by_memory = int(psutil.virtual_memory().total // (HEADROOM * settings.memory_gb * GB))
    return max(1, min(n_cores // threads, by_memory)), replace(settings, threads=threads)


def create_pools(running: RunningAirflow, slots: int) -> None:
    """Create the pools of the lanes where they are missing; one that is there keeps its slots.

    A task of a pool that is missing would wait without a word. Deferred tasks count: what waits
    for Dask has begun.

    Args:
        running: The Airflow.
        slots: Lanes that are begun at most.
    """
    token = running.token()
    known = {pool["name"] for pool in _ask(f"{running.url}/api/v2/pools", token=token)["pools"]}
    for name, told in POOLS.items():
        if name not in known:
            pool = {"name": name, "slots": slots, "include_deferred": True, "description": told}
            _ask(f"{running.url}/api/v2/pools", body=pool, token=token)


def _wait_until_healthy(running: RunningAirflow, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if not running.is_alive():
            break
        with suppress(OSError, ValueError):
            health = _ask(f"{running.url}/api/v2/monitor/health")
            if all(health[part]["status"] == "healthy" for part in PARTS):
                _ask(f"{running.url}/api/v2/dags/{DAG}", token=running.token())
                return
        time.sleep(0.5)
    raise UnavailableError(f"Airflow did not come up at {running.url}; its log is {log}.")


def _ask(url: str, *, body: object = None, token: str | None = None) -> Any:
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(url, data, headers), timeout=10) as answer:
            return json.load(answer)
    except URLError as error:
        raise ConnectionError(str(error)) from error


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise UsageError(f"Port {port} is taken. Choose another one with --port.") from error


def _input() -> int | None:
    """Give the input if its end means something: a terminal's Ctrl-D, or a parent that left."""
    try:
        number = sys.stdin.fileno()
        is_pipe = stat.S_ISFIFO(os.fstat(number).st_mode)
    except (AttributeError, OSError, ValueError):
        return None
    return number if is_pipe or os.isatty(number) else None
