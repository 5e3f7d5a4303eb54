"""The operator: what it submits, and how each end of a unit ends its task."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, RetryAction
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowSkipException,
    TaskDeferralError,
    TaskDeferralTimeout,
    TaskDeferred,
)

from landcover import api, execution
from landcover.errors import InputError, UnavailableError
from landcover.ledger import lanes, units
from landcover.nouns.run import Unit, UnitState
from landcover_airflow.groups import tiles_of
from landcover_airflow.hooks import dask as dask_hook
from landcover_airflow.hooks.dask import DaskHook
from landcover_airflow.operators import stage as stage_operator
from landcover_airflow.operators.stage import StageOperator
from landcover_airflow.outcome import (
    BadInputError,
    DefectError,
    FamilyPolicy,
    OutOfMemoryError,
    ServiceAwayError,
    StoppedError,
    UnitError,
    reason_of,
    shortened,
)
from landcover_airflow.recipes import recipe_path
from landcover_airflow.triggers.dask import DaskUnitTrigger
from landcover_airflow.variables import told_after

RUN_UNIT = execution.run_unit
UNIT = Unit(id="31UDS.2018-spring", label="31UDS 2018-spring", tile="31UDS", span="2018-spring")
OUTCOME = {
    "unit": UNIT.id,
    "state": "done",
    "outputs": ["0" * 16],
    "seconds": 1.0,
    "error_family": None,
    "message": "",
}


def echo(stage: str, document: dict[str, Any]) -> dict[str, Any]:
    """Stand in for the worker's function."""
    return OUTCOME | {"message": str(document)}


KEPT: dict[str, Any] = {}
"""What tasks wrote into their state store."""


