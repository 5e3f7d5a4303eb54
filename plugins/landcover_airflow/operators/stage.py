"""Run one unit at one stage on the Dask cluster."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException, TaskDeferralError, TaskDeferralTimeout

from landcover.execution import unit_key
from landcover.nouns.stages import GROUPS, TABLE, Stage
from landcover.nouns.unit_document import unit_document
from landcover_airflow.form import LEDGER_RUN_TEMPLATE
from landcover_airflow.hooks.dask import DaskHook
from landcover_airflow.outcome import give_up, sentences
from landcover_airflow.triggers.dask import DaskUnitTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

    from landcover.errors import Family
    from landcover.nouns.run import UnitState

log = logging.getLogger(__name__)
# Windows of a sixteenth are as small as it makes sense; by then it is not the windows.
MOST_DEATHS = 4
HOLD_VARIABLE = "LANDCOVER_HOLD_SECONDS"
HOLD_SECONDS = 5.0
"""A deferral is this old before its trigger fires for a failure: the scheduler of Airflow 3.3 may
see the event before the end of the process that deferred, and fails the task as a "state mismatch"
without its reason (apache/airflow #72716). Where no scheduler runs, the variable says 0."""


class StageOperator(BaseOperator):
    """Submit a unit to the Dask cluster and wait for it without holding a worker.

    Args:
        stage: Stage name.
        unit: Unit id, as the planner wrote it to the ledger.
        unit_label: What people see of the unit.
        run: Name of the run in the ledger: as the DAG run is told, else its own id.
        memory_gb: Memory of the job, GB; that of the settings if empty.
        threads: Threads of the job; those of the settings if empty.
        dask_conn_id: Airflow connection of the Dask scheduler.
        **kwargs: What every operator takes.
    """

    template_fields: Sequence[str] = ("run", "unit", "unit_label", "memory_gb", "threads")
    ui_color = "#e4eedd"

    def __init__(
        self,
        *,
        stage: Stage,
        unit: str,
        unit_label: str = "",
        run: str = LEDGER_RUN_TEMPLATE,
        memory_gb: str | float = "",
        threads: str | int = "",
        dask_conn_id: str = DaskHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.stage = stage
        self.unit = unit
        self.unit_label = unit_label
        self.run = run
        self.memory_gb = memory_gb
        self.threads = threads
        self.dask_conn_id = dask_conn_id
        self._submitted: tuple[DaskHook, str] | None = None

    def execute(self, context: Context) -> None:
        """Submit the unit and defer; a unit that is there already is attached to."""
        with sentences():
            state = self._state()
        if state is None:
            message = f"{self.unit_label}: {self.stage} is not part of this run."
            if not self._goes_on():
                raise AirflowSkipException(message)
            log.info("%s", message)  # a skip would skip the rest of the lane
            return
        document = self._document(int(context["ti"].try_number), state)
        key = unit_key(self.stage, document)
        hook = DaskHook(self.dask_conn_id)
        try:
            with sentences():
                self._submitted = (hook, key)
                how = asyncio.run(hook.submit(self.stage, document, key))
        except (OSError, TimeoutError):
            message = f"{self.unit} {self.stage}: no Dask scheduler answers at {hook.address}."
            self._lose(document, "unavailable", message)
        log.debug("%s: %s %s as %s", self.unit_label, self.stage, how, key)
        now = time.time()
        self.defer(
            trigger=DaskUnitTrigger(
                hook.address,
                self.stage,
                document,
                deadline=now + 3600 * self._deadline_hours(),
                not_failing_before=now + float(os.environ.get(HOLD_VARIABLE, HOLD_SECONDS)),
            ),
            method_name="execute_complete",
        )

    def resume_execution(
        self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context
    ) -> Any:
        """Go on after the deferral; a trigger that broke is written down as a lost unit."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except (TaskDeferralError, TaskDeferralTimeout) as error:
            document = self._document(int(context["ti"].try_number), None)
            where = f"{self.unit_label or self.unit} {self.stage}"
            message = f"{where}: what waited for it in the triggerer broke ({error})."
            self._lose(document, "unavailable", message)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """End the task as the unit ended.

        Returns:
            ``unit``, ``state``, ``outputs``, ``seconds``, ``error_family``, ``message``.
        """
        outcome: dict[str, Any] | None = event.get("outcome")
        if outcome is None:
            if event.get("traceback"):
                log.error("Traceback of the worker:\n%s", event["traceback"])
            document = self._document(int(context["ti"].try_number), None)
            self._lose(document, event["family"], event["message"])
        if outcome["state"] == "skipped":
            raise AirflowSkipException(outcome["message"])
        if outcome["state"] not in ("done", "reused"):
            give_up(outcome["error_family"], outcome["message"])
        log.info("%s: %s %s", self.unit_label, self.stage, outcome["state"])
        return outcome

    def on_kill(self) -> None:
        """Cancel what this process submitted, when it is ended before it could defer."""
        if self._submitted is not None:
            hook, key = self._submitted
            asyncio.run(hook.cancel(key))

    def _state(self) -> UnitState | None:
        from landcover import api
        from landcover.ledger import units

        return units.load(api.open_workspace().records, self.run, self.stage, self.unit)

    def _goes_on(self) -> bool:
        """Tell whether a later stage of the lane is part of the run: this one is optional."""
        from landcover import api
        from landcover.ledger import units

        lane = GROUPS[TABLE[self.stage].group]
        records = api.open_workspace().records
        later = lane[lane.index(self.stage) + 1 :]
        return any(units.load(records, self.run, stage, self.unit) for stage in later)

    def _document(self, attempt: int, state: UnitState | None) -> dict[str, Any]:
        from landcover.settings import read_settings

        settings = read_settings()
        memory_gb = float(self.memory_gb or settings.memory_gb)
        if state is not None and state.error_family == "memory":
            # Earlier attempts died of memory: half the windows for each of them.
            memory_gb /= 2 ** min(attempt - 1, MOST_DEATHS)
        return unit_document(
            self.run,
            self.stage,
            self.unit,
            attempt=attempt,
            memory_gb=memory_gb,
            threads=int(float(self.threads or settings.threads)),
        )

    def _deadline_hours(self) -> float:
        from landcover.settings import read_settings

        return read_settings().deadline_hours or TABLE[self.stage].deadline_hours

    def _lose(self, document: dict[str, Any], family: Family, message: str) -> NoReturn:
        """Write down what the worker could not, and end the task."""
        from landcover import api

        with sentences():
            api.mark_lost(self.stage, document, family, message)
        give_up(family, message)
