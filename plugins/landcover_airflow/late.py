"""People are told once of a run that takes far longer than others, while it goes on.

Airflow keeps the deadline of each run. Its triggerer calls what stands here, so nothing may block.
A deadline counted from when a run was queued would be the simpler one; with it Airflow 3.3 answers
each clear of a task with an error (its ``_recalculate_dagrun_queued_at_deadlines``).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference
from asgiref.sync import sync_to_async

from landcover_airflow.notifier import tell
from landcover_airflow.variables import LATE_VARIABLE, seconds_of


def in_time() -> DeadlineAlert | None:
    """Give the deadline of a DAG's runs, by how long the last ten took; None where there is none.

    The first run of a DAG has none.
    """
    seconds = seconds_of(LATE_VARIABLE)
    if not seconds:
        return None
    return DeadlineAlert(
        reference=DeadlineReference.AVERAGE_RUNTIME(max_runs=10, min_runs=1),
        interval=timedelta(seconds=seconds),
        callback=AsyncCallback(tell_late, {"hours": round(seconds / 3600, 2)}),
        name="not ended in time",
    )


async def tell_late(hours: float, context: dict[str, Any]) -> None:
    """Tell that a run is late.

    Args:
        hours: How much longer than the mean of its DAG it has taken, hours.
        context: What Airflow tells of the run.
    """
    run = context["dag_run"]
    text = f"takes {hours:g} h longer than runs of this DAG do; it is {run['state']} now."
    # Connections are asked of Airflow through the loop that this runs in.
    await sync_to_async(tell)(run["dag_id"], run["dag_run_id"], lambda: text)
