"""Wait for the run of a shard without holding a worker, and stop it with its region."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent

from landcover_airflow import dag_runs
from landcover_airflow.hooks.dask import DaskHook

POLL_SECONDS = 5.0
UNKNOWN = "unknown"


class ShardTrigger(BaseTrigger):
    """Fire once, when a run of ``landcover_shard`` has ended or is unknown to Airflow.

    Its event is ``{"run": …, "state": …}``. A run that succeeded ends the task here, without
    starting another worker.

    Args:
        dag_id: DAG of the shards.
        dag_run: Name of the run.
        ledger_run: Run of the ledger.
        shard: Name of the shard.
        not_failing_before: Moment before which only a success is told, seconds since 1970.
        poll_seconds: How often Airflow is asked.
    """

    def __init__(
        self,
        dag_id: str,
        dag_run: str,
        ledger_run: str,
        shard: str,
        not_failing_before: float = 0.0,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.dag_id = dag_id
        self.dag_run = dag_run
        self.ledger_run = ledger_run
        self.shard = shard
        self.not_failing_before = not_failing_before
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give what rebuilds this trigger in a triggerer process."""
        return (
            "landcover_airflow.triggers.shard.ShardTrigger",
            {
                "dag_id": self.dag_id,
                "dag_run": self.dag_run,
                "ledger_run": self.ledger_run,
                "shard": self.shard,
                "not_failing_before": self.not_failing_before,
                "poll_seconds": self.poll_seconds,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait for the end of the run; may be run again elsewhere at any time."""
        while (state := await self._state()) not in (*dag_runs.ENDED, UNKNOWN):
            await asyncio.sleep(self.poll_seconds)
        event = {"run": self.dag_run, "state": state}
        self.log.info("%s: the run %s ended as %s", self.shard, self.dag_run, state)
        if state == "success":
            end = TaskSuccessEvent(xcoms={"return_value": f"{self.shard}: all is there."})
            end.payload = event
            yield end
            return
        await asyncio.sleep(max(0.0, self.not_failing_before - time.time()))
        yield TriggerEvent(event)  # type: ignore[no-untyped-call]

    async def on_kill(self) -> None:
        """Stop the shard: somebody marked or cleared the task while it was waiting."""
        from landcover import api

        stopped = await asyncio.to_thread(api.stop_shard, self.ledger_run, self.shard)
        names = {f"{one['stage']}-{self.ledger_run}-{one['unit']}-" for one in stopped}
        hook = DaskHook()
        await asyncio.to_thread(lambda: hook.address)  # may have to ask for a connection
        cancelled = await hook.cancel_all(names) if names else 0
        self.log.warning(
            "%s: stopped with its region; %d units were cancelled, %d of them on the cluster",
            self.shard, len(stopped), cancelled,
        )  # fmt: skip

    async def _state(self) -> str:
        """Ask for the state of the run; what goes wrong with one question is asked again."""
        try:
            state = await asyncio.to_thread(dag_runs.state_of, self.dag_id, self.dag_run)
        except Exception as error:  # the API server is away: this run goes on without it
            self.log.warning("%s: %s: %s", self.dag_run, type(error).__name__, error)
            return "running"
        return UNKNOWN if state is None else state
