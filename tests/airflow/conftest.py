"""An Airflow of the tests' own, and Dask clusters in this process and beside it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

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
