"""Runs of other DAGs, as a task and a trigger may begin and ask for them.

The only file that speaks to the supervisor of a task by its messages: the operator of Airflow that
does so cannot attach to a run that is there (docs/decisions/0061).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import ErrorResponse, SkipDownstreamTasks, TriggerDagRun
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

ENDED = ("success", "failed")
"""States in which a DAG run stays."""


def begin(dag_id: str, run_id: str, conf: dict[str, Any]) -> bool:
    """Begin a run of a DAG.

    Args:
        dag_id: The DAG.
        run_id: Name of the run.
        conf: What its form would say.

    Returns:
        False where a run of this name is there already; it is left alone.

    Raises:
        AirflowRuntimeError: The DAG is not there, or Airflow does not answer.
    """
    message = TriggerDagRun(dag_id=dag_id, run_id=run_id, conf=conf)
    try:
        answer: Any = task_runner.SUPERVISOR_COMMS.send(message)
    except AirflowRuntimeError as error:
        answer = error.error
    if not isinstance(answer, ErrorResponse):
        return True
    if answer.error == ErrorType.DAGRUN_ALREADY_EXISTS:
        return False
    raise AirflowRuntimeError(answer)


def skip(task_ids: Sequence[str]) -> None:
    """Mark tasks of this run that have not begun as skipped."""
    task_runner.SUPERVISOR_COMMS.send(SkipDownstreamTasks(tasks=list(task_ids)))


def state_of(dag_id: str, run_id: str) -> str | None:
    """Give the state of a run of a DAG; None where Airflow does not know it any more."""
    try:
        return str(
            getattr(state := RuntimeTaskInstance.get_dagrun_state(dag_id, run_id), "value", state)
        )
    except AirflowRuntimeError as error:
        if "404" in str(error.error.detail) or "not_found" in str(error.error.detail):
            return None
        raise


def is_paused(dag_id: str) -> bool:
    """Tell whether a person has paused a DAG: its runs would wait without a word."""
    return bool(RuntimeTaskInstance.get_dag(dag_id).is_paused)
