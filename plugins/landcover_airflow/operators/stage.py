"""Run one unit through the stages of its lane on the Dask cluster."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException, TaskDeferralError, TaskDeferralTimeout

from landcover.errors import InputError
from landcover.nouns.stages import TABLE, Group, Stage
from landcover.nouns.unit_document import unit_document
from landcover_airflow.hooks.dask import DaskHook, lane_key
from landcover_airflow.ledger_run import ledger_run_of
from landcover_airflow.operators.links import TileLink
from landcover_airflow.outcome import give_up, reason_of, sentences
from landcover_airflow.shard_run import part_name
from landcover_airflow.triggers.dask import DaskUnitTrigger
from landcover_airflow.variables import told_after

if TYPE_CHECKING:
    import jinja2
    from airflow.sdk import Context

    from landcover.errors import Family
    from landcover.nouns.run import Unit, UnitState

log = logging.getLogger(__name__)
# Windows of a sixteenth are as small as it makes sense; by then it is not the windows.
MOST_DEATHS = 4


class StageOperator(BaseOperator):
    """Submit a unit to the Dask cluster and wait for it without holding a worker.

    Its stages run there one behind the other, each with a record of its own; another try, or a
    clear, goes through all of them and finds what is finished.

    Args:
        stages: Stages that the task runs, in their order.
        group: Group of the planner that listed the lane. By it, and by the place of the task in
            its mapped group, the unit is found in the ledger.
        unit: Unit id; that of the lane if empty.
        unit_label: What people see of the unit; that of the lane if empty.
        run: Name of the run in the ledger; that of the DAG run if empty.
        memory_gb: Memory of the job, GB; that of the settings if empty.
        threads: Threads of the job; those of the settings if empty.
        earlier_attempts: Attempts that the unit has had in other DAG runs of the same run.
        dask_conn_id: Airflow connection of the Dask scheduler.
        **kwargs: What every operator takes.
    """

    template_fields: Sequence[str] = (
        "run", "unit", "unit_label", "memory_gb", "threads", "earlier_attempts",
    )  # fmt: skip
    operator_extra_links = (TileLink(),)
    ui_color = "#e4eedd"

    def __init__(
        self,
        *,
        stages: Sequence[Stage],
        group: Group | None = None,
        unit: str = "",
        unit_label: str = "",
        run: str = "",
        memory_gb: str | float = "",
        threads: str | int = "",
        earlier_attempts: str | int = 0,
        dask_conn_id: str = DaskHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.stages = tuple(stages)
        self.group = group
        self.unit = unit
        self.unit_label = unit_label
        self.run = run
        self.memory_gb = memory_gb
        self.threads = threads
        self.earlier_attempts = earlier_attempts
        self.dask_conn_id = dask_conn_id
        self._submitted: tuple[DaskHook, str] | None = None

    def render_template_fields(
        self, context: Context, jinja_env: jinja2.Environment | None = None
    ) -> None:
        """Fill in the templates, the run of the ledger, and the unit of the lane from there.

        Between the planner and its lanes only their number travels. Label and rendered fields of
        the task show the unit, so it is found before they are told.
        """
        super().render_template_fields(context, jinja_env)
        self.run = self.run or ledger_run_of(context)
        if not self.unit:
            with sentences():
                unit = self._unit_of_lane(context)
            self.unit, self.unit_label = unit.id, unit.label

    def execute(self, context: Context) -> None:
        """Submit the unit and defer; a unit that is there already is attached to."""
        ti = context["ti"]
        with sentences():
            states = self._states()
        self._require_work(states, int(ti.try_number))
        stages = tuple(states)
        document = self._document(int(ti.try_number), states)
        hook = DaskHook(self.dask_conn_id)
        try:
            with sentences():
                self._submitted = (hook, lane_key(stages, document))
                # Depth first: the lanes in front begin their next stage before others begin.
                submitted = hook.submit(stages, document, priority=-max(0, ti.map_index or 0))
                how = asyncio.run(submitted)
        except (OSError, TimeoutError):
            message = f"{self._where}: no Dask scheduler answers at {hook.address}."
            self._lose(document, "unavailable", message)
        log.info("%s: %s, %s", self.unit_label or self.unit, " → ".join(stages), how)
        # Whoever looks for the unit on Dask's own pages finds it by this name.
        context["task_state_store"].set("dask_key", lane_key(stages, document))
        now = time.time()
        self.defer(
            trigger=DaskUnitTrigger(
                hook.address,
                stages,
                document,
                deadlines=self._deadlines(now, stages),
                not_failing_before=told_after(now, getattr(ti, "start_date", None)),
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
            document = self._document(int(context["ti"].try_number), {})
            message = f"{self._where}: what waited for it in the triggerer broke ({error})."
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
            document = self._document(int(context["ti"].try_number), {})
            self._lose(document, event["family"], event["message"])
        if outcome["state"] not in ("done", "reused"):
            stage = outcome.get("stage") or self._stage()
            reason = reason_of(self.unit_label or self.unit, stage, outcome["message"])
            if outcome["state"] == "skipped":
                raise AirflowSkipException(reason)
            give_up(outcome["error_family"], reason)
        log.info("%s: %s %s", self.unit_label, self.stages[-1], outcome["state"])
        return outcome

    def on_kill(self) -> None:
        """Cancel what this process submitted, when it is ended before it could defer."""
        if self._submitted is not None:
            hook, key = self._submitted
            asyncio.run(hook.cancel(key))

    @property
    def _where(self) -> str:
        return f"{self.unit_label or self.unit} {self._stage()}"

    def _unit_of_lane(self, context: Context) -> Unit:
        from landcover import api
        from landcover.ledger import lanes

        if self.group is None:
            raise InputError(f"{self.task_id}: expected a unit, or the group of its lane.")
        place = int(context["ti"].map_index or 0)
        records = api.open_workspace().records
        return lanes.unit_at(records, self.run, self.group, place, part_name(context))

    def _states(self) -> dict[Stage, UnitState]:
        """Give the unit at those of the stages that are part of the run, as it is recorded."""
        from landcover import api
        from landcover.ledger import units

        records = api.open_workspace().records
        found = ((stage, units.load(records, self.run, stage, self.unit)) for stage in self.stages)
        return {stage: state for stage, state in found if state is not None}

    def _stage(self) -> Stage:
        """Name the stage that the unit is at."""
        if len(self.stages) == 1:
            return self.stages[0]
        from landcover import api
        from landcover.ledger import units

        records = api.open_workspace().records
        return units.first_unfinished(records, self.run, self.stages, self.unit)

    def _require_work(self, states: dict[Stage, UnitState], attempt: int) -> None:
        """Skip a lane that has nothing to work on.

        Raises:
            AirflowSkipException: An earlier group did not give the unit what it needs, or all of
                it was there when the lane was planned.
        """
        from landcover import api
        from landcover.ledger import units

        label = self.unit_label or self.unit
        if not states:
            tile = self.unit.partition(".")[0]
            why = units.trouble_of(api.open_workspace().records, self.run, tile)
            what = " → ".join(self.stages)
            raise AirflowSkipException(f"{label}: {what} has nothing to work on. {why}".rstrip())
        if attempt == 1 and all(s.state == "reused" and not s.attempts for s in states.values()):
            raise AirflowSkipException(f"{label}: all is there already.")

    def _document(self, attempt: int, states: dict[Stage, UnitState]) -> dict[str, Any]:
        from landcover.settings import read_settings

        settings = read_settings()
        memory_gb = float(self.memory_gb or settings.memory_gb)
        if any(state.error_family == "memory" for state in states.values()):
            # Earlier attempts died of memory: half the windows for each of them.
            memory_gb /= 2 ** min(attempt - 1, MOST_DEATHS)
        return unit_document(
            self.run,
            self.stages[0],
            self.unit,
            attempt=attempt + int(self.earlier_attempts),
            memory_gb=memory_gb,
            threads=int(float(self.threads or settings.threads)),
        )

    def _deadlines(self, now: float, stages: Sequence[Stage]) -> list[float]:
        """Give the moment at which each stage is to be done: each has its hours."""
        from landcover.settings import read_settings

        every = read_settings().deadline_hours
        hours = (every or TABLE[stage].deadline_hours for stage in stages)
        return [now + 3600 * total for total in accumulate(hours)]

    def _lose(self, document: dict[str, Any], family: Family, message: str) -> NoReturn:
        """Write down what the worker could not, and end the task."""
        from landcover import api

        with sentences():
            api.mark_lost(self._stage(), document, family, message)
        give_up(family, message)
