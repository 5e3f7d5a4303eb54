"""A region in shards through a real scheduler: what an operator does while shards run, and after.

Two simulated tiles, one in each shard. Units run in this process, so a test can hold one of them
or make it fail.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from airflow_rest import Rest, until

from landcover import api
from landcover.airflow_process import RunningAirflow, start_airflow
from landcover.airflow_process.sessions import Child, end_all
from landcover.errors import InputError
from landcover.ledger import shards, units
from landcover.nouns.run import UnitState
from landcover.settings import read_settings
from landcover.simulate import SimulatedRegion, simulate
from landcover.stages import registry

pytestmark = pytest.mark.slow
REGION, SHARD = "landcover_region", "landcover_shard"
A, B = "30SUF", "30SVF"
SECONDS = float(os.environ.get("LANDCOVER_TEST_PATIENCE", "240"))


@dataclass
class Gate:
    """Stands before each unit: holds some until they are let go, and makes some fail."""

    held: set[tuple[str, str]] = field(default_factory=set)
    failing: set[tuple[str, str]] = field(default_factory=set)
    begun: Counter[tuple[str, str]] = field(default_factory=Counter)

    def pass_by(self, stage: str, task: Any) -> None:
        unit = (stage, task.unit.id)
        self.begun[unit] += 1
        if unit in self.failing:
            raise InputError(f"{task.unit.label}: a fault of the test.")
        while unit in self.held:
            task.job.check()  # raises where somebody ended the unit
            time.sleep(0.1)


@pytest.fixture(scope="module")
def gate() -> Iterator[Gate]:
    made = Gate()
    real = registry.stage_function

    def guarded(stage: Any) -> Callable[[Any], None]:
        def run(task: Any) -> None:
            if not task.is_dry:
                made.pass_by(stage, task)
            real(stage)(task)

        return run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "stage_function", guarded)
        yield made
        made.held.clear()


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> SimulatedRegion:
    folder = tmp_path_factory.mktemp("region") / "r"
    return simulate(folder, tiles=[A, B], pixels=240, points_per_class=8, seed=3)


@pytest.fixture(scope="module")
def airflow(
    tmp_path_factory: pytest.TempPathFactory, cache: Path, cluster: str, gate: Gate
) -> Iterator[RunningAirflow]:
    """A scheduler whose units run in this process."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("LANDCOVER_")]:
            patch.delenv(name)
        patch.setenv("XDG_CACHE_HOME", str(cache))
        patch.setenv("LANDCOVER_RETRY_SECONDS", "1")
        patch.setenv("LANDCOVER_WORKSPACE", str(tmp_path_factory.mktemp("shards")))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with start_airflow(replace(read_settings(), dask=cluster), port) as running:
            yield running


@pytest.fixture(scope="module")
def rest(airflow: RunningAirflow) -> Rest:
    return Rest(airflow)


def conf(region: SimulatedRegion, *overrides: str) -> dict[str, Any]:
    return {
        "year": region.year,
        "products": str(region.products),
        "labels": str(region.labels),
        "dem": str(region.dem),
        "overrides": ["model.trees=3", "tolerance_percent=60", *overrides],
        "until": "sample",
        "shard_tiles": 1,
    }


def states(run: str, stage: str, tile: str) -> list[UnitState]:
    found = units.states(api.open_workspace().records, run, stage)  # type: ignore[arg-type]
    return [state for state in found if state.unit.tile == tile]


def tries(run: str, name: str) -> tuple[str, ...]:
    return shards.load(api.open_workspace().records, run, name).tries


def restart_triggerer(airflow: RunningAirflow) -> Child:
    """Kill the triggerer as a machine does that goes away, and start another one."""
    (old,) = [
        child.process.pid
        for child in airflow.children
        if child.process.poll() is None
        and "triggerer" in psutil.Process(child.process.pid).cmdline()
    ]
    process = psutil.Process(old)
    environment = process.environ()
    for one in [*process.children(recursive=True), process]:
        one.kill()
    command = [sys.executable, "-m", "airflow", "triggerer", "--skip-serve-logs"]
    return Child(command, environment, airflow.home / "airflow.log", is_read=False)


@pytest.fixture(scope="module")
def first(
    airflow: RunningAirflow, rest: Rest, simulated: SimulatedRegion, gate: Gate
) -> Iterator[str]:
    """A run in which a tile fails, and the triggerer dies while a unit is at work."""
    gate.held.add(("collect", f"{A}.2021-spring"))
    gate.failing.add(("mask", f"{B}.2021-summer"))
    rest.trigger(REGION, "first", conf(simulated))
    until(lambda: gate.begun["collect", f"{A}.2021-spring"] > 0, SECONDS, "the first unit")
    other = restart_triggerer(airflow)
    try:
        until(lambda: gate.begun["mask", f"{B}.2021-summer"] > 0, SECONDS, "the other shard")
        gate.held.clear()
        rest.wait_for(REGION, "first", SECONDS)
        yield "first"
    finally:
        end_all([other])


