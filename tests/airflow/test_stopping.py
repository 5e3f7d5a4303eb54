"""What a person does to a task while its unit runs reaches the unit, and its record."""

from __future__ import annotations

from typing import Any

import pytest
from airflow_api import ask, clear, ended, instances, trigger, wait

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


def begun(airflow: RunningAirflow, region: SimulatedRegion, run: str) -> dict[str, Any]:
    """Begin a run, wait until its unit runs, and give the task that waits for it."""
    # Another mask in each run, so that none finds what another one made.
    distance = {"marked": 560, "cleared": 580}[run]
    conf = {
        "recipe": "recipes/mediterranean-rf.yaml",
        "year": region.year,
        "products": str(region.products),
        "until": "composite",
        "overrides": [SEASON, f"mask.growth_m={distance}"],
    }
    trigger(airflow, DAG, run, conf)
    wait(lambda: state_of(airflow, run, "mask", "running"), f"{run}: the unit runs", pause=0.1)
    return dict(wait(lambda: instances(airflow, DAG, run).get(KEY), "the lane"))


def state_of(airflow: RunningAirflow, run: str, stage: Any, *states: str) -> UnitState | None:
    with in_environment(read_settings(workspace=str(airflow.home.parent))):
        found = units.load(api.open_workspace().records, run, stage, UNIT)
    return found if found is not None and (not states or found.state in states) else None


def test_a_task_marked_as_failed_ends_its_unit(
    airflow: RunningAirflow, region: SimulatedRegion
) -> None:
    task = begun(airflow, region, "marked")
    path = f"/api/v2/dags/{DAG}/dagRuns/marked/taskInstances/{task['task_id']}/{task['map_index']}"
    ask(airflow, path, {"new_state": "failed"}, "PATCH")
    stopped = wait(lambda: state_of(airflow, "marked", "composite", "cancelled"), "the unit ends")
    assert stopped.error_family == "cancelled"
    assert "stopped" in stopped.message or "clear the task to go on" in stopped.message
    assert ended(airflow, DAG, "marked") == "failed"
    assert state_of(airflow, "marked", "composite", "cancelled")


def test_a_cleared_task_ends_its_unit_and_begins_it_again(
    airflow: RunningAirflow, region: SimulatedRegion
) -> None:
    task = begun(airflow, region, "cleared")
    clear(airflow, task, downstream=False)
    assert ended(airflow, DAG, "cleared") == "success"
    again = state_of(airflow, "cleared", "composite", "done", "reused")
    assert again is not None
    found = instances(airflow, DAG, "cleared")[KEY]
    assert (found["state"], found["try_number"]) == ("success", 2)
