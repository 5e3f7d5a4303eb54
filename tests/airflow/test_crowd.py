"""Many lanes at once through a real scheduler: pools hold, nothing is lost, tiles end in turn.

The first tiles have products and are worked on; those of the others end at once, by the gate, as
skips and failures do that fall just after their deferral. ``LANDCOVER_TEST_LANES`` makes more, 194
at most: a run has a hundred tiles.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from airflow_rest import Rest, until
from sqlalchemy import Engine, text
from unit_gate import Deed, Gate, Passed

from landcover import api
from landcover.airflow_process import RunningAirflow
from landcover.bench.many_tiles import tiles_of
from landcover.execution import COMPUTE, DOWNLOAD
from landcover.ledger import units
from landcover.nouns.run import UnitState
from landcover.settings import in_environment, read_settings
from landcover.simulate import simulate

pytestmark = pytest.mark.slow
DAG, RUN = "landcover_map", "crowd"
REAL = ("30SUF", "30SUG", "30SUH")
SEASONS = (
    "seasons=[{name: spring, primary_month: 3, fallback_month: 4}, "
    "{name: summer, primary_month: 6, fallback_month: 7}]"
)
LANES = int(os.environ.get("LANDCOVER_TEST_LANES", "24"))
"""Lanes that end at once: two for each tile."""
ENDS: tuple[Deed, ...] = ("missing", "input", "missing", "defect")
STATES = {"missing": "skipped", "input": "failed", "defect": "failed"}
BUSY = ("queued", "running", "deferred")
SECONDS = float(os.environ.get("LANDCOVER_TEST_PATIENCE", "300"))


@dataclass
class Crowd:
    """A run of many lanes, and what was seen of it."""

    slots: int
    most: Counter[str] = field(default_factory=Counter)
    """Tasks of each pool that were begun and had not ended, at most."""
    state: str = ""
    tasks: list[dict[str, Any]] = field(default_factory=list)
    units: list[UnitState] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)
    mismatches: int = -1


def busy(metadata: Engine) -> Counter[str]:
    """Count the tasks of each pool that hold a slot."""
    told = ", ".join(f"'{state}'" for state in BUSY)
    query = f"SELECT pool, count(*) FROM task_instance WHERE state IN ({told}) GROUP BY pool"
    with metadata.connect() as database:
        return Counter(dict(map(tuple, database.execute(text(query)))))


def mismatches(metadata: Engine) -> int:
    query = "SELECT count(*) FROM log WHERE event = 'state mismatch'"
    with metadata.connect() as database:
        return int(database.execute(text(query)).scalar_one())


@pytest.fixture(scope="module")
def crowd(
    airflow: RunningAirflow,
    gate: Gate,
    metadata: Engine,
    tmp_path_factory: pytest.TempPathFactory,
) -> Crowd:
    folder = tmp_path_factory.mktemp("crowd") / "r"
    region = simulate(
        folder, tiles=REAL, pixels=240, points_per_class=5, seasons=["spring", "summer"],
        only_usable=True, seed=23,
    )  # fmt: skip
    others = [tile for tile in tiles_of(LANES) if tile not in REAL][: LANES // 2]
    rest = Rest(airflow)
    found = Crowd(slots=rest.ask(f"/pools/{DOWNLOAD}")["slots"])
    before = mismatches(metadata)
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.3):
            found.most |= busy(metadata)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        gate.hold("collect", "*", RUN)
        asked = {
            "year": region.year,
            "products": str(region.products),
            "tiles": [*REAL, *others],
            "until": "composite",
            "overrides": [SEASONS, "tolerance_percent=100"],
        }
        rest.trigger(DAG, RUN, asked)
        until(lambda: busy(metadata)[DOWNLOAD] == found.slots, SECONDS, "a full pool")
        gate.release()
        for number, tile in enumerate(others):
            gate.end("collect", f"{tile}.*", ENDS[number % len(ENDS)], RUN)
        found.state = rest.wait_for(DAG, RUN, SECONDS)
    finally:
        done.set()
        watcher.join()
        gate.release()
    found.tasks = [t for t in rest.tasks(DAG, RUN) if t["task_id"] == "prepare.lane"]
    with in_environment(read_settings({}, workspace=str(airflow.home.parent))):
        found.units = units.states(api.open_workspace().records, RUN)
    found.passed = gate.passed(RUN)
    found.mismatches = mismatches(metadata) - before
    return found


def test_every_lane_ends_as_its_unit_did(crowd: Crowd) -> None:
    at_collect = [s for s in crowd.units if s.stage == "collect" and s.unit.tile not in REAL]
    assert len(at_collect) == LANES // 2 * 2
    for state in at_collect:
        assert state.error_family in ENDS
        assert state.state == STATES[str(state.error_family)]
    assert {state.error_family for state in at_collect} == set(ENDS)
    family = {state.unit.label: state.state for state in at_collect}
    ends = {task["rendered_map_index"]: task["state"] for task in crowd.tasks}
    assert {label: ends[label] for label in family} == family


def test_a_unit_is_tried_again_only_where_airflow_lost_its_end(crowd: Crowd) -> None:
    """A "state mismatch" costs a try and nothing else; the hold of failures makes it rare."""
    assert crowd.mismatches <= LANES // 8
    assert sum(task["try_number"] - 1 for task in crowd.tasks) <= crowd.mismatches
    assert sum(s.attempts - 1 for s in crowd.units if s.stage == "collect") <= crowd.mismatches


def test_no_more_lanes_are_begun_than_a_pool_has_slots(crowd: Crowd) -> None:
    """The pool was full and all of its units ended at once: the run came to its end."""
    assert crowd.most[DOWNLOAD] == crowd.slots
    assert crowd.most[COMPUTE] <= crowd.slots
    assert {task["state"] for task in crowd.tasks} == {"success", "skipped", "failed"}


def test_tiles_end_one_after_the_other(crowd: Crowd) -> None:
    real = [p for p in crowd.passed if p.unit.partition(".")[0] in REAL]
    begun = [(p.stage, p.unit) for p in real if p.event == "begun"]
    first_composite = next(n for n, (stage, _) in enumerate(begun) if stage == "composite")
    last_collect = max(n for n, (stage, _) in enumerate(begun) if stage == "collect")
    assert first_composite < last_collect
    # Products of a lane lie on disk from its collect to its composite.
    held: set[str] = set()
    most = 0
    for passed in crowd.passed:
        if (passed.event, passed.stage) == ("begun", "collect"):
            held.add(passed.unit)
        elif passed.event == "ended" and passed.stage == "composite":
            held.discard(passed.unit)
        most = max(most, len(held & {unit for _, unit in begun}))
    assert most <= 4  # two workers: each may have begun another lane while one waits
