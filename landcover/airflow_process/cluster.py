"""The local Dask cluster, in a process of its own."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from landcover.airflow_process.sessions import Child
from landcover.errors import UnavailableError
from landcover.nouns.stages import TABLE
from landcover.settings import Settings, as_environment

MAKERS = (
    "landcover.parts.training.model_files",
    "landcover.parts.training.pixel_samples",
    "landcover.parts.mapping.map_rasters",
    "landcover.parts.mapping.mosaic_files",
    "landcover.parts.validation.validation_files",
    "landcover.parts.reporting.report_folder",
)
"""What stages import when they make something: a plan needs none of it, a worker all."""
# What a worker imports before its first unit, while Airflow is still starting.
PRELOADED = [*(row.module for row in TABLE.values()), *MAKERS]


def start_cluster(settings: Settings, log: Path, *, workers: int) -> Child:
    """Start a cluster for jobs of the settings' memory and threads.

    Args:
        settings: Where and how; what the workers read.
        log: File for what the workers say.
        workers: Worker processes; each works on one unit at a time.
    """
    environment = {
        **os.environ,
        **as_environment(settings),
        "DASK_DISTRIBUTED__WORKER__PRELOAD": json.dumps(PRELOADED),
        "DASK_LOGGING__LANDCOVER": "info",
        "DASK_LOGGING__DISTRIBUTED": "warning",
    }
    options = {
        "workers": workers,
        "memory_gb": settings.memory_gb,
        "threads": settings.threads,
    }
    command = [sys.executable, "-m", "landcover.airflow_process", json.dumps(options)]
    return Child(command, environment, log)


def address_of(cluster: Child, log: Path) -> str:
    """Wait for a cluster and give its address.

    Raises:
        UnavailableError: It did not start.
    """
    address = cluster.output.readline().strip()
    if not address:
        raise UnavailableError(f"The local Dask cluster did not start; its log is {log}.")
    return address
