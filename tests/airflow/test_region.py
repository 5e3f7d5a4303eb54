"""A region in shards through a real scheduler: what an operator does while shards run, and after.

Two simulated tiles with two seasons, one in each shard. The gate holds units or makes them fail.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from airflow_rest import Rest, until
from airflow_travels import require_only_ids, travelling
from sqlalchemy import Engine, text
from told import Told
from unit_gate import Gate

from landcover import api
from landcover.airflow_process import RunningAirflow
from landcover.ledger import shards, units
from landcover.nouns.run import UnitState
from landcover.settings import in_environment, read_settings
from landcover.simulate import SimulatedRegion, simulate

pytestmark = pytest.mark.slow
SEASONS = (
    "seasons=[{name: spring, primary_month: 3, fallback_month: 4}, "
    "{name: summer, primary_month: 6, fallback_month: 7}]"
)
REGION, SHARD = "landcover_region", "landcover_shard"
A, B = "30SUF", "30SVF"
SECONDS = float(os.environ.get("LANDCOVER_TEST_PATIENCE", "900"))


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> SimulatedRegion:
    folder = tmp_path_factory.mktemp("region") / "r"
    return simulate(folder, tiles=[A, B], pixels=240, points_per_class=8, seed=17)


@pytest.fixture(scope="module", autouse=True)
def workspace(airflow: RunningAirflow, gate: Gate) -> Iterator[None]:
    """The ledger of the running Airflow, for the questions of the tests."""
    with in_environment(read_settings({}, workspace=str(airflow.home.parent))):
        yield
    gate.release()


@pytest.fixture(scope="module")
def rest(airflow: RunningAirflow) -> Rest:
    return Rest(airflow)


def conf(region: SimulatedRegion, *overrides: str) -> dict[str, Any]:
    return {
        "year": region.year,
        "products": str(region.products),
        "labels": str(region.labels),
        "dem": str(region.dem),
        "overrides": [SEASONS, "tolerance_percent=60", *overrides],
        "until": "sample",
        "shard_tiles": 1,
    }


def states(run: str, stage: str, tile: str) -> list[UnitState]:
    found = units.states(api.open_workspace().records, run, stage)  # type: ignore[arg-type]
    return [state for state in found if state.unit.tile == tile]


def tries(run: str, name: str) -> tuple[str, ...]:
    return shards.load(api.open_workspace().records, run, name).tries


@pytest.fixture(scope="module")
def first(
    rest: Rest, simulated: SimulatedRegion, gate: Gate, restart_triggerer: Callable[[], None]
) -> str:
    """A run in which a tile fails, and the triggerer dies while a unit is at work."""
    gate.hold("collect", f"{A}.2021-spring")
    gate.end("mask", f"{B}.2021-summer", "input")
    rest.trigger(REGION, "region", conf(simulated))
    until(lambda: gate.begun("collect", f"{A}.2021-spring") > 0, SECONDS, "the first unit")
    restart_triggerer()
    until(lambda: gate.begun("mask", f"{B}.2021-summer") > 0, SECONDS, "the other shard")
    gate.rules = [rule for rule in gate.rules if rule[-1] != "hold"]
    gate.end("mask", f"{B}.2021-summer", "input")
    rest.wait_for(REGION, "region", SECONDS)
    return "region"


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


def test_a_shard_and_its_failed_lane_have_notes(rest: Rest, first: str) -> None:
    name = f"{first}.prepare-02"
    note = rest.ask(f"/dags/{SHARD}/dagRuns/{name}")["note"]
    assert note.startswith(f"prepare-02 of {first} failed: ")
    assert f"1 of 1 tiles failed: {B}" in note
    noted = {task["rendered_map_index"]: task["note"] for task in rest.tasks(SHARD, name)}
    (lane,) = (label for label, said in noted.items() if said)
    assert lane == f"{B} 2021-summer"
    assert noted[lane].startswith("mask failed: ")
    assert "clear plan_overlap in the run of landcover_region, with downstream" in noted[lane]


def test_a_region_is_told_once_and_its_shards_are_not(first: str, told: Told) -> None:
    begins = f"{REGION} {first}: "
    until(lambda: any(said.startswith(begins) for said in told.texts), SECONDS, "the message")
    (said,) = (said for said in told.texts if said.startswith(begins))
    assert f"missing: {B}" in said
    assert [said for said in told.texts if said.startswith(f"{SHARD} ")] == []


def test_a_triggerer_that_dies_changes_nothing(first: str, gate: Gate) -> None:
    assert gate.begun("collect", f"{A}.2021-spring", first) == 1
    assert {state.attempts for state in states(first, "collect", A)} == {1}


def test_a_tile_is_repaired_in_its_shard_and_what_follows_takes_it_in(
    rest: Rest, first: str, gate: Gate
) -> None:
    gate.release()
    lanes = [
        [task["task_id"], task["map_index"]]
        for task in rest.tasks(SHARD, f"{first}.prepare-02")
        if task["task_id"] == "prepare.lane" and task["state"] == "failed"
    ]
    assert len(lanes) == 1
    cleared = rest.clear(SHARD, f"{first}.prepare-02", [*lanes, "report"])
    assert sorted(cleared) == sorted([(lanes[0][0], lanes[0][1]), ("report", -1)])
    assert rest.wait_for(SHARD, f"{first}.prepare-02", SECONDS) == "success"
    assert not any(task["note"] for task in rest.tasks(SHARD, f"{first}.prepare-02"))
    before = gate.begun("sample", A)
    rest.clear(REGION, first, ["plan_overlap"], include_downstream=True)
    assert rest.wait_for(REGION, first, SECONDS) == "success"
    assert {state.state for state in states(first, "sample", B)} == {"done"}
    # The tile that was well has its sample: it is only made anew where the new one takes labels.
    assert gate.begun("sample", A) - before <= 1
    assert api.report(first)["missing_tiles"] == []
    assert f"{first}.sample-02" in rest.runs(SHARD, f"{first}.")


def test_all_reused_begins_no_shard(rest: Rest, first: str, simulated: SimulatedRegion) -> None:
    rest.trigger(REGION, "region-again", conf(simulated))
    assert rest.wait_for(REGION, "region-again", SECONDS) == "success"
    assert rest.runs(SHARD, "region-again.") == {}
    assert len(rest.tasks(REGION, "region-again")) <= 25
    found = units.states(api.open_workspace().records, "region-again")
    assert {state.state for state in found} == {"reused"}
    assert len(found) == len(units.states(api.open_workspace().records, first))


def test_only_ids_travel(airflow: RunningAirflow, metadata: Engine, first: str) -> None:
    travelled = travelling(metadata)
    require_only_ids(travelled, airflow.password)
    assert not [text for text in travelled["xcom"] if text.count(".prepare-") > 1]


def test_a_parent_that_is_tried_again_attaches_to_its_shard_and_one_cleared_begins_another(
    rest: Rest, simulated: SimulatedRegion, gate: Gate, metadata: Engine
) -> None:
    unit = ("composite", f"{A}.2021-spring")
    gate.hold(*unit)
    before = gate.begun(*unit)
    rest.trigger(REGION, "halted", conf(simulated, "composite.min_clear=2"))
    until(lambda: gate.begun(*unit) == before + 1, SECONDS, "the unit that is held")
    names = ("halted.prepare-01", "halted.prepare-01.2")
    # A task whose trigger timed out is tried again, as after any loss of the parent.
    with metadata.begin() as database:
        late = "UPDATE task_instance SET trigger_timeout = '2026-01-01' WHERE run_id = 'halted'"
        found = database.execute(text(f"{late} AND task_id = 'prepare' AND map_index = 0"))
        assert found.rowcount == 1
    until(lambda: parent(rest) == ("deferred", 2), SECONDS, "the second try of the parent")
    assert tries("halted", "prepare-01") == names[:1]
    assert rest.state(SHARD, names[0]) == "running"
    assert gate.begun(*unit) == before + 1
    rest.clear(REGION, "halted", [["prepare", 0]])
    until(lambda: gate.begun(*unit) == before + 2, SECONDS, "another run of the shard")
    assert tries("halted", "prepare-01") == names
    assert rest.state(SHARD, names[0]) == "failed"
    assert rest.state(SHARD, names[1]) == "running"
    rest.mark_run(REGION, "halted", "failed")
    assert rest.wait_for(SHARD, names[1], SECONDS) == "failed"
    found = units.states(api.open_workspace().records, "halted")
    assert not [state for state in found if state.state in ("running", "planned")]
    assert {s.state for s in found if (s.stage, s.unit.id) == unit} == {"cancelled"}
    assert gate.begun(*unit) == before + 2


def parent(rest: Rest) -> tuple[str, int]:
    """Give state and try of the task that waits for the first shard."""
    task = next(
        task
        for task in rest.tasks(REGION, "halted")
        if (task["task_id"], task["map_index"]) == ("prepare", 0)
    )
    return task["state"], task["try_number"]


def test_two_regions_at_once_share_what_both_need(
    rest: Rest, simulated: SimulatedRegion, gate: Gate
) -> None:
    gate.release()
    names = ("beside-1", "beside-2")
    for name in names:
        asked = conf(simulated, "composite.min_clear=3")
        rest.trigger(REGION, name, {**asked, "until": "composite"})
    for name in names:
        assert rest.wait_for(REGION, name, SECONDS) == "success"
    records = api.open_workspace().records
    first, second = ({s.unit.id: s.outputs for s in _composites(records, n)} for n in names)
    assert first == second
    assert len(first) == 4
    # Each composite was made by one of them; the other waited for it or found it.
    made = [s.unit.id for name in names for s in _composites(records, name) if s.state == "done"]
    assert sorted(made) == sorted(first)


def _composites(records: Any, run: str) -> list[UnitState]:
    return [s for s in units.states(records, run, "composite") if s.is_finished]
