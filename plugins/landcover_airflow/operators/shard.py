"""Have a shard of a region worked on by a run of its own, and wait for it without a worker."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from landcover.ledger import shards
from landcover_airflow import dag_runs
from landcover_airflow.form import LEDGER_RUN
from landcover_airflow.outcome import sentences
from landcover_airflow.shard_run import EARLIER, SHARD, SHARD_DAG
from landcover_airflow.triggers.shard import ShardTrigger
from landcover_airflow.variables import told_after

if TYPE_CHECKING:
    from airflow.sdk import Context

    from landcover.nouns.shard import Phase, Shard

MOST_NAMED = 5
log = logging.getLogger(__name__)


class ShardOperator(BaseOperator):
    """Begin a run of ``landcover_shard``, or attach to the one that works on the shard.

    The names of a shard's runs are made from the run of the ledger and the shard, so another try
    finds the run of the one before. Where that has ended and tiles are left, another run works on
    these alone. A run that was stopped is waited for first. The task succeeds where no unit
    failed; a red one stops nothing, since planners and ``report`` read the ledger.

    Args:
        phase: Phase of the shard.
        place: Its place in the list of the phase in the ledger, from 0.
        run: Name of the run in the ledger.
        memory_gb: Memory of a job, GB; that of the settings if empty.
        threads: Threads of a job; those of the settings if empty.
        **kwargs: What every operator takes.
    """

    template_fields: Sequence[str] = ("run", "shard", "memory_gb", "threads")
    ui_color = "#e4e4f2"

    def __init__(
        self,
        *,
        phase: Phase,
        place: int,
        run: str = f"{{{{ params.{LEDGER_RUN} or run_id }}}}",
        memory_gb: str | float = "",
        threads: str | int = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.phase = phase
        self.place = place
        self.shard = shards.name_at(phase, place)
        self.run = run
        self.memory_gb = memory_gb
        self.threads = threads

    @property
    def shard_label(self) -> str:
        """What people see of the shard; its name where the ledger does not tell more."""
        with suppress(AirflowException):  # a label that cannot be told must not fail the task
            return self._shard().label
        return self.shard

    def execute(self, context: Context) -> str:
        """Begin a run of the shard, or attach to it, and defer.

        Returns:
            A sentence, where nothing is left to do.
        """
        from landcover import api

        shard = self._shard()
        last = shard.tries[-1] if shard.tries else None
        state = dag_runs.state_of(SHARD_DAG, last) if last else None
        if last is not None and state is not None and state not in dag_runs.ENDED:
            log.info("%s: attached to the run %s", self.shard, last)
            self._wait_for(last, context)
        with sentences():
            left = api.left_of_shard(self.run, self.shard)
        if not left:
            log.info("%s: all is there", self.shard)
            return f"{self.shard}: all is there."
        if dag_runs.is_paused(SHARD_DAG):
            raise AirflowFailException(
                f"{self.shard}: the DAG {SHARD_DAG} is paused, so its runs would wait. Unpause it, "
                "then clear this task."
            )
        # A run that is recorded and unknown to Airflow never began.
        name = last if last is not None and state is None else self._next_name(shard)
        self._begin(shard, name)
        log.info("%s: %d tiles in the run %s of %s", self.shard, len(left), name, SHARD_DAG)
        self._wait_for(name, context)
        raise AssertionError("deferred")

    def execute_complete(self, context: Context, event: dict[str, Any]) -> str:
        """End the task as the run of the shard ended; go on where that was being stopped.

        Raises:
            AirflowFailException: Tiles are left; the sentence names some with their reasons.
        """
        from landcover import api

        shard = self._shard()
        if event["run"] in shard.stopped:
            return self.execute(context)
        with sentences():
            left = api.left_of_shard(self.run, self.shard)
        if not left:
            return f"{self.shard}: all is there."
        named = "; ".join(f"{tile} ({why or 'not begun'})" for tile, why in left.items())
        if len(left) > MOST_NAMED:
            some = list(left.items())[:MOST_NAMED]
            named = "; ".join(f"{tile} ({why or 'not begun'})" for tile, why in some) + "; …"
        raise AirflowFailException(
            f"{self.shard}: {len(left)} of {len(shard.tiles)} tiles are not done: {named}. Clear "
            f"this task with what follows to work on these alone, or their lanes in the run "
            f"{event['run']} of {SHARD_DAG}."
        )

    def _shard(self) -> Shard:
        from landcover import api

        with sentences():
            return shards.load(api.open_workspace().records, self.run, self.shard)

    def _next_name(self, shard: Shard) -> str:
        name = f"{self.run}.{self.shard}"
        return name if not shard.tries else f"{name}.{len(shard.tries) + 1}"

    def _begin(self, shard: Shard, name: str) -> None:
        from landcover import api

        records = api.open_workspace().records
        # The record first: who comes after this process, if it dies here, knows the name.
        shards.begin(records, shard, name)
        conf = {
            LEDGER_RUN: self.run,
            SHARD: self.shard,
            EARLIER: shards.most_attempts(records, shard),
            "memory_gb": float(self.memory_gb) if self.memory_gb else None,
            "threads": int(float(self.threads)) if self.threads else None,
        }
        if not dag_runs.begin(SHARD_DAG, name, conf):
            log.info("%s: the run %s was there", self.shard, name)

    def _wait_for(self, name: str, context: Context) -> None:
        ti = context.get("ti")
        trigger = ShardTrigger(
            dag_id=SHARD_DAG,
            dag_run=name,
            ledger_run=self.run,
            shard=self.shard,
            not_failing_before=told_after(time.time(), getattr(ti, "start_date", None)),
        )
        self.defer(trigger=trigger, method_name="execute_complete")