@pytest.fixture
def operator(
    cluster: str, workspace_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> StageOperator:
    """An operator whose unit is planned and whose worker runs nothing."""
    monkeypatch.setenv("LANDCOVER_DASK", cluster)
    monkeypatch.setattr(execution, "run_unit", echo)
    units.plan(api.open_workspace().records, "run", ["mask"], [UNIT])
    return StageOperator(
        task_id="mask", stages=["mask"], unit=UNIT.id, unit_label=UNIT.label, run="run"
    )


def attempt(number: int) -> Any:
    store = SimpleNamespace(set=KEPT.__setitem__)
    return {"ti": SimpleNamespace(try_number=number, map_index=-1), "task_state_store": store}


def submitted(operator: StageOperator, number: int = 1) -> DaskUnitTrigger:
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(attempt(number))
    assert deferred.value.method_name == "execute_complete"
    trigger = deferred.value.trigger
    assert isinstance(trigger, DaskUnitTrigger)
    return trigger


def recorded() -> UnitState:
    state = units.load(api.open_workspace().records, "run", "mask", UNIT.id)
    assert state is not None
    return state


def record(**changes: Any) -> None:
    units.save(api.open_workspace().records, recorded().model_copy(update=changes))


def test_the_unit_of_a_lane_is_found_in_the_ledger_by_its_place(operator: StageOperator) -> None:
    records = api.open_workspace().records
    other = Unit(id="30SUF", label="30SUF", tile="30SUF")
    lanes.extend(records, "run", "sample", [other, UNIT])
    lanes.extend(records, "run", "sample", [other], "run.sample-01")
    environment = DAG("any", schedule=None).get_template_env()
    for place, conf, label in ((1, {}, UNIT.label), (0, {"shard": "sample-01"}, "30SUF")):
        lane = StageOperator(task_id="sample", stages=["sample"], group="sample", run="run")
        context: Any = {
            "ti": SimpleNamespace(map_index=place), "params": conf, "run_id": "run.sample-01"
        }  # fmt: skip
        lane.render_template_fields(context, environment)
        assert lane.unit_label == label
    lost = StageOperator(task_id="sample", stages=["sample"], group="sample", run="gone")
    with pytest.raises(BadInputError, match=r"sample has 0 lanes in the records, and none in pl"):
        lost.render_template_fields(context, environment)


def test_it_submits_the_document_that_the_worker_is_promised(
    operator: StageOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANDCOVER_MEMORY_GB", "3")
    operator.threads = "2"
    trigger = submitted(operator)
    assert trigger.document == {
        "schema": 1,
        "run": "run",
        "stage": "mask",
        "unit": UNIT.id,
        "attempt": 1,
        "memory_gb": 3.0,
        "threads": 2,
    }
    assert KEPT["dask_key"] == trigger.key
    event: Any = asyncio.run(anext(trigger.run()))  # type: ignore[arg-type]
    assert event.payload["outcome"]["message"] == str(trigger.document)
    assert operator.execute_complete(attempt(1), event.payload)["state"] == "done"


def test_the_same_attempt_attaches_and_another_one_is_new(operator: StageOperator) -> None:
    first, again, second = submitted(operator), submitted(operator), submitted(operator, 2)
    assert first.key == again.key != second.key
    for trigger in (first, second):
        asyncio.run(DaskHook(address=trigger.address).cancel(trigger.key))


@pytest.mark.parametrize(
    ("family", "number", "memory_gb"),
    [("memory", 2, 0.5), ("memory", 3, 0.25), ("unavailable", 2, 1.0), (None, 1, 1.0)],
)
def test_memory_deaths_make_the_windows_smaller(
    operator: StageOperator, family: str | None, number: int, memory_gb: float
) -> None:
    record(state="failed", error_family=family, attempts=number - 1)
    trigger = submitted(operator, number)
    assert trigger.document["memory_gb"] == memory_gb
    asyncio.run(DaskHook(address=trigger.address).cancel(trigger.key))


@pytest.mark.parametrize(
    ("state", "family", "raised"),
    [
        ("skipped", "missing", AirflowSkipException),
        ("failed", "input", BadInputError),
        ("failed", "defect", DefectError),
        ("cancelled", "cancelled", StoppedError),
        ("failed", "unavailable", ServiceAwayError),
        ("failed", "memory", OutOfMemoryError),
    ],
)
def test_the_family_decides(
    operator: StageOperator, state: str, family: str, raised: type[Exception]
) -> None:
    outcome = OUTCOME | {"state": state, "error_family": family, "message": "Why it ended."}
    with pytest.raises(
        AirflowException, match=r"^31UDS 2018-spring mask: Why it ended\.$"
    ) as ended:
        operator.execute_complete(attempt(1), {"outcome": outcome})
    assert type(ended.value) is raised


@pytest.mark.parametrize(
    ("error", "action", "delay"),
    [
        (ServiceAwayError("Why."), RetryAction.RETRY, None),
        (OutOfMemoryError("Why."), RetryAction.RETRY, timedelta(seconds=1)),
        (BadInputError("Why."), RetryAction.FAIL, None),
        (StoppedError("Why."), RetryAction.FAIL, None),
        (DefectError("Why."), RetryAction.FAIL, None),
    ],
)
def test_the_policy_tries_again_what_another_try_may_cure(
    error: UnitError, action: RetryAction, delay: timedelta | None
) -> None:
    decision = FamilyPolicy().evaluate(error, 1, 2)
    assert (decision.action, decision.retry_delay, decision.reason) == (action, delay, "Why.")


def test_what_airflow_raises_keeps_the_rules_of_airflow() -> None:
    assert FamilyPolicy().evaluate(OSError("gone"), 1, 2).action is RetryAction.DEFAULT


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("Trigger timeout", TaskDeferralTimeout), ("Trigger failure", TaskDeferralError)],
)
def test_a_trigger_that_broke_leaves_a_record(
    operator: StageOperator, reason: str, expected: type[Exception]
) -> None:
    record(state="running", attempts=1)
    with pytest.raises(ServiceAwayError, match=f"31UDS 2018-spring mask: .*{reason}") as ended:
        operator.resume_execution("__fail__", {"error": reason}, attempt(1))
    assert isinstance(ended.value.__context__, expected)
    assert (recorded().state, recorded().error_family) == ("failed", "unavailable")
    assert reason in recorded().message


def test_the_deadline_is_that_of_the_stage_or_of_the_settings(
    operator: StageOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage_operator, "time", SimpleNamespace(time=lambda: 1e9))
    first = submitted(operator)
    monkeypatch.setenv("LANDCOVER_DEADLINE_HOURS", "0.5")
    second = submitted(operator, 2)
    assert (first.deadlines, second.deadlines) == ((1e9 + 12 * 3600,), (1e9 + 1800,))
    assert first.not_failing_before == told_after(1e9, None)
    for trigger in (first, second):
        asyncio.run(DaskHook(address=trigger.address).cancel(trigger.key))


