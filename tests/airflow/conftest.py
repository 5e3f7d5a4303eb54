"""An Airflow of the tests' own, and Dask clusters in this process and beside it."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest
from browsers import chromium
from postgres import postgres_programs, postgres_running
from servers import ServersAbsentError
from sqlalchemy import Engine, create_engine
from told import Told, told_by_webhook
from unit_gate import VARIABLE, Gate

from landcover.airflow_process import RunningAirflow, airflow_environment, start_airflow
from landcover.airflow_process import cluster as cluster_process
from landcover.airflow_process.sessions import Child, end_all, members
from landcover.settings import read_settings

ROOT = Path(__file__).resolve().parents[2]

# Airflow reads its home when it is first imported, so it is named before any test module is.
_HOME = tempfile.TemporaryDirectory(prefix="landcover-airflow-")
os.environ.update(
    {
        "AIRFLOW_HOME": _HOME.name,
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }
)


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """Address of a cluster in this process, where a test may replace what the worker runs."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=1,
        threads_per_worker=2,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
    ) as started:
        yield started.scheduler_address


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the migrated database, made once per session."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that the deployment profile of the running Airflow names; tests fill it."""
    return tmp_path_factory.mktemp("archive")


@pytest.fixture(scope="session")
def database() -> Iterator[str | None]:
    """Address of a PostgreSQL for the running Airflow; None where there is none: SQLite then."""
    try:
        postgres_programs()
    except ServersAbsentError:
        yield None
        return
    with postgres_running() as address:
        yield address


@pytest.fixture(scope="session")
def metadata(airflow: RunningAirflow, database: str | None) -> Iterator[Engine]:
    """What the running Airflow knows, read and changed behind its back."""
    address = (database or "").replace("postgresql:", "postgresql+psycopg2:")
    engine = create_engine(address or f"sqlite:///{airflow.home}/airflow.db")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    """What stands before the units of the running Airflow."""
    return Gate(tmp_path_factory.mktemp("gate"))


@pytest.fixture(scope="session")
def told() -> Iterator[Told]:
    """What the running Airflow tells people at the end of its runs."""
    with told_by_webhook() as found:
        yield found


@pytest.fixture(scope="session")
def restart_triggerer(airflow: RunningAirflow) -> Iterator[Callable[[], None]]:
    """Kill the triggerer as a machine does that goes away, and start another one."""
    others: list[Child] = []

    def restart() -> None:
        alive = [one for one in (*airflow.children, *others) if one.process.poll() is None]
        (old,) = [
            psutil.Process(child.process.pid)
            for child in alive
            if "triggerer" in psutil.Process(child.process.pid).cmdline()
        ]
        environment = old.environ()
        for one in [*old.children(recursive=True), old]:
            one.kill()
        command = [sys.executable, "-m", "airflow", "triggerer", "--skip-serve-logs"]
        log = airflow.home / "airflow.log"
        others.append(Child(command, environment, log, is_read=False))

    try:
        yield restart
    finally:
        end_all(others)


@pytest.fixture(scope="session")
def airflow(
    tmp_path_factory: pytest.TempPathFactory,
    cache: Path,
    archive: Path,
    gate: Gate,
    told: Told,
    database: str | None,
) -> Iterator[RunningAirflow]:
    """One running Airflow for all tests, and the proof that nothing of it is left afterwards."""
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("LANDCOVER_")]:
                patch.delenv(name)
            patch.setenv("XDG_CACHE_HOME", str(cache))
            patch.setenv("LANDCOVER_RETRY_SECONDS", "1")
            patch.setenv("AIRFLOW_CONN_LANDCOVER_WEBHOOK", told.address)
            patch.setenv(VARIABLE, str(gate.folder))
            patch.setenv("PYTHONPATH", str(ROOT / "tests"), prepend=os.pathsep)
            patch.setattr(cluster_process, "PRELOADED", [*cluster_process.PRELOADED, "unit_gate"])
            settings = read_settings(workspace=str(tmp_path_factory.mktemp("up")))
            (settings.workspace / "profile.yaml").write_text(
                f"region: 30SUF\nsources: {archive}/products\ndem: {archive}/dem\n"
                f"labels: {archive}/labels.geojson\noverrides: [model.trees=5]\n"
            )
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            running = stack.enter_context(start_airflow(settings, port, database))
        sessions = {child.session for child in running.children}
        assert len(members(sessions)) >= len(sessions)
        yield running
    assert members(sessions) == []


@pytest.fixture(scope="session")
def environment(airflow: RunningAirflow, database: str | None) -> dict[str, str]:
    """Environment of Airflow's command line beside the running one."""
    settings = read_settings({}, workspace=str(airflow.home.parent))
    return airflow_environment(settings, airflow.home, None, database)


@pytest.fixture(scope="module")
def page(airflow: RunningAirflow) -> Iterator[Any]:
    """A browser that has logged in."""
    with chromium("the dialogs of Airflow are not filled in") as browser:
        page = browser.new_page(viewport={"width": 1500, "height": 1100})
        page.set_default_timeout(60_000)
        page.goto(airflow.url)
        page.fill("input[name=username]", airflow.user)
        page.fill("input[name=password]", airflow.password)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{airflow.url}/")
        yield page


@pytest.fixture
def document() -> dict[str, Any]:
    """What a unit's worker is given."""
    return {
        "schema": 1,
        "run": "run",
        "stage": "mask",
        "unit": "31UDS.2018-spring",
        "attempt": 1,
        "memory_gb": 1.0,
        "threads": 1,
    }
