"""The whole DAG through Airflow, as ``landcover run`` runs it, on two simulated tiles.

One tile has a broken file, a third one has no products at all; on the way a worker runs out of
memory once and a store is away once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from landcover import api
from landcover.airflow_process import airflow_environment, run_dag
from landcover.airflow_process.sessions import members
from landcover.ledger import units
from landcover.nouns.run import UnitState
from landcover.settings import Settings, read_settings
from landcover.simulate import simulate

ROOT = Path(__file__).resolve().parents[2]
GOOD, BAD, EMPTY = "30SUF", "30SVF", "33TUG"


@dataclass
class Flow:
    """A run that ended."""

    code: int
    lines: list[str]
    states: list[UnitState]
    seconds: float
    documents: list[dict[str, Any]] = field(default_factory=list)

    def of(self, tile: str) -> Counter[str]:
        return Counter(s.state for s in self.states if s.unit.tile == tile)


@pytest.fixture(scope="module")
def environment(
    tmp_path_factory: pytest.TempPathFactory, cache: Path
) -> Iterator[pytest.MonkeyPatch]:
    """A workspace of this module, and retries without waiting."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("LANDCOVER_")]:
            patch.delenv(name)
        patch.setenv("LANDCOVER_WORKSPACE", str(tmp_path_factory.mktemp("workspace")))
        patch.setenv("LANDCOVER_RETRY_SECONDS", "0.1")
        patch.setenv("XDG_CACHE_HOME", str(cache))
        yield patch


@pytest.fixture(scope="module")
def settings(environment: pytest.MonkeyPatch) -> Settings:
    return replace(read_settings(), threads=1)


