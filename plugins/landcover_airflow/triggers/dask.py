"""Wait for a unit on the Dask cluster without holding a worker slot."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import time
import traceback
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, cast

from airflow.triggers.base import (
    BaseTrigger,
    TaskSkippedEvent,
    TaskSuccessEvent,
    TriggerEvent,
)

from landcover import execution
from landcover.errors import family_of, sentence_of
from landcover.execution import unit_key
from landcover_airflow.hooks.dask import DaskHook, find, forget, lane_key, settle
from landcover_airflow.outcome import reason_of, shortened

if TYPE_CHECKING:
    from distributed import Client, Future, KilledWorker

    from landcover.nouns.stages import Stage

# A worker that died with more of its memory limit in use than this died of it.
MEMORY_DEATH = 0.8
TRACEBACK_CHARACTERS = 4000


class DaskUnitTrigger(BaseTrigger):
    """Attach to a unit by its key and fire once, when its lane ended or is lost.

    The event is ``{"outcome": …}`` with the document of :func:`landcover.api.run`, or
    ``{"family": …, "message": …}`` for what never reached the ledger. A unit that is done ends
    its task here, without starting another worker.

    Args:
        address: Address of the Dask scheduler.
        stages: Stages of the lane that were submitted, in their order.
        document: The document that was submitted; names the keys.
        deadlines: Moment, for each stage, after which the unit is stopped that has not finished
            it, seconds since 1970; never if None. Instants, so that another triggerer that
            attaches does not begin them anew.
        not_failing_before: Moment before which only a success is told, seconds since 1970.
        poll_seconds: How often to ask whether the scheduler and its workers are there.
        no_workers_seconds: How long a cluster without workers is waited for.
        lost_seconds: How long a scheduler that does not answer is waited for.
        stop_seconds: How long a worker may go on after its deadline before it is restarted.
    """

    def __init__(
        self,
        address: str,
        stages: Sequence[Stage],
        document: dict[str, Any],
        deadlines: Sequence[float] | None = None,
        not_failing_before: float = 0.0,
        poll_seconds: float = 1.0,
        no_workers_seconds: float = 120.0,
        lost_seconds: float = 30.0,
        stop_seconds: float = 60.0,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.address = address
        self.stages = tuple(stages)
        self.document = document
        self.deadlines = None if deadlines is None else tuple(deadlines)
        self.not_failing_before = not_failing_before
        self.poll_seconds = poll_seconds
        self.no_workers_seconds = no_workers_seconds
        self.lost_seconds = lost_seconds
        self.stop_seconds = stop_seconds
        self.key = lane_key(self.stages, document)
        # Share of its limit that each worker used when it was last heard of.
        self._memory: dict[str, float] = {}
        self._empty_since: float | None = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give what rebuilds this trigger in a triggerer process."""
        return (
            "landcover_airflow.triggers.dask.DaskUnitTrigger",
            {
                "address": self.address,
                "stages": list(self.stages),
                "document": self.document,
                "deadlines": None if self.deadlines is None else list(self.deadlines),
                "not_failing_before": self.not_failing_before,
                "poll_seconds": self.poll_seconds,
                "no_workers_seconds": self.no_workers_seconds,
                "lost_seconds": self.lost_seconds,
                "stop_seconds": self.stop_seconds,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait for the unit and fire once; may be run again elsewhere at any time."""
        try:
            event = await self._wait()
            json.dumps(event)  # the triggerer drops what it cannot write, and nobody would know
        except Exception as error:  # a trigger that raises would leave its unit unexplained
            where = await self._where()
            self.log.exception("%s", where)
            event = {"family": family_of(error), "message": f"{where}: {sentence_of(error)}"}
        outcome = event.get("outcome", {})
        end: TriggerEvent
        if outcome.get("state") in ("done", "reused"):
            self.log.info("%s: %s", self.document["unit"], outcome["state"])
            end = TaskSuccessEvent(xcoms={"return_value": outcome})
        elif outcome.get("state") == "skipped":
            at = outcome.get("stage") or self.stages[-1]
            label = self.document["unit"].replace(".", " ")
            self.log.warning("%s", reason_of(label, at, outcome["message"]))
            end = TaskSkippedEvent()
        else:
            await asyncio.sleep(max(0.0, self.not_failing_before - time.time()))
            yield TriggerEvent(event)  # type: ignore[no-untyped-call]
            return
        # Where a DAG is run in one process, the payload resumes the operator instead.
        end.payload = event
        yield end

    async def on_kill(self) -> None:
        """Cancel the unit: somebody marked or cleared the task while it was waiting."""
        from landcover import api

        await DaskHook(address=self.address).cancel(self.key)
        message = f"{await self._where()}: stopped from Airflow; clear the task to go on."
        # The stage that runs may end before it looks; those behind it will not be begun.
        for stage in self.stages[self.stages.index(await self._stage()) :]:
            await asyncio.to_thread(api.mark_lost, stage, self.document, "cancelled", message)
        self.log.warning("%s", message)

    @property
    def _keys(self) -> list[str]:
        return [unit_key(stage, self.document) for stage in self.stages]

    def _pass_on(self, lines: list[dict[str, Any]]) -> None:
        """Write lines of the worker into the log of the task."""
        for line in lines:
            tell = self.log.error if line["level"] >= logging.ERROR else self.log.info
            tell("%s", line["text"])

    async def _stage(self) -> Stage:
        """Name the stage that the unit is at, by its records."""
        if len(self.stages) == 1:
            return self.stages[0]
        from landcover import api
        from landcover.ledger import units

        def look() -> Stage:
            records = api.open_workspace().records
            return units.first_unfinished(
                records, self.document["run"], self.stages, self.document["unit"]
            )

        return await asyncio.to_thread(look)

    async def _where(self) -> str:
        return f"{self.document['unit']} {await self._stage()}"

    async def _wait(self) -> dict[str, Any]:
        """Watch the unit; attach again while the scheduler is away for less than allowed."""
        heard = time.monotonic()
        while True:
            try:
                async with DaskHook(address=self.address).client() as client:
                    future = await find(client, self.key)
                    if future is None:
                        return await self._lost("does not know it (was it restarted?)")
                    async with DaskHook(address=self.address).lines(client, self._keys) as lines:
                        while (status := await settle(future, self.poll_seconds)) == "pending":
                            self._pass_on(lines())
                            if over := await self._look(client) or await self._overdue(client):
                                return over
                            heard = time.monotonic()
                        self._pass_on(lines())
                    if status in ("finished", "error"):
                        return await self._end(client, future)
                    if status == "cancelled" and client.status == "running":
                        message = f"{await self._where()}: cancelled."
                        return {"family": "cancelled", "message": message}
            except (OSError, TimeoutError) as error:
                self.log.warning("%s: %s: %s", self.address, type(error).__name__, error)
            if time.monotonic() - heard > self.lost_seconds:
                return await self._lost(f"has not answered for {self.lost_seconds:g} s")
            await asyncio.sleep(self.poll_seconds)

    async def _look(self, client: Client) -> dict[str, Any] | None:
        """Note how full the workers are; end where there has been none for too long."""
        workers = (await cast("Any", client.scheduler).identity())["workers"]
        if workers:
            self._empty_since = None
            self._memory |= {
                address: worker["metrics"].get("memory", 0) / worker["memory_limit"]
                for address, worker in workers.items()
                if worker["memory_limit"]
            }
            return None
        self._empty_since = self._empty_since or time.monotonic()
        if time.monotonic() - self._empty_since < self.no_workers_seconds:
            return None
        await DaskHook(address=self.address).cancel(self.key)
        return self._unavailable(
            f"{await self._where()}: the Dask cluster at {self.address} has had no worker for "
            f"{self.no_workers_seconds:g} s. Start workers."
        )

    async def _overdue(self, client: Client) -> dict[str, Any] | None:
        """Stop the unit at its deadline; a worker that goes on nevertheless is restarted."""
        if self.deadlines is None or time.time() < min(self.deadlines):
            return None
        stage = await self._stage()
        if time.time() < self.deadlines[self.stages.index(stage)]:
            return None
        from landcover import api

        message = f"{await self._where()}: not done at its deadline; stopped."
        processing = cast("Any", client).processing
        ours = set(self._keys)
        working = [w for w, keys in (await processing()).items() if not ours.isdisjoint(keys)]
        # The record first: the job reads there that it is to end.
        await asyncio.to_thread(api.mark_lost, stage, self.document, "unavailable", message)
        await DaskHook(address=self.address).cancel(self.key)
        if working and not await self._ends(client, working):
            # By its nanny, which starts another one: a thread that does not end, and one that keeps
            # the interpreter to itself, outlive what restart_workers of Dask asks for politely.
            await client.run(_kill, workers=working, nanny=True, on_error="return")
            message = f"{message} Its worker did not end within {self.stop_seconds:g} s and was "
            message += "restarted."
        return self._unavailable(message)

    async def _ends(self, client: Client, workers: list[str]) -> bool:
        """Wait until none of the workers works on the unit any more; False where one does not."""
        until = time.monotonic() + self.stop_seconds
        while time.monotonic() < until:
            answers = await client.run(
                execution.is_running, *self._keys, workers=workers, on_error="return"
            )
            if not any(answer is True for answer in answers.values()):
                return True
            await asyncio.sleep(self.poll_seconds)
        return False

    async def _end(self, client: Client, future: Future[Any]) -> dict[str, Any]:
        from distributed import KilledWorker

        if future.status == "finished":
            outcome = shortened(await future.result())
            await forget(client, self.key)
            return {"outcome": outcome}
        error = await future.exception()  # type: ignore[no-untyped-call]
        trace = await future.traceback()  # type: ignore[no-untyped-call]
        await forget(client, self.key)
        if isinstance(error, KilledWorker):
            return await self._died(error)
        return {
            "family": family_of(error),
            "message": f"{await self._where()}: {sentence_of(error)}",
            "traceback": "".join(traceback.format_tb(trace))[-TRACEBACK_CHARACTERS:],
        }

    async def _died(self, error: KilledWorker) -> dict[str, Any]:
        worker = error.last_worker
        share = self._memory.get(worker.address, 0.0)
        limit = (worker.memory_limit or 0) / 1e9
        where = await self._where()
        if share > MEMORY_DEATH:
            return {
                "family": "memory",
                "message": f"{where}: its worker died with {100 * share:.0f} % of its "
                f"{limit:.2f} GB in use; smaller windows are tried, or give it more memory_gb.",
            }
        return self._unavailable(
            f"{where}: its worker {worker.address} died (memory when last heard of: "
            f"{100 * share:.0f} % of {limit:.2f} GB)."
        )

    async def _lost(self, why: str) -> dict[str, Any]:
        where = await self._where()
        return self._unavailable(f"{where}: the Dask scheduler at {self.address} {why}.")

    def _unavailable(self, message: str) -> dict[str, Any]:
        return {"family": "unavailable", "message": message}


def _kill(dask_worker: Any) -> None:
    """Kill the process of a nanny's worker; Dask gives the nanny under this name."""
    os.kill(dask_worker.pid, signal.SIGKILL)
