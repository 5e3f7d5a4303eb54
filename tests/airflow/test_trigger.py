"""The trigger against real Dask clusters: it attaches, waits, and says why a unit was lost."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from airflow.sdk._shared.module_loading import import_string
from airflow.triggers.base import TaskSkippedEvent, TaskSuccessEvent, TriggerEvent
from distributed import Client, LocalCluster

from landcover import api, execution
from landcover.errors import InputError, UnavailableError
from landcover.execution import unit_key
from landcover.ledger import units
from landcover.nouns.run import Unit
from landcover_airflow.hooks import dask as dask_hook
from landcover_airflow.hooks.dask import DaskHook
from landcover_airflow.triggers.dask import DaskUnitTrigger

Job = Callable[[str, dict[str, Any]], dict[str, Any]]
DONE = {
    "unit": "31UDS.2018-spring",
    "state": "done",
    "outputs": ["0" * 16] * 40,
    "seconds": 1.5,
    "error_family": None,
    "message": "",
}


def ended(**changes: Any) -> Job:
    return lambda stage, document: DONE | changes


def raising(error: Exception) -> Job:
    def job(stage: str, document: dict[str, Any]) -> dict[str, Any]:
        raise error

    return job


def seconds_long(seconds: float) -> Job:
    def job(stage: str, document: dict[str, Any]) -> dict[str, Any]:
        time.sleep(seconds)
        return DONE

    return job


async def fired(trigger: DaskUnitTrigger) -> TriggerEvent:
    events = [event async for event in trigger.run()]
    assert len(events) == 1
    return events[0]


@pytest.fixture
def submitted(
    cluster: str, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Job], DaskUnitTrigger]:
    """Submit a job as a unit and give its trigger."""

    def submit(job: Job) -> DaskUnitTrigger:
        monkeypatch.setattr(execution, "run_unit", job)
        how = asyncio.run(DaskHook(address=cluster).submit(["mask"], document))
        assert how == "submitted"
        return DaskUnitTrigger(cluster, ["mask"], document, poll_seconds=0.1, lost_seconds=1.0)

    return submit


def test_it_survives_its_serialization(cluster: str, document: dict[str, Any]) -> None:
    trigger = DaskUnitTrigger(
        cluster,
        ["mask"],
        document,
        deadlines=[1e9],
        not_failing_before=5.0,
        no_workers_seconds=7,
        stop_seconds=3,
    )
    path, arguments = trigger.serialize()
    again = import_string(path)(**arguments)
    assert (again.serialize(), again.key) == (trigger.serialize(), trigger.key)


@pytest.mark.parametrize("state", ["done", "reused"])
def test_what_is_done_ends_the_task_without_a_worker(
    submitted: Callable[[Job], DaskUnitTrigger], state: str
) -> None:
    trigger = submitted(ended(state=state))
    event = asyncio.run(fired(trigger))
    assert isinstance(event, TaskSuccessEvent)
    assert event.xcoms is not None
    returned: Any = event.xcoms["return_value"]
    assert returned["state"] == state
    assert returned["n_outputs"] == 40
    assert len(str(returned)) < 1000
    # In a DAG run in one process the same event resumes the operator.
    assert event.payload == {"outcome": returned}
    # The scheduler has forgotten the unit.
    assert asyncio.run(DaskHook(address=trigger.address).cancel(trigger.key)) is False


@pytest.mark.parametrize(
    ("state", "family"),
    [
        ("failed", "input"),
        ("failed", "defect"),
        ("failed", "unavailable"),
        ("failed", "memory"),
        ("cancelled", "cancelled"),
    ],
)
def test_what_is_not_done_resumes_the_operator(
    submitted: Callable[[Job], DaskUnitTrigger], state: str, family: str
) -> None:
    job = ended(state=state, error_family=family, message="Why.")
    event = asyncio.run(fired(submitted(job)))
    assert type(event) is TriggerEvent
    outcome = event.payload["outcome"]
    assert (outcome["state"], outcome["error_family"], outcome["message"]) == (
        state,
        family,
        "Why.",
    )


def test_what_is_missing_ends_the_task_without_a_worker(
    submitted: Callable[[Job], DaskUnitTrigger],
) -> None:
    job = ended(state="skipped", error_family="missing", message="No products.")
    event = asyncio.run(fired(submitted(job)))
    assert isinstance(event, TaskSkippedEvent)
    assert event.payload["outcome"]["message"] == "No products."  # in one process it resumes


def test_a_failure_is_held_until_the_deferral_was_seen(
    submitted: Callable[[Job], DaskUnitTrigger],
) -> None:
    trigger = submitted(ended(state="failed", error_family="input", message="Why."))
    trigger.not_failing_before = (begun := time.time()) + 1.5
    assert asyncio.run(fired(trigger)).payload["outcome"]["message"] == "Why."
    assert time.time() - begun >= 1.5


def test_a_success_is_not_held(submitted: Callable[[Job], DaskUnitTrigger]) -> None:
    trigger = submitted(ended())
    trigger.not_failing_before = (begun := time.time()) + 60
    assert isinstance(asyncio.run(fired(trigger)), TaskSuccessEvent)
    assert time.time() - begun < 30


def test_an_outcome_that_cannot_be_written_is_a_sentence(
    submitted: Callable[[Job], DaskUnitTrigger],
) -> None:
    event = asyncio.run(fired(submitted(ended(seconds=object())))).payload
    assert event["family"] == "defect"
    assert "31UDS.2018-spring mask: " in event["message"]
    assert "not JSON serializable" in event["message"]


@pytest.mark.parametrize(
    ("error", "family"),
    [
        (InputError("Unit document: expected schema 1, found 2."), "input"),
        (UnavailableError("The records do not answer."), "unavailable"),
        (ZeroDivisionError("division by zero"), "defect"),
    ],
)
def test_what_was_raised_keeps_its_family_and_its_traceback(
    submitted: Callable[[Job], DaskUnitTrigger], error: Exception, family: str
) -> None:
    event = asyncio.run(fired(submitted(raising(error)))).payload
    assert event["family"] == family
    assert str(error) in event["message"]
    assert event["message"].startswith("31UDS.2018-spring mask: ")
    assert "raise error" in event["traceback"]


def test_lines_of_the_worker_reach_the_log_of_their_unit_alone(
    cluster: str,
    document: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def job(stage: str, document: dict[str, Any]) -> dict[str, Any]:
        logger, unit = logging.getLogger("landcover.test"), document["unit"]
        logger.info("%s at work", unit)
        with ThreadPoolExecutor(1) as pool:  # threads of a unit copy its context
            pool.submit(copy_context().run, logger.warning, "%s in a thread", unit).result()
            pool.submit(logger.info, "nobody's").result()
        time.sleep(1.0)  # another one writes meanwhile
        logger.error("%s: Traceback (most recent call last)", unit)
        return DONE | {"unit": unit}

    monkeypatch.setattr(api, "run", job)
    documents = [{**document, "unit": name} for name in ("31UDS.a", "31UDS.b")]

    async def story() -> None:
        hook = DaskHook(address=cluster)
        for one in documents:
            await hook.submit(["mask"], one)
        triggers = [DaskUnitTrigger(cluster, ["mask"], one, poll_seconds=0.1) for one in documents]
        told: list[list[str]] = [[], []]
        for trigger, lines in zip(triggers, told, strict=True):
            log = SimpleNamespace(
                info=lambda text, *given, lines=lines: lines.append(text % given),
                error=lambda text, *given, lines=lines: lines.append(f"ERROR {text % given}"),
            )
            trigger._log = log  # type: ignore[assignment]
        await asyncio.gather(*map(fired, triggers))
        for one, lines in zip(documents, told, strict=True):
            name = one["unit"]
            assert lines == [
                f"{name} at work",
                f"{name} in a thread",
                f"ERROR {name}: Traceback (most recent call last)",
                f"{name}: done",
            ]

    asyncio.run(story())


def test_another_trigger_attaches_and_the_unit_runs_once(
    submitted: Callable[[Job], DaskUnitTrigger],
    cluster: str,
    document: dict[str, Any],
    tmp_path: Path,
) -> None:
    calls = tmp_path / "calls"

    def job(stage: str, document: dict[str, Any]) -> dict[str, Any]:
        with calls.open("a") as file:
            file.write(f"{stage} ")
        time.sleep(0.6)
        return DONE

    first = submitted(job)

    async def story() -> TriggerEvent:
        with pytest.raises(TimeoutError):  # the triggerer dies
            await asyncio.wait_for(fired(first), 0.2)
        hook = DaskHook(address=cluster)
        assert await hook.submit(["mask"], document) == "attached"
        path, arguments = first.serialize()
        return await fired(import_string(path)(**arguments))

    assert isinstance(asyncio.run(story()), TaskSuccessEvent)
    assert calls.read_text() == "mask "


def test_many_triggers_share_one_connection(
    submitted: Callable[[Job], DaskUnitTrigger], cluster: str
) -> None:
    trigger = submitted(seconds_long(0.5))

    async def count() -> tuple[int, list[TriggerEvent]]:
        waiting = asyncio.gather(*(fired(trigger) for _ in range(3)))
        await asyncio.sleep(0.2)
        async with (
            DaskHook(address=cluster).client() as one,
            DaskHook(address=cluster).client() as other,
        ):
            assert one is other
            clients = await one.run_on_scheduler(
                lambda dask_scheduler: list(dask_scheduler.clients)
            )
        return sum("landcover-airflow" in name for name in clients), await waiting

    n_clients, events = asyncio.run(count())
    assert n_clients == 1
    assert all(isinstance(event, TaskSuccessEvent) for event in events)


def test_an_old_error_is_not_given_again(
    submitted: Callable[[Job], DaskUnitTrigger], cluster: str
) -> None:
    trigger = submitted(raising(ZeroDivisionError()))
    with Client(cluster, set_as_default=False) as client:
        while client.run_on_scheduler(_state_of, key=trigger.key) != "erred":
            time.sleep(0.05)
    assert isinstance(asyncio.run(fired(submitted(ended()))), TaskSuccessEvent)


def test_a_key_that_the_scheduler_does_not_know_is_lost(
    cluster: str, document: dict[str, Any]
) -> None:
    trigger = DaskUnitTrigger(cluster, "mask", {**document, "run": "unknown"})
    event = asyncio.run(fired(trigger)).payload
    assert event["family"] == "unavailable"
    assert "was it restarted?" in event["message"]


def test_killing_the_task_cancels_the_unit_and_says_so(
    submitted: Callable[[Job], DaskUnitTrigger], monkeypatch: pytest.MonkeyPatch
) -> None:
    marked: list[tuple[Any, ...]] = []
    monkeypatch.setattr(api, "mark_lost", lambda *arguments: marked.append(arguments))
    trigger = submitted(seconds_long(1.0))

    async def story() -> TriggerEvent:
        waiting = asyncio.create_task(fired(trigger))
        await asyncio.sleep(0.3)
        await trigger.on_kill()
        return await waiting

    assert asyncio.run(story()).payload["family"] == "cancelled"
    assert marked[0][:3] == ("mask", trigger.document, "cancelled")
    assert asyncio.run(DaskHook(address=trigger.address).cancel(trigger.key)) is False


def _state_of(key: str, dask_scheduler: Any) -> str | None:
    task = dask_scheduler.tasks.get(key)
    return None if task is None else str(task.state)


# Workers that really die, and clusters that are really away.

LIMIT = 600_000_000


def _dies(stage: str, document: dict[str, Any]) -> dict[str, Any]:
    time.sleep(0.5)
    os._exit(1)


def _dies_of_memory(stage: str, document: dict[str, Any]) -> dict[str, Any]:
    process, kept = psutil.Process(), list[bytes]()
    while process.memory_info().rss < 0.87 * LIMIT:
        kept.append(os.urandom(5_000_000))
    # A death counts as one of memory by what was last heard of the worker: let it be heard.
    time.sleep(3)
    for _ in range(100):
        kept.append(os.urandom(20_000_000))
        time.sleep(0.05)
    return {"n": len(kept)}


@pytest.fixture(scope="module")
def processes() -> Iterator[LocalCluster]:
    """A cluster whose worker is a process that may die, as that of ``local_cluster``."""
    import dask

    options = {
        "distributed.scheduler.allowed-failures": 0,
        "distributed.worker.memory.target": False,
        "distributed.worker.memory.spill": False,
        "distributed.worker.memory.pause": False,
        "distributed.worker.memory.terminate": 0.95,
    }
    with (
        dask.config.set(options),
        LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            memory_limit=LIMIT,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=50,
        ) as started,
    ):
        yield started


@pytest.mark.parametrize(
    ("job", "family", "words"),
    [(_dies, "unavailable", "died (memory"), (_dies_of_memory, "memory", "of its 0.60 GB in use")],
)
def test_a_worker_that_died(
    processes: LocalCluster,
    document: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    job: Job,
    family: str,
    words: str,
) -> None:
    address = processes.scheduler_address
    monkeypatch.setattr(execution, "run_unit", job)
    trigger = DaskUnitTrigger(address, ["mask"], {**document, "run": family}, poll_seconds=0.1)

    async def story() -> TriggerEvent:
        await DaskHook(address=address).submit(["mask"], trigger.document)
        return await fired(trigger)

    event = asyncio.run(story()).payload
    assert event["family"] == family
    assert words in event["message"]


def _has_ended(pid: int) -> bool:
    """Tell whether a process has ended within a moment: its nanny sees the death of it then."""
    for _ in range(30):
        if not psutil.pid_exists(pid):
            return True
        time.sleep(0.1)
    return False


def _obeys(stage: str, document: dict[str, Any]) -> dict[str, Any]:
    """Stand in for a stage that looks between its blocks whether it is to end."""
    execution._running.add(key := unit_key(stage, document))
    time.sleep(2)
    execution._running.discard(key)
    return DONE


def _goes_on(stage: str, document: dict[str, Any]) -> dict[str, Any]:
    execution._running.add(unit_key(stage, document))
    time.sleep(600)
    return DONE


@pytest.mark.parametrize(("job", "is_restarted"), [(_obeys, False), (_goes_on, True)])
def test_a_unit_is_stopped_at_its_deadline(
    processes: LocalCluster,
    workspace_folder: Path,
    document: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    job: Job,
    is_restarted: bool,
) -> None:
    address = processes.scheduler_address
    records = api.open_workspace().records
    units.plan(records, "run", ["mask"], [Unit(id=document["unit"], label="31UDS 2018-spring")])
    state = units.load(records, "run", "mask", document["unit"])
    assert state is not None
    units.save(records, state.model_copy(update={"state": "running", "attempts": 1}))
    monkeypatch.setattr(execution, "run_unit", job)
    trigger = DaskUnitTrigger(address, ["mask"], document, poll_seconds=0.1, stop_seconds=6.0)
    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(1, timeout=60)
        (before,) = client.run(os.getpid).values()
        asyncio.run(DaskHook(address=address).submit(["mask"], document))
        while not all(client.run(execution.is_running, trigger.key).values()):
            time.sleep(0.05)
        trigger.deadlines = (time.time() + 0.3,)
        event = asyncio.run(asyncio.wait_for(fired(trigger), 60)).payload
        assert _has_ended(before) is is_restarted
    assert event["family"] == "unavailable"
    assert "not done at its deadline" in event["message"]
    assert ("was restarted" in event["message"]) is is_restarted
    ended = units.load(records, "run", "mask", document["unit"])
    assert ended is not None
    assert (ended.state, ended.error_family) == ("failed", "unavailable")


def test_a_cluster_without_workers_is_not_waited_for_without_end(
    document: dict[str, Any], unused_cluster: str
) -> None:
    trigger = DaskUnitTrigger(
        unused_cluster, ["mask"], document, poll_seconds=0.1, no_workers_seconds=0.5
    )

    async def story() -> TriggerEvent:
        await DaskHook(address=unused_cluster).submit(["mask"], document)
        return await asyncio.wait_for(fired(trigger), 10)

    event = asyncio.run(story()).payload
    assert event["family"] == "unavailable"
    assert "has had no worker for 0.5 s" in event["message"]


@pytest.fixture
def unused_cluster() -> Iterator[str]:
    with LocalCluster(
        n_workers=0,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
    ) as empty:
        yield empty.scheduler_address


def test_a_scheduler_that_goes_away(
    document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_hook, "CONNECT_SECONDS", 1.0)
    cluster = LocalCluster(
        n_workers=0,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
    )
    address = cluster.scheduler_address
    trigger = DaskUnitTrigger(address, ["mask"], document, poll_seconds=0.1, lost_seconds=0.5)

    async def story() -> TriggerEvent:
        await DaskHook(address=address).submit(["mask"], document)
        waiting = asyncio.create_task(fired(trigger))
        await asyncio.sleep(0.3)
        await asyncio.to_thread(cluster.close)
        return await asyncio.wait_for(waiting, 30)

    event = asyncio.run(story()).payload
    assert event["family"] == "unavailable"
    assert address in event["message"]