@pytest.mark.parametrize(
    ("family", "state"),
    [("memory", "failed"), ("unavailable", "failed"), ("cancelled", "cancelled")],
)
def test_what_the_worker_could_not_say_is_written_down(
    operator: StageOperator, family: str, state: str
) -> None:
    record(state="running", attempts=1)
    with pytest.raises(AirflowException, match="Its worker died"):
        operator.execute_complete(attempt(1), {"family": family, "message": "Its worker died."})
    found = recorded()
    assert (found.state, found.error_family, found.message) == (state, family, "Its worker died.")


@pytest.mark.parametrize(
    "kept", [{"state": "done", "attempts": 1}, {"state": "running", "attempts": 2}]
)
def test_a_late_word_changes_nothing(operator: StageOperator, kept: dict[str, Any]) -> None:
    record(**kept)
    with pytest.raises(StoppedError):
        operator.execute_complete(attempt(1), {"family": "cancelled", "message": "Stopped."})
    assert recorded().state == kept["state"]


def test_a_lane_without_a_unit_is_skipped_with_the_reason_of_its_tile(
    operator: StageOperator,
) -> None:
    record(state="failed", message="31UDS 2018-spring: damaged.")
    operator.stages, operator.unit, operator.unit_label = ("classify",), "31UDS", "31UDS"
    told = r"31UDS: classify has nothing to work on\. mask failed: 31UDS 2018-spring: damaged\."
    with pytest.raises(AirflowSkipException, match=told):
        operator.execute(attempt(1))


def test_what_the_planner_found_again_is_skipped_but_a_clear_looks_at_it(
    operator: StageOperator,
) -> None:
    record(state="reused", outputs=("0" * 16,))
    with pytest.raises(AirflowSkipException, match=r"31UDS 2018-spring: all is there already\."):
        operator.execute(attempt(1))
    trigger = submitted(operator, 2)
    asyncio.run(DaskHook(address=trigger.address).cancel(trigger.key))


