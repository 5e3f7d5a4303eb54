"""Pools of the lanes: a missing one is said by ``start``, where it is seen that nothing begins."""

from __future__ import annotations

import logging
import os

import pytest
from airflow.sdk.exceptions import AirflowFailException
from airflow_rest import Rest, until
from told import Told

from landcover.airflow_process import RunningAirflow
from landcover.airflow_process.server import create_pools
from landcover.errors import UsageError
from landcover.execution import COMPUTE, DOWNLOAD
from landcover_airflow import rest as rest_of_tasks
from landcover_airflow.pools import require_pools

SECONDS = float(os.environ.get("LANDCOVER_TEST_PATIENCE", "300"))


def knowing(monkeypatch: pytest.MonkeyPatch, pools: dict[str, bool]) -> None:
    monkeypatch.setattr(rest_of_tasks, "pools", lambda: pools)


@pytest.mark.quick
@pytest.mark.parametrize(
    ("pools", "named"),
    [({"default_pool": False}, f"no pool {DOWNLOAD} and no pool {COMPUTE}: lanes would wait"),
     ({DOWNLOAD: True}, f"no pool {COMPUTE}: .*airflow pools set {COMPUTE} 8 lanes --include")],
)  # fmt: skip
def test_a_missing_pool_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, pools: dict[str, bool], named: str
) -> None:
    knowing(monkeypatch, pools)
    with pytest.raises(AirflowFailException, match=named):
        require_pools()


@pytest.mark.quick
def test_a_pool_that_does_not_count_what_is_deferred_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    knowing(monkeypatch, {DOWNLOAD: False, COMPUTE: True})
    with caplog.at_level(logging.WARNING):
        require_pools()
    (told,) = caplog.messages
    assert DOWNLOAD in told
    assert "Include Deferred" in told


@pytest.mark.quick
def test_where_nobody_can_be_asked_the_run_goes_on_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse() -> dict[str, bool]:
        raise UsageError("No Airflow connection 'landcover_api'.")

    monkeypatch.setattr(rest_of_tasks, "pools", refuse)
    with caplog.at_level(logging.INFO):
        require_pools()
    (told,) = caplog.messages
    assert "was not looked at: No Airflow connection" in told


def test_start_refuses_a_run_whose_lanes_would_wait(airflow: RunningAirflow, told: Told) -> None:
    rest = Rest(airflow)
    pool = rest.ask(f"/pools/{COMPUTE}")
    rest.ask(f"/pools/{COMPUTE}", method="DELETE")
    try:
        rest.trigger("landcover_map", "no-pool", {"products": "/nowhere", "year": 2021})
        assert rest.wait_for("landcover_map", "no-pool", SECONDS) == "failed"
        (start,) = (t for t in rest.tasks("landcover_map", "no-pool") if t["task_id"] == "start")
        assert start["try_number"] == 1
        # What is behind it costs nothing: no planner began, and the run says why.
        others = {t["task_id"]: t for t in rest.tasks("landcover_map", "no-pool")}
        begun = {name for name, task in others.items() if task["start_date"] and task["pid"]}
        assert begun == {"start", "report"}
        assert others["plan_prepare"]["state"] == others["plan_publish"]["state"] == "skipped"
        note = rest.ask("/dags/landcover_map/dagRuns/no-pool")["note"]
        assert note.startswith(f"Airflow has no pool {COMPUTE}: lanes would wait")
        path = "/dags/landcover_map/dagRuns/no-pool/taskInstances/start/logs/1?full_content=true"
        assert f"Airflow has no pool {COMPUTE}: lanes would wait" in str(rest.ask(path))
        said = f"landcover_map no-pool: Airflow has no pool {COMPUTE}: lanes would wait"
        until(lambda: [t for t in told.texts if t.startswith(said)], SECONDS, "the message")
    finally:
        create_pools(airflow, pool["slots"])
    assert rest.ask(f"/pools/{COMPUTE}")["include_deferred"] is True