@pytest.fixture(scope="module")
def conf(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Two tiles, one with a file that was cut off, and one that does not exist."""
    region = simulate(tmp_path_factory.mktemp("region") / "r", points_per_class=20, seed=3)
    assert set(region.tiles) == {GOOD, BAD}
    (cut, *_) = sorted(region.products.glob(f"*_T{BAD}_*/GRANULE/*/IMG_DATA/*/*_B08_10m.jp2"))
    for path in region.products.glob(f"*_T{BAD}_*/GRANULE/*/IMG_DATA/*/*_B08_10m.jp2"):
        path.write_bytes(path.read_bytes()[: cut.stat().st_size // 2])
    return {
        "recipe": "recipes/mediterranean-rf.yaml",
        "year": region.year,
        "products": str(region.products),
        "tiles": [GOOD, BAD, EMPTY],
        "labels": str(region.labels),
        "dem": str(region.dem),
        # Two of the three tiles are missing from the map.
        "overrides": ["model.trees=5", "tolerance_percent=70"],
    }


def flow(settings: Settings, run_id: str, conf: dict[str, Any]) -> Flow:
    began, lines = time.monotonic(), list[str]()
    code = run_dag(settings, run_id, conf, on_line=lines.append)
    states = units.states(api.open_workspace().records, run_id)
    return Flow(code, lines, states, time.monotonic() - began)


@pytest.fixture(scope="module")
def never(settings: Settings, conf: dict[str, Any], cluster: str) -> Iterator[Future[Flow]]:
    """A run that cannot start, beside the first one."""
    wrong = {**conf, "labels": "/nowhere/labels.csv"}
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(flow, replace(settings, dask=cluster), "never", wrong)


@pytest.fixture(scope="module")
def first(settings: Settings, conf: dict[str, Any], cluster: str, never: Future[Flow]) -> Flow:
    """A run whose worker is in this process, so that it can be made to fail on the way."""
    documents: list[dict[str, Any]] = []
    real = api.run
    faults = {("mask", f"{GOOD}.2021-spring"): "memory", ("terrain", GOOD): "unavailable"}

    def faulty(stage: Any, document: dict[str, Any]) -> dict[str, Any]:
        documents.append(document)
        family = faults.get((stage, document["unit"]))
        if family is None or document["attempt"] > 1:
            return real(stage, document)
        records = api.open_workspace().records
        state = units.load(records, document["run"], stage, document["unit"])
        assert state is not None
        changes = {"state": "failed", "error_family": family, "attempts": 1}
        units.save(records, state.model_copy(update=changes))
        return {
            "unit": document["unit"],
            "state": "failed",
            "outputs": [],
            "seconds": 0.0,
            "error_family": family,
            "message": "A fault of the test.",
        }

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "run", faulty)
        ended = flow(replace(settings, dask=cluster), "first", conf)
    ended.documents = documents
    return ended


def test_the_map_is_made_of_the_tile_that_is_well(first: Flow) -> None:
    assert first.code == 0, "\n".join(first.lines)
    # The lane whose mask ran out of memory was tried again: it found what it had collected.
    found = {(s.stage, s.unit.id) for s in first.states if s.state == "reused"}
    assert found == {("collect", f"{GOOD}.2021-spring")}
    assert set(first.of(GOOD)) == {"done", "reused"}
    published = [s for s in first.states if s.stage in ("mosaic", "validate", "publish")]
    assert [s.state for s in published] == ["done"] * len(published)
    (map_id,) = [i for s in first.states if s.stage == "classify" for i in s.outputs]
    assert set(api.open_map(map_id)) >= {"classification", "confidence"}


def test_a_tile_that_fails_stays_in_its_lane_and_is_not_tried_again(first: Flow) -> None:
    failed = [s for s in first.states if s.state == "failed"]
    assert {s.unit.tile for s in failed} == {BAD}
    assert {s.attempts for s in failed} == {1}
    # What waited for it was never begun, and no later group planned it.
    assert {s.stage for s in first.states if s.unit.tile == BAD} <= {"collect", "mask", "composite"}


def test_a_tile_without_products_is_skipped(first: Flow) -> None:
    assert {s.state for s in first.states if s.unit.tile == EMPTY} == {"skipped", "planned"}


def test_the_report_tells_every_trouble_in_one_line(first: Flow) -> None:
    report = "\n".join(first.lines)
    assert "Run first: done" in report
    assert sum("failed: " in line and BAD in line for line in first.lines) >= 1
    assert sum("skipped: " in line and EMPTY in line for line in first.lines) >= 1
    assert "Traceback" not in report


def test_what_may_be_cured_is_tried_again_with_smaller_windows(first: Flow) -> None:
    def given(stage: str, unit: str) -> list[tuple[int, float]]:
        return [
            (d["attempt"], d["memory_gb"])
            for d in first.documents
            if (d["stage"], d["unit"]) == (stage, unit)
        ]

    assert given("mask", f"{GOOD}.2021-spring") == [(1, 1.0), (2, 0.5)]
    assert given("terrain", GOOD) == [(1, 1.0), (2, 1.0)]
    assert given("mask", f"{GOOD}.2021-summer") == [(1, 1.0)]


def test_a_second_run_computes_nothing_and_the_tolerance_decides(
    first: Flow, settings: Settings, conf: dict[str, Any]
) -> None:
    overrides = ["model.trees=5", "tolerance_percent=0"]
    others = psutil.Process().children(recursive=True)  # servers of other tests
    again = flow(settings, "again", {**conf, "overrides": overrides})
    assert again.code == 1
    assert any("Run again: failed" in line for line in again.lines)
    missing = f"2 of 3 tiles are missing from the map ({BAD}, {EMPTY}); tolerance_percent is 0."
    assert any(missing in line for line in again.lines)
    assert set(again.of(GOOD)) == {"reused"}
    assert {s.state for s in again.states if s.stage in ("train", "mosaic")} == {"reused"}
    assert not any(s.state == "done" for s in again.states)
    # A local cluster was started beside Airflow, and nothing of both is left.
    left = set(psutil.Process().children(recursive=True)) - set(others)
    assert not [p for p in left if "landcover" in " ".join(p.cmdline())]
    home = settings.workspace / "airflow-run" / "again"
    assert (home / "run.log").stat().st_size > 0
    assert not (home / "airflow.db").exists()


def test_a_run_that_does_not_start_fails_at_once(settings: Settings, never: Future[Flow]) -> None:
    ended = never.result()
    assert ended.code == 1
    assert ended.states == []
    log = (settings.workspace / "airflow-run" / "never" / "run.log").read_text()
    assert "no such ground-truth file" in log
    assert "The run was not started" in log


def test_ctrl_c_ends_everything(settings: Settings, conf: dict[str, Any], tmp_path: Path) -> None:
    code = (
        "import json, sys\n"
        "from landcover.airflow_process import run_dag\n"
        "from landcover.settings import read_settings\n"
        "conf = json.loads(sys.argv[1])\n"
        "try:\n"
        "    run_dag(read_settings(), 'stopped', conf)\n"
        "except KeyboardInterrupt:\n"
        "    sys.exit(130)\n"
    )
    caller = subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(conf)],
        start_new_session=True,
    )
    started: list[psutil.Process] = []
    deadline = time.monotonic() + 60
    while len(started) < 4 and time.monotonic() < deadline:  # Airflow, Dask and its worker
        started = psutil.Process(caller.pid).children(recursive=True)
        time.sleep(0.1)
    sessions = {os.getsid(process.pid) for process in started}
    assert len(sessions) == 2
    caller.terminate()
    assert caller.wait(timeout=20) == 130
    assert members(sessions) == []


def test_the_environment_is_only_ours(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql://production")
    monkeypatch.setenv("AIRFLOW_CONN_LANDCOVER_DASK", "tcp://production")
    made = airflow_environment(settings, tmp_path, "tcp://127.0.0.1:1")
    again = airflow_environment(settings, tmp_path, "tcp://127.0.0.1:1")
    assert made == again
    assert not [value for value in made.values() if "production" in value]
    assert made["LANDCOVER_DASK"] == "tcp://127.0.0.1:1"
    assert made["LANDCOVER_WORKSPACE"] == str(settings.workspace)
    assert len(made["AIRFLOW__API_AUTH__JWT_SECRET"].encode()) >= 64
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600
    other = airflow_environment(settings, tmp_path / "other", None)
    assert other["AIRFLOW__API_AUTH__JWT_SECRET"] != made["AIRFLOW__API_AUTH__JWT_SECRET"]
