"""An Airflow of the tests' own, and Dask clusters in this process and beside it."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from landcover.airflow_process import RunningAirflow, start_airflow
from landcover.airflow_process.sessions import members
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
def airflow(
    tmp_path_factory: pytest.TempPathFactory, cache: Path, archive: Path
) -> Iterator[RunningAirflow]:
    """One running Airflow for all tests, and the proof that nothing of it is left afterwards."""
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("LANDCOVER_")]:
                patch.delenv(name)
            patch.setenv("XDG_CACHE_HOME", str(cache))
            patch.setenv("LANDCOVER_RETRY_SECONDS", "1")
            settings = read_settings(workspace=str(tmp_path_factory.mktemp("up")))
            (settings.workspace / "profile.yaml").write_text(
                f"region: 30SUF\nsources: {archive}/products\ndem: {archive}/dem\n"
                f"labels: {archive}/labels.geojson\noverrides: [model.trees=5]\n"
            )
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            running = stack.enter_context(start_airflow(settings, port))
        sessions = {child.session for child in running.children}
        assert len(members(sessions)) >= len(sessions)
        yield running
    assert members(sessions) == []


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
