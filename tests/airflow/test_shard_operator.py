"""The task of a shard: when it begins a run, when it attaches to one, and how it is stopped."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferralError, TaskDeferred
from airflow.triggers.base import TaskSuccessEvent, TriggerEvent
from distributed import Client

from landcover import api, execution
from landcover.execution import unit_key
from landcover.ledger import shards, units
from landcover.nouns.run import Unit, UnitState
from landcover_airflow import dag_runs, groups
from landcover_airflow.operators.shard import ShardOperator
from landcover_airflow.shard_run import part_of_run, require_not_stopped
from landcover_airflow.triggers.shard import ShardTrigger

TILES = ("30SUF", "30SVF", "31UDS")
NAME = "flanders.prepare-01"


class Airflow:
    """What Airflow says of the runs of ``landcover_shard``, and what it is told to begin."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.begun: list[tuple[str, dict[str, Any]]] = []
        self.paused = False

    def begin(self, dag: str, run: str, conf: dict[str, Any]) -> bool:
        self.begun.append((run, conf))
        self.states[run] = "queued"
        return True


@pytest.fixture
def airflow(workspace_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Airflow:
    made = Airflow()
    monkeypatch.setattr(dag_runs, "begin", made.begin)
    monkeypatch.setattr(dag_runs, "state_of", lambda dag, run: made.states.get(run))
    monkeypatch.setattr(dag_runs, "is_paused", lambda dag: made.paused)
    shards.extend(api.open_workspace().records, "flanders", "prepare", TILES, 50)
    return made


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Tiles that are not done, each with the reason."""
    found = dict.fromkeys(TILES, "")
    monkeypatch.setattr(api, "left_of_shard", lambda run, shard: dict(found))
    return found


def operator() -> ShardOperator:
    return ShardOperator(task_id="prepare", phase="prepare", place=0, run="flanders", memory_gb="2")


def deferred(made: ShardOperator) -> ShardTrigger:
    with pytest.raises(TaskDeferred) as found:
        made.execute({})  # type: ignore[typeddict-item]
    assert found.value.method_name == "execute_complete"
    assert isinstance(found.value.trigger, ShardTrigger)
    return found.value.trigger


def kept() -> Any:
    return shards.load(api.open_workspace().records, "flanders", "prepare-01")


def test_the_first_try_begins_a_run_that_is_named_by_the_shard(
    airflow: Airflow, left: dict[str, str]
) -> None:
    trigger = deferred(operator())
    ((name, conf),) = airflow.begun
    assert name == trigger.dag_run == NAME
    assert conf == {
        "ledger_run": "flanders",
        "shard": "prepare-01",
        "earlier_attempts": 0,
        "memory_gb": 2.0,
        "threads": None,
    }
    assert kept().tries == (NAME,)


@pytest.mark.parametrize("state", ["queued", "running"])
def test_another_try_attaches_to_the_run_that_works(
    airflow: Airflow, left: dict[str, str], state: str
) -> None:
    deferred(operator())
    airflow.states[NAME] = state
    with pytest.raises(TaskDeferralError):  # what waited broke: Airflow tries the task again
        operator().resume_execution("__fail__", {"error": "Trigger failure"}, {})  # type: ignore[typeddict-item]
    assert deferred(operator()).dag_run == NAME
    assert len(airflow.begun) == 1


def test_a_run_that_ended_is_followed_by_one_with_what_is_left(
    airflow: Airflow, left: dict[str, str]
) -> None:
    deferred(operator())
    airflow.states[NAME] = "failed"
    unit = Unit(id="30SVF.2021-spring", label="30SVF", tile="30SVF", span="2021-spring")
    failed = UnitState(run="flanders", stage="mask", unit=unit, state="failed", attempts=3)
    units.save(api.open_workspace().records, failed)
    assert deferred(operator()).dag_run == f"{NAME}.2"
    # Its attempts are counted on, so a late word of an earlier one changes nothing.
    assert airflow.begun[1][1]["earlier_attempts"] == 3
    left.clear()
    airflow.states[f"{NAME}.2"] = "success"
    assert "all is there" in operator().execute({})  # type: ignore[typeddict-item]
    assert len(airflow.begun) == 2


def test_a_run_that_was_named_and_never_began_is_begun(
    airflow: Airflow, left: dict[str, str]
) -> None:
    shards.begin(api.open_workspace().records, kept(), NAME)
    assert deferred(operator()).dag_run == NAME
    assert [name for name, _ in airflow.begun] == [NAME]
    assert kept().tries == (NAME,)


def test_a_run_that_is_being_stopped_is_waited_for_and_followed(
    airflow: Airflow, left: dict[str, str]
) -> None:
    deferred(operator())
    airflow.states[NAME] = "running"
    shards.stop(api.open_workspace().records, kept())
    assert deferred(operator()).dag_run == NAME
    airflow.states[NAME] = "failed"
    with pytest.raises(TaskDeferred) as again:
        operator().execute_complete({}, {"run": NAME, "state": "failed"})  # type: ignore[typeddict-item]
    assert again.value.trigger.dag_run == f"{NAME}.2"  # type: ignore[attr-defined]


def test_a_red_shard_names_tiles_reasons_and_what_to_do(
    airflow: Airflow, left: dict[str, str]
) -> None:
    deferred(operator())
    del left["30SUF"]
    left["30SVF"] = "collect failed: a file was cut off"
    with pytest.raises(AirflowFailException) as ended:
        operator().execute_complete({}, {"run": NAME, "state": "failed"})  # type: ignore[typeddict-item]
    said = str(ended.value)
    assert "prepare-01: 2 of 3 tiles are not done: 30SVF (collect failed: a file was cut" in said
    assert "31UDS (not begun)" in said
    assert "Clear this task" in said
    left.clear()
    event = {"run": NAME, "state": "failed"}  # somebody marked it; all is there nevertheless
    assert "all is there" in operator().execute_complete({}, event)  # type: ignore[typeddict-item]


def test_a_paused_dag_of_shards_is_told(airflow: Airflow, left: dict[str, str]) -> None:
    airflow.paused = True
    with pytest.raises(AirflowFailException, match=r"landcover_shard is paused.*Unpause it"):
        operator().execute({})  # type: ignore[typeddict-item]
    assert airflow.begun == []


def trigger(**changes: Any) -> ShardTrigger:
    known: dict[str, Any] = {
        "dag_id": "landcover_shard",
        "dag_run": NAME,
        "ledger_run": "flanders",
        "shard": "prepare-01",
        "poll_seconds": 0.01,
    }
    return ShardTrigger(**{**known, **changes})


async def fired(waiting: ShardTrigger) -> TriggerEvent:
    events = [event async for event in waiting.run()]
    assert len(events) == 1
    return events[0]


@pytest.mark.parametrize(
    ("answers", "ends_here", "state"),
    [
        (["queued", "running", "success"], True, "success"),
        (["running", OSError("away"), "failed"], False, "failed"),
        (["running", None], False, "unknown"),  # somebody deleted it
    ],
)
def test_the_trigger_waits_for_the_end_of_the_run(
    monkeypatch: pytest.MonkeyPatch, answers: list[Any], ends_here: bool, state: str
) -> None:
    given = iter(answers)

    def answer(dag: str, run: str) -> Any:
        found = next(given)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(dag_runs, "state_of", answer)
    held = time.time() + 0.5
    event = asyncio.run(fired(trigger(not_failing_before=held)))
    assert isinstance(event, TaskSuccessEvent) is ends_here
    assert event.payload == {"run": NAME, "state": state}
    assert ends_here or time.time() >= held


def test_a_trigger_is_built_again_elsewhere() -> None:
    path, arguments = trigger(not_failing_before=7.0).serialize()
    assert path == f"{ShardTrigger.__module__}.ShardTrigger"
    assert ShardTrigger(**arguments).serialize() == (path, arguments)


def planned(tile: str, **changes: Any) -> Unit:
    unit = Unit(id=f"{tile}.2021-spring", label=f"{tile} spring", tile=tile, span="2021-spring")
    state = UnitState(run="flanders", stage="collect", unit=unit)
    units.save(api.open_workspace().records, state.model_copy(update=changes))
    return unit


def test_a_trigger_that_is_killed_stops_what_works_and_what_waits(
    airflow: Airflow, cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from landcover.pipeline import shards as of_pipeline

    monkeypatch.setenv("LANDCOVER_DASK", cluster)
    shards.begin(api.open_workspace().records, kept(), NAME)
    task = SimpleNamespace(workspace=api.open_workspace(), run=SimpleNamespace(id="flanders"))
    monkeypatch.setattr(
        api, "stop_shard", lambda run, name: [
            {"stage": s.stage, "unit": s.unit.id} for s in of_pipeline.stop(task, name)  # type: ignore[arg-type]
        ],
    )  # fmt: skip
    working, done = planned("30SUF", state="running"), planned("30SVF", state="done")
    other = planned("32TQM", state="running")  # of another shard
    monkeypatch.setattr(execution, "run_unit", lambda stage, document: time.sleep(1))

    async def kill() -> set[str]:
        document = {"run": "flanders", "attempt": 1}
        async with Client(cluster, asynchronous=True) as client:  # type: ignore[no-untyped-call]
            for unit in (working, other):
                key = unit_key("collect", {**document, "unit": unit.id})
                future = client.submit(time.sleep, 0.5, key=key, pure=False)
                await client.publish_dataset(future, name=key)
            await trigger().on_kill()
            names = set(await client.list_datasets())  # type: ignore[no-untyped-call]
            await client.unpublish_dataset(unit_key("collect", {**document, "unit": other.id}))
            return names

    published = asyncio.run(kill())
    assert not [name for name in published if working.id in name]
    assert [name for name in published if other.id in name]
    records = api.open_workspace().records
    ended = {
        unit.tile: units.load(records, "flanders", "collect", unit.id)
        for unit in (working, done, other)
    }
    assert {tile: state and state.state for tile, state in ended.items()} == {
        "30SUF": "cancelled",
        "30SVF": "done",
        "32TQM": "running",
    }
    assert kept().stopped == (NAME,)


def test_a_stopped_run_begins_nothing_and_says_where_to_go_on(airflow: Airflow) -> None:
    records = api.open_workspace().records
    context = {"run_id": NAME, "params": {"ledger_run": "flanders", "shard": "prepare-01"}}
    shards.begin(records, kept(), NAME)
    require_not_stopped(context)
    shards.stop(records, kept())
    with pytest.raises(AirflowFailException, match=r"'prepare'.*prepare-01: 30SUF … 31UDS"):
        require_not_stopped(context)
    require_not_stopped({**context, "run_id": f"{NAME}.2"})
    require_not_stopped({"run_id": "map", "params": {"ledger_run": None}})


def test_a_planner_of_a_shard_plans_its_tiles_alone(
    airflow: Airflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    from landcover_airflow import shard_run

    params: dict[str, Any] = {"ledger_run": "flanders", "shard": "prepare-01"}
    context = {"run_id": NAME, "params": params}
    monkeypatch.setattr(shard_run, "get_current_context", lambda: context)
    assert part_of_run() == {"tiles": TILES, "shard": NAME}
    params.clear()
    assert part_of_run() == {}


def test_report_says_which_shard_to_clear_for_a_missing_tile(airflow: Airflow) -> None:
    found = groups.shards_of_run("flanders")
    stopped = {"tile": "30SVF", "group": "prepare", "labels": ["30SVF spring"]}
    label = "prepare-01: 30SUF … 31UDS (3)"
    said = groups.press_for(stopped, found)
    assert said == (
        f"To repair 30SVF: mend the cause, then clear prepare of {label} with downstream."
    )
    waiting = {"tile": "30SVF", "group": "terrain", "labels": []}
    assert "clear plan_sample with downstream" in groups.press_for(waiting, found)
    assert "clear plan_terrain with downstream" in groups.press_for(waiting)
    assert f"clear prepare of {label}" in groups.press_for_season("30SUF/2021-spring: no", found)
    assert groups.shards_of_run("other") == {}
