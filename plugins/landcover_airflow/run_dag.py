"""Run one DAG in this process, without a scheduler: the child of ``landcover run``.

Started as ``python -m landcover_airflow.run_dag``. The first line of the standard input is a
JSON document ``{dag, run, conf, dask}``; the input then stays open for as long as the parent
lives. What people should read goes to the standard output, line by line; everything else that
Airflow and the tasks say goes where the error output goes.

What differs from a scheduler (Airflow 3.3, ``DAG.test``): tasks run one after the other, in any
order within a group; triggers run in line, so ``on_kill`` of a trigger never fires (the parent
ends the session and the local cluster instead), a trigger that raises fails its task without a
retry (ours turns what it meets into an event), and a task that a trigger ends is resumed once
more; keyword arguments given to ``defer`` are lost, so the operator needs none. Retries with
their delays, trigger rules, skips and mapped groups behave as under a scheduler.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any, TextIO
from unittest import mock

# Neither 0 nor 1: not the run failed, but what runs it.
BROKEN = 3
PAUSE_SECONDS = 0.2


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
    handler.setLevel(logging.INFO)
    handler.setFormatter(logging.Formatter("%(message)s"))
    ours = logging.getLogger("landcover_airflow")
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)
    return 0 if run_dag(order["dag"], order["run"], order["conf"]) == "success" else 1


def run_dag(dag_id: str, run_id: str, conf: dict[str, Any]) -> str:
    """Run a DAG here and give the state of its run.

    Args:
        dag_id: A DAG of the configured folder.
        run_id: Name of the run, in Airflow and in the ledger.
        conf: What the trigger form would say.
    """
    from airflow.configuration import conf as settings
    from airflow.dag_processing.dagbag import DagBag
    from airflow.models.dagrun import DagRun

    path = Path(settings.get("core", "dags_folder")) / f"{dag_id}.py"
    bag = DagBag(dag_folder=path, bundle_path=path.parent, bundle_name="dags-folder")
    if bag.import_errors:
        raise RuntimeError("\n".join(bag.import_errors.values()))
    sleep = time.sleep
    with (
        # DAG.test() names its run by the clock and takes no name.
        mock.patch.object(DagRun, "generate_run_id", staticmethod(lambda **_: run_id)),
        # It sleeps a whole second each time a group has nothing to do.
        mock.patch.object(time, "sleep", lambda seconds: sleep(min(seconds, PAUSE_SECONDS))),
    ):
        run = bag.dags[dag_id].test(run_conf=conf)
    return str(run.state)


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
