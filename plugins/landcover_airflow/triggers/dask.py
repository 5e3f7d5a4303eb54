"""Wait for a unit on the Dask cluster without holding a worker slot."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, cast

from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent

from landcover.errors import family_of, sentence_of
from landcover.execution import unit_key
from landcover_airflow.hooks.dask import DaskHook, find, forget, settle
from landcover_airflow.outcome import shortened

if TYPE_CHECKING:
    from distributed import Client, Future, KilledWorker

    from landcover.nouns.stages import Stage

# A worker that died with more of its memory limit in use than this died of it.
MEMORY_DEATH = 0.8
TRACEBACK_CHARACTERS = 4000


class DaskUnitTrigger(BaseTrigger):
    """Attach to a unit by its key and fire once, when it ended or is lost.

    The event is ``{"outcome": …}`` with the document of :func:`landcover.api.run`, or
    ``{"family": …, "message": …}`` for what never reached the ledger. A unit that is done ends
    its task here, without starting another worker.

    Args:
        address: Address of the Dask scheduler.
        stage: Stage of the unit.
        document: The document that was submitted; names the key.
        poll_seconds: How often to ask whether the scheduler and its workers are there.
        no_workers_seconds: How long a cluster without workers is waited for.
        lost_seconds: How long a scheduler that does not answer is waited for.
    """

    def __init__(
        self,
        address: str,
        stage: Stage,
        document: dict[str, Any],
        poll_seconds: float = 1.0,
        no_workers_seconds: float = 120.0,
        lost_seconds: float = 30.0,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.address = address
        self.stage = stage
        self.document = document
        self.poll_seconds = poll_seconds
        self.no_workers_seconds = no_workers_seconds
        self.lost_seconds = lost_seconds
        self.key = unit_key(stage, document)
        # Share of its limit that each worker used when it was last heard of.
        self._memory: dict[str, float] = {}
        self._empty_since: float | None = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give what rebuilds this trigger in a triggerer process."""
        return (
            "landcover_airflow.triggers.dask.DaskUnitTrigger",
            {
                "address": self.address,
                "stage": self.stage,
                "document": self.document,
                "poll_seconds": self.poll_seconds,
                "no_workers_seconds": self.no_workers_seconds,
                "lost_seconds": self.lost_seconds,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait for the unit and fire once; may be run again elsewhere at any time."""
        try:
            event = await self._wait()
        except Exception as error:  # a trigger that raises would leave its unit unexplained
            self.log.exception("%s", self._where)
            event = {"family": family_of(error), "message": f"{self._where}: {sentence_of(error)}"}
        outcome = event.get("outcome", {})
        if outcome.get("state") not in ("done", "reused"):
            yield TriggerEvent(event)  # type: ignore[no-untyped-call]
            return
        self.log.info("%s", outcome)
        end = TaskSuccessEvent(xcoms={"return_value": outcome})
        # Where a DAG is run in one process, the payload resumes the operator instead.
        end.payload = event
        yield end

    async def on_kill(self) -> None:
        """Cancel the unit: somebody marked or cleared the task while it was waiting."""
        from landcover import api

        await DaskHook(address=self.address).cancel(self.key)
        message = f"{self._where}: stopped from Airflow; clear the task to go on."
        await asyncio.to_thread(api.mark_lost, self.stage, self.document, "cancelled", message)
        self.log.warning("%s", message)

    @property
    def _where(self) -> str:
        return f"{self.document['unit']} {self.stage}"

    async def _wait(self) -> dict[str, Any]:
        """Watch the unit; attach again while the scheduler is away for less than allowed."""
        heard = time.monotonic()
        while True:
            try:
                async with DaskHook(address=self.address).client() as client:
                    future = await find(client, self.key)
                    if future is None:
                        return self._lost("does not know it (was it restarted?)")
                    while (status := await settle(future, self.poll_seconds)) == "pending":
                        if empty := await self._look(client):
                            return empty
                        heard = time.monotonic()
                    if status in ("finished", "error"):
                        return await self._end(client, future)
                    if status == "cancelled" and client.status == "running":
                        return {"family": "cancelled", "message": f"{self._where}: cancelled."}
            except (OSError, TimeoutError) as error:
                self.log.warning("%s: %s: %s", self.address, type(error).__name__, error)
            if time.monotonic() - heard > self.lost_seconds:
                return self._lost(f"has not answered for {self.lost_seconds:g} s")
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
            f"{self._where}: the Dask cluster at {self.address} has had no worker for "
            f"{self.no_workers_seconds:g} s. Start workers."
        )

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
            return self._died(error)
        return {
            "family": family_of(error),
            "message": f"{self._where}: {sentence_of(error)}",
            "traceback": "".join(traceback.format_tb(trace))[-TRACEBACK_CHARACTERS:],
        }

    def _died(self, error: KilledWorker) -> dict[str, Any]:
        worker = error.last_worker
        share = self._memory.get(worker.address, 0.0)
        limit = (worker.memory_limit or 0) / 1e9
        if share > MEMORY_DEATH:
            return {
                "family": "memory",
                "message": f"{self._where}: its worker died with {100 * share:.0f} % of its "
                f"{limit:.2f} GB in use; smaller windows are tried, or give it more memory_gb.",
            }
        return self._unavailable(
            f"{self._where}: its worker {worker.address} died (memory when last heard of: "
            f"{100 * share:.0f} % of {limit:.2f} GB)."
        )

    def _lost(self, why: str) -> dict[str, Any]:
        return self._unavailable(f"{self._where}: the Dask scheduler at {self.address} {why}.")

    def _unavailable(self, message: str) -> dict[str, Any]:
        return {"family": "unavailable", "message": message}