def test_a_red_shard_stops_nothing_and_the_tolerance_decides(rest: Rest, first: str) -> None:
    assert rest.state(REGION, first) == "success"
    runs = rest.runs(SHARD, f"{first}.")
    assert runs == {
        f"{first}.prepare-01": "success",
        f"{first}.prepare-02": "failed",
        f"{first}.overlap-01": "success",  # what the other tile has is compared
        f"{first}.sample-01": "success",
    }
    prepared = {
        task["rendered_map_index"]: task["state"]
        for task in rest.tasks(REGION, first)
        if task["task_id"] == "prepare"
    }
    assert prepared == {f"prepare-01: {A} (1)": "success", f"prepare-02: {B} (1)": "failed"}
    assert {state.state for state in states(first, "sample", A)} == {"done"}
    assert states(first, "sample", B) == []


def test_a_triggerer_that_dies_changes_nothing(first: str, gate: Gate) -> None:
    assert gate.begun["collect", f"{A}.2021-spring"] == 1
    assert {state.attempts for state in states(first, "collect", A)} == {1}


def test_a_tile_is_repaired_in_its_shard_and_what_follows_takes_it_in(
    rest: Rest, first: str, gate: Gate
) -> None:
    gate.failing.clear()
    lanes = [
        [task["task_id"], task["map_index"]]
        for task in rest.tasks(SHARD, f"{first}.prepare-02")
        if task["task_id"] == "prepare.lane" and task["state"] == "failed"
    ]
    assert len(lanes) == 1
    cleared = rest.clear(SHARD, f"{first}.prepare-02", [*lanes, "report"])
    assert sorted(cleared) == sorted([(lanes[0][0], lanes[0][1]), ("report", -1)])
    assert rest.wait_for(SHARD, f"{first}.prepare-02", SECONDS) == "success"
    before = gate.begun["sample", A]
    rest.clear(REGION, first, ["plan_overlap"], include_downstream=True)
    assert rest.wait_for(REGION, first, SECONDS) == "success"
    assert {state.state for state in states(first, "sample", B)} == {"done"}
    # The tile that was well has its sample: it is only made anew where the new one takes labels.
    assert gate.begun["sample", A] - before <= 1
    assert api.report(first)["missing_tiles"] == []
    assert f"{first}.sample-02" in rest.runs(SHARD, f"{first}.")


def test_all_reused_begins_no_shard(rest: Rest, first: str, simulated: SimulatedRegion) -> None:
    rest.trigger(REGION, "again", conf(simulated))
    assert rest.wait_for(REGION, "again", SECONDS) == "success"
    assert rest.runs(SHARD, "again.") == {}
    assert len(rest.tasks(REGION, "again")) <= 25
    found = units.states(api.open_workspace().records, "again")
    assert {state.state for state in found} == {"reused"}
    assert len(found) == len(units.states(api.open_workspace().records, first))


def test_a_cleared_parent_begins_its_shard_again_and_a_failed_one_ends_it(
    rest: Rest, simulated: SimulatedRegion, gate: Gate
) -> None:
    unit = ("composite", f"{A}.2021-spring")
    gate.held.add(unit)
    before = gate.begun[unit]
    rest.trigger(REGION, "stopped", conf(simulated, "composite.min_clear=2"))
    until(lambda: gate.begun[unit] == before + 1, SECONDS, "the unit that is held")
    rest.clear(REGION, "stopped", [["prepare", 0]])
    until(lambda: gate.begun[unit] == before + 2, SECONDS, "another run of the shard")
    names = ("stopped.prepare-01", "stopped.prepare-01.2")
    assert tries("stopped", "prepare-01") == names
    assert rest.state(SHARD, names[0]) == "failed"
    assert rest.state(SHARD, names[1]) == "running"
    rest.mark_run(REGION, "stopped", "failed")
    assert rest.wait_for(SHARD, names[1], SECONDS) == "failed"
    found = units.states(api.open_workspace().records, "stopped")
    assert not [state for state in found if state.state in ("running", "planned")]
    assert {s.state for s in found if (s.stage, s.unit.id) == unit} == {"cancelled"}
    assert gate.begun[unit] == before + 2
