"""Airflow as child processes: the library starts it and never imports it.

Each child leads a session of its own, so that it ends with everything it started.
"""

from __future__ import annotations

from landcover.airflow_process.dag_run import log_of, run_dag
from landcover.airflow_process.environment import airflow_environment, repository
from landcover.airflow_process.server import RunningAirflow, start_airflow

__all__ = [
    "RunningAirflow",
    "airflow_environment",
    "log_of",
    "repository",
    "run_dag",
    "start_airflow",
]