def test_the_stages_of_a_lane_run_one_behind_the_other(
    operator: StageOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def job(stage: str, document: dict[str, Any]) -> dict[str, Any]:
        ran.append(f"{stage} {document['stage']}")  # in this process, as the cluster is
        return OUTCOME | {"state": "reused" if stage == "collect" else "done", "seconds": 2.0}

    monkeypatch.setattr(execution, "run_unit", RUN_UNIT)
    monkeypatch.setattr(api, "run", job)
    units.plan(api.open_workspace().records, "run", ["collect", "composite"], [UNIT])
    operator.stages = ("collect", "mask", "composite", "restore")  # restore is not of this run
    trigger = submitted(operator)
    assert trigger.stages == ("collect", "mask", "composite")
    event: Any = asyncio.run(anext(trigger.run()))  # type: ignore[arg-type]
    assert ran == ["collect collect", "mask mask", "composite composite"]
    outcome = event.payload["outcome"]
    assert (outcome["state"], outcome["seconds"]) == ("done", 6.0)


def test_a_stage_that_fails_ends_its_lane(
    operator: StageOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def job(stage: str, document: dict[str, Any]) -> dict[str, Any]:
        ran.append(stage)
        ended = {"state": "failed", "error_family": "input", "message": "Damaged."}
        return OUTCOME | (ended if stage == "mask" else {})

    monkeypatch.setattr(execution, "run_unit", RUN_UNIT)
    monkeypatch.setattr(api, "run", job)
    units.plan(api.open_workspace().records, "run", ["collect", "composite"], [UNIT])
    operator.stages = ("collect", "mask", "composite")
    trigger = submitted(operator)
    trigger.not_failing_before = 0.0
    event: Any = asyncio.run(anext(trigger.run()))  # type: ignore[arg-type]
    assert ran == ["collect", "mask"]
    with pytest.raises(BadInputError, match=r"^31UDS 2018-spring mask: Damaged\.$"):
        operator.execute_complete(attempt(1), event.payload)


def test_a_cluster_that_is_away_is_tried_again(
    operator: StageOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANDCOVER_DASK", "tcp://127.0.0.1:9")
    monkeypatch.setattr(dask_hook, "CONNECT_SECONDS", 0.5)
    with pytest.raises(ServiceAwayError, match=r"no Dask scheduler answers at tcp"):
        operator.execute(attempt(1))
    assert recorded().error_family == "unavailable"


@pytest.mark.parametrize(
    "address", ["foo", "tcp://127.0.0.1", "http://127.0.0.1:9", "tcp://host:abc", "a b:8786"]
)
def test_what_is_no_address_of_a_scheduler_is_said(
    operator: StageOperator, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("LANDCOVER_DASK", address)
    with pytest.raises(BadInputError, match="LANDCOVER_DASK: expected the address of a Dask sched"):
        operator.execute(attempt(1))


def test_the_start_of_a_run_says_that_no_scheduler_answers(
    cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    DaskHook(address=cluster).require_scheduler()
    monkeypatch.setenv("LANDCOVER_DASK", "tcp://127.0.0.1:9")
    with pytest.raises(UnavailableError, match=r"at tcp://127.0.0.1:9 \(.*\): start it, or"):
        DaskHook().require_scheduler()


def test_no_address_at_all_names_both_ways(
    operator: StageOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk.exceptions import AirflowNotFoundException

    def none(hook: DaskHook, conn_id: str) -> None:
        raise AirflowNotFoundException(conn_id)

    monkeypatch.delenv("LANDCOVER_DASK")
    monkeypatch.setattr(DaskHook, "get_connection", none)
    with pytest.raises(InputError, match=r"LANDCOVER_DASK=tcp.*'landcover_dask'"):
        _ = DaskHook().address
    with pytest.raises(BadInputError, match="No Dask scheduler is named"):
        operator.execute(attempt(1))


@pytest.mark.parametrize(
    ("host", "port", "address"),
    [
        ("dask.example", None, "tcp://dask.example:8786"),
        ("dask.example", 9000, "tcp://dask.example:9000"),
        ("tls://dask.example", 9000, "tls://dask.example:9000"),
    ],
)
def test_the_connection_names_the_scheduler(
    monkeypatch: pytest.MonkeyPatch, host: str, port: int | None, address: str
) -> None:
    monkeypatch.delenv("LANDCOVER_DASK", raising=False)
    found = SimpleNamespace(host=host, port=port)
    monkeypatch.setattr(DaskHook, "get_connection", lambda hook, conn_id: found)
    assert DaskHook().address == address


def test_ending_the_task_cancels_what_it_submitted(operator: StageOperator) -> None:
    trigger = submitted(operator)
    operator.on_kill()
    assert asyncio.run(DaskHook(address=trigger.address).cancel(trigger.key)) is False


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("31UDS 2018-spring: no product.", "31UDS 2018-spring mask: no product."),
        ("/a/B04.jp2: cut off.", "31UDS 2018-spring mask: cut off. (/a/B04.jp2)"),
        ("s3://a/b: away. Try.", "31UDS 2018-spring mask: away. Try. (s3://a/b)"),
        ("31UDS 2018-spring: /a: bad.", "31UDS 2018-spring mask: bad. (/a)"),
        ("31UDS 2018-spring mask: lost.", "31UDS 2018-spring mask: lost."),
        (
            "31UDS 2018-spring: S2A_X B08, rows 0 to 9: /a/b.jp2: cut off.",
            "31UDS 2018-spring mask: S2A_X B08, rows 0 to 9: cut off. (/a/b.jp2)",
        ),
    ],
)
def test_a_reason_begins_with_the_unit_and_ends_with_paths(message: str, expected: str) -> None:
    assert reason_of(UNIT.label, "mask", message) == expected


def test_a_long_path_does_not_cut_off_the_cause() -> None:
    message = f"31UDS 2018-spring: S2A_X B08: /{'long/' * 80}b.jp2: cut off after 12 kB."
    assert (
        "S2A_X B08: cut off after 12 kB. (/long"
        in shortened(OUTCOME | {"message": message})["message"]
    )


def test_an_outcome_stays_below_a_kilobyte() -> None:
    long = OUTCOME | {"outputs": ["f" * 16] * 500, "message": "x" * 5000}
    short = shortened(long)
    assert len(str(short)) < 1024
    assert short["n_outputs"] == 500


@pytest.mark.parametrize(
    ("given", "tiles"),
    [
        (None, []),
        ("", []),
        ("30SUF, 30SVF", ["30SUF", "30SVF"]),
        ("30SUF 30SVF", ["30SUF", "30SVF"]),
        (["30SUF", " 30SVF "], ["30SUF", "30SVF"]),
        (["30SUF, 30SVF", ""], ["30SUF", "30SVF"]),
    ],
)
def test_tiles_are_read_from_a_text_or_a_list(given: Any, tiles: list[str]) -> None:
    assert tiles_of(given) == tiles


def test_a_recipe_is_found_beside_the_dags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert recipe_path("recipes/mediterranean-rf.yaml").is_file()
    own = tmp_path / "own.yaml"
    own.touch()
    assert recipe_path("own.yaml").resolve() == own
