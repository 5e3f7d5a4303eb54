"""The run of the ledger that a DAG run writes to: its name, and that no other one writes to it."""

from __future__ import annotations

from typing import Any

from airflow.sdk import get_current_context

from landcover_airflow import dag_runs
from landcover_airflow.form import LEDGER_RUN
from landcover_airflow.hooks.dask import DaskHook
from landcover_airflow.outcome import sentences
from landcover_airflow.variables import require_numbers

IN_PROCESS = "landcover-run"
"""Airflow's name of the run that ``landcover run`` makes, in a database of its own."""


def ledger_run() -> str:
    """Name the run of the ledger that this DAG run writes to."""
    return ledger_run_of(get_current_context())


def ledger_run_of(context: Any) -> str:
    """Name the run of the ledger that a DAG run writes to: as it is told, else its own id.

    Several DAG runs may write to one: what they are told is the same for all of them. Those of a
    partitioned DAG are runs of their own, and a backfill tells all of them the same name: their
    partition key is put behind it.
    """
    told = str(context["params"].get(LEDGER_RUN) or "")
    if not told:
        return str(context["run_id"])
    key = getattr(context.get("dag_run"), "partition_key", None)
    return f"{told}.{key}" if key and not told.endswith(key) else told


def take_run() -> str:
    """Name the run of the ledger, and write down that this DAG run makes it.

    Airflow refuses a DAG run whose name is taken; here it is the name in the records.

    Raises:
        BadInputError: Another DAG run makes it, or ``landcover run`` does; the sentence names it.
            No Dask scheduler is named, or its address is none. A variable is no number.
        ServiceAwayError: The Dask scheduler does not answer, so that no unit could begin.
    """
    from landcover import api
    from landcover.errors import UsageError
    from landcover.ledger import drivers, runs

    require_numbers()
    context = get_current_context()
    name, dag_run = ledger_run(), context["dag_run"]
    if dag_run.run_id == IN_PROCESS:
        return name
    with sentences():
        DaskHook().require_scheduler()
        workspace = api.open_workspace()
        if runs.is_driven(workspace, name):
            raise UsageError(
                f"Run {name!r} of the records is being made by landcover run: wait for its end and "
                'trigger again, or give another name in "Run in the records".'
            )
        drivers.drive(workspace.records, name, dag_run.dag_id, dag_run.run_id, _is_active)
    return name


def _is_active(dag_id: str, run_id: str) -> bool:
    state = dag_runs.state_of(dag_id, run_id)
    return state is not None and state not in dag_runs.ENDED
