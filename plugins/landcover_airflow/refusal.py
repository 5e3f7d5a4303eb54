"""A run that ``start`` refuses: nothing behind it is begun; its page and its message say why.

Planners run whatever became of what is before them, so that a failed tile stops none of the
others. After a refusal each would start a worker only to see that there is no run.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import ParamSpec, TypeVar

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from landcover.errors import LandcoverError
from landcover_airflow import dag_runs
from landcover_airflow.notes import note_run
from landcover_airflow.notifier import tell_end
from landcover_airflow.outcome import OutOfMemoryError, ServiceAwayError, UnitError, paths_last

REPORT = "report"
_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def refusing(start: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Let the first task of a DAG end the run with itself, where it ends without another try.

    The planners are marked as skipped at once; ``report`` fails, so that the run is red. Where the
    task skips itself, they are skipped too.
    """

    @wraps(start)
    def started(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        try:
            return start(*args, **kwargs)
        except Exception as error:
            if not _is_tried_again(error):
                _leave_out()
                sentence = paths_last(str(error))
                note_run(sentence)
                with suppress(LandcoverError):  # the store may be what the run is refused for
                    tell_end(sentence)
            raise

    return started


def _is_tried_again(error: Exception) -> bool:
    if isinstance(error, (AirflowFailException, AirflowSkipException)):
        return False
    if isinstance(error, UnitError) and not isinstance(error, (ServiceAwayError, OutOfMemoryError)):
        return False
    ti = get_current_context()["ti"]
    return int(ti.try_number) <= int(ti.max_tries)


def _leave_out() -> None:
    """Skip the tasks that would run whatever became of this one, but for the report."""
    tasks = get_current_context()["dag"].tasks
    rules = {task.task_id: str(getattr(task.trigger_rule, "value", "")) for task in tasks}
    dag_runs.skip([name for name, rule in rules.items() if rule == "all_done" and name != REPORT])
