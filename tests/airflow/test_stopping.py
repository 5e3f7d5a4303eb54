"""What a person does to a task while its unit runs reaches the unit, and its record."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow_api import ask, clear, ended, instances, trigger, wait
from sqlalchemy import Engine, text
from told import Told
from unit_gate import Gate, Passed

from landcover import api
from landcover.airflow_process import RunningAirflow
from landcover.ledger import units
from landcover.nouns.run import UnitState
from landcover.settings import in_environment, read_settings
from landcover.simulate import SimulatedRegion, simulate

pytestmark = pytest.mark.slow
DAG, TILE = "landcover_map", "30SUF"
UNIT = f"{TILE}.2021-spring"
KEY = ("prepare.lane", f"{TILE} 2021-spring")
SEASON = "seasons=[{name: spring, primary_month: 3, fallback_month: 4}]"


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> SimulatedRegion:
    """A tile whose unit lasts: more than a thousand pixels a side."""
    folder = tmp_path_factory.mktemp("stopping") / "r"
    return simulate(
        folder, tiles=[TILE], pixels=1200, points_per_class=5, seasons=["spring"],
        only_usable=True, seed=3,
    )  # fmt: skip


def begun(airflow: RunningAirflow, region: SimulatedRegion, gate: Gate, run: str) -> dict[str, Any]:
    """Begin a run, wait until its unit is at its composite, and give the task that waits for it.

    The gate keeps it there, however slow the machine is, and lets it be stopped.
    """
    gate.hold("composite", UNIT, run)
    # Another mask in each run, so that none finds what another one made.
    distance = {"marked": 560, "cleared": 580, "killed": 540}[run]
    conf = {
        "recipe": "recipes/mediterranean-rf.yaml",
        "year": region.year,
        "products": str(region.products),
        "until": "composite",
        "overrides": [SEASON, f"mask.growth_m={distance}"],
    }
    trigger(airflow, DAG, run, conf)
    wait(lambda: gate.begun("composite", UNIT, run), f"{run}: the unit runs", pause=0.1)
    return dict(wait(lambda: instances(airflow, DAG, run).get(KEY), "the lane"))


def state_of(airflow: RunningAirflow, run: str, stage: Any, *states: str) -> UnitState | None:
    with in_environment(read_settings(workspace=str(airflow.home.parent))):
        found = units.load(api.open_workspace().records, run, stage, UNIT)
    return found if found is not None and (not states or found.state in states) else None


def test_a_task_marked_as_failed_ends_its_unit(
    airflow: RunningAirflow, region: SimulatedRegion, gate: Gate
) -> None:
    task = begun(airflow, region, gate, "marked")
    path = f"/api/v2/dags/{DAG}/dagRuns/marked/taskInstances/{task['task_id']}/{task['map_index']}"
    ask(airflow, path, {"new_state": "failed"}, "PATCH")
    stopped = wait(lambda: state_of(airflow, "marked", "composite", "cancelled"), "the unit ends")
    assert stopped.error_family == "cancelled"
    assert "stopped" in stopped.message or "clear the task to go on" in stopped.message
    assert ended(airflow, DAG, "marked") == "failed"
    assert state_of(airflow, "marked", "composite", "cancelled")
    gate.release()


def test_a_cleared_task_ends_its_unit_and_begins_it_again(
    airflow: RunningAirflow, region: SimulatedRegion, gate: Gate
) -> None:
    task = begun(airflow, region, gate, "cleared")
    clear(airflow, task, downstream=False)
    wait(lambda: gate.passed("cleared", "composite", UNIT)[1:], "it was stopped", pause=0.1)
    gate.release()
    assert ended(airflow, DAG, "cleared") == "success"
    again = state_of(airflow, "cleared", "composite", "done", "reused")
    assert again is not None
    found = instances(airflow, DAG, "cleared")[KEY]
    assert (found["state"], found["try_number"]) == ("success", 2)


def test_a_late_run_is_told_and_a_worker_that_is_killed_loses_its_unit_which_is_tried_again(
    airflow: RunningAirflow, region: SimulatedRegion, gate: Gate, told: Told, metadata: Engine
) -> None:
    """The worker that has the unit, and no other: Dask makes nothing anew by itself."""
    begun(airflow, region, gate, "killed")
    # The run before ended well, so that this one has a deadline.
    with metadata.begin() as database:
        of_run = "SELECT id FROM dag_run WHERE dag_id = :dag AND run_id = 'killed'"
        changed = database.execute(
            text(f"UPDATE deadline SET deadline_time = :now WHERE dagrun_id IN ({of_run})"),
            {"now": datetime.now(UTC), "dag": DAG},
        )
        assert changed.rowcount == 1
    late = f"{DAG} killed: takes 6 h longer than runs of this DAG do; it is running now."
    wait(lambda: [said for said in told.texts if said.startswith(late)], "the message")

    def working() -> list[Passed]:
        found = gate.passed("killed", "composite", UNIT)
        return found if [p.event for p in found] == ["begun"] else []

    (at_work,) = wait(working, "the composite at work", pause=0.1)
    # The next try waits at its first stage, so that the record of this one can be read.
    gate.hold("collect", UNIT, "killed")
    os.kill(at_work.pid, signal.SIGKILL)
    lost = wait(lambda: state_of(airflow, "killed", "composite", "failed"), "the loss", pause=0.1)
    assert lost.error_family == "unavailable"
    assert "its worker tcp://" in lost.message
    assert "died" in lost.message
    gate.release()
    assert ended(airflow, DAG, "killed") == "success"
    found = instances(airflow, DAG, "killed")[KEY]
    assert (found["state"], found["try_number"]) == ("success", 2)
    again = state_of(airflow, "killed", "composite", "done")
    assert again is not None
    assert again.attempts == 2
    events = [(p.event, p.pid) for p in gate.passed("killed", "composite", UNIT)]
    assert [event for event, _ in events] == ["begun", "begun", "ended"]
    assert events[1][1] == events[2][1] != at_work.pid
    # The stages before it were there: none of them was made twice.
    mask = state_of(airflow, "killed", "mask", "reused")
    assert mask is not None
