"""Run one DAG in this process, without a scheduler: the child of ``landcover run``.

Started as ``python -m landcover_airflow.run_dag``. The first line of the standard input is a
JSON document ``{dag, conf, dask}``; the input then stays open for as long as the parent
lives. What people should read goes to the standard output, line by line; everything else that
Airflow and the tasks say goes where the error output goes.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from typing import TextIO

# Neither 0 nor 1: not the run failed, but what runs it.
BROKEN = 3


def main() -> int:
    """Run the DAG that the parent names.

    Returns:
        The exit code: 0 where the run succeeded, 1 where it failed.
    """
    handler = logging.StreamHandler(_part_streams())
    _warm_up()
    order = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ["LANDCOVER_DASK"] = order["dask"]
    os.environ["LANDCOVER_HOLD_SECONDS"] = "0"  # no scheduler runs that could be overtaken
    handler.setLevel(logging.INFO)
    handler.setFormatter(logging.Formatter("%(message)s"))
    ours = logging.getLogger("landcover_airflow")
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)
    from landcover_airflow.in_process import run_dag

    return 0 if run_dag(order["dag"], order["conf"]) == "success" else 1


def _warm_up() -> None:
    """Build what every task needs while the Dask cluster is still starting."""
    import airflow.dag_processing.dagbag  # noqa: F401
    from airflow.sdk.execution_time.supervisor import in_process_api_server

    _ = in_process_api_server().transport


def _part_streams() -> TextIO:
    """Give the output that people read, and send whatever else is printed to the log."""
    people = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return people


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    try:
        code = main()
    except Exception:
        logging.getLogger(__name__).exception("Airflow itself failed")
        code = BROKEN
    sys.exit(code)
