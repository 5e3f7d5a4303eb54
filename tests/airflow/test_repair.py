"""One failed tile, repaired through the scheduler: the map is that of the undisturbed run."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from airflow_api import clear, ended, instances, log_of, trigger

from landcover import api
from landcover.airflow_process import RunningAirflow
from landcover.ledger import outputs, units
from landcover.simulate import simulate

pytestmark = pytest.mark.slow
DAG = "landcover_map"
GOOD, BAD = "30SUF", "30SVF"
SEASON = "seasons=[{name: spring, primary_month: 3, fallback_month: 4}]"
LANE = ("prepare.lane", f"{BAD} 2021-spring")
KILOBYTE = 1024


@dataclass
class Repaired:
    """What a run was at each point of its repair."""

    airflow: RunningAirflow
    broken: dict[tuple[str, str], dict[str, Any]]
    log: list[str]
    report: list[str]
    alone: list[str]
    """Log of `report`, cleared after the tile was repaired without what follows."""
    states: list[str]
    """State of the run: broken, tile repaired alone, repaired with what follows."""
    maps: dict[str, Any]
    expected: dict[str, Any]


def files_of(run: str) -> dict[str, Any]:
    """Give every file of a run's tile maps and mosaics, by its checksum."""
    workspace = api.open_workspace()
    return {
        f"{output.wanted.stage}/{output.wanted.unit}/{file.name}": file.sha256
        for stage in ("classify", "mosaic")
        for state in units.states(workspace.records, run, stage)
        for output in outputs.find_many(workspace, state.outputs)
        for file in output.files
    }


@pytest.fixture(scope="module")
def repaired(
    airflow: RunningAirflow, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Repaired]:
    folder = tmp_path_factory.mktemp("repair")
    region = simulate(
        folder / "region", tiles=[GOOD, BAD], pixels=240, points_per_class=8, seasons=["spring"],
        only_usable=True, seed=3,
    )  # fmt: skip
    conf: dict[str, Any] = {
        "recipe": "recipes/mediterranean-rf.yaml",
        "year": region.year,
        "products": str(region.products),
        "labels": str(region.labels),
        "dem": str(region.dem),
        "until": "mosaic",
        "overrides": [SEASON, "model.trees=3"],
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(folder / "undisturbed"))
        arguments = {key: value for key, value in conf.items() if key != "recipe"}
        api.start_run("undisturbed", conf["recipe"], **arguments)
        assert api.run_inline("undisturbed")["state"] == "done"
        expected = files_of("undisturbed")
        patch.setenv("LANDCOVER_WORKSPACE", str(airflow.home.parent))
        files = sorted(region.products.glob(f"*_T{BAD}_*/GRANULE/*/IMG_DATA/*/*_B08_10m.jp2"))
        for file in files:
            shutil.copy2(file, folder / file.name)
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        trigger(airflow, DAG, "repair", conf)
        states = [ended(airflow, DAG, "repair")]
        broken = instances(airflow, DAG, "repair")
        log, report = log_of(airflow, broken[LANE]), log_of(airflow, broken["report", ""])
        for file in files:
            shutil.copy2(folder / file.name, file)
        assert clear(airflow, broken[LANE], downstream=False) == ["prepare.lane"]
        states.append(ended(airflow, DAG, "repair"))
        found = instances(airflow, DAG, "repair")
        assert found[LANE]["state"] == "success"
        clear(airflow, found["report", ""], downstream=False)
        states.append(ended(airflow, DAG, "repair"))
        found = instances(airflow, DAG, "repair")
        alone = log_of(airflow, found["report", ""])
        cleared = clear(airflow, found[LANE], downstream=True)
        assert {"prepare.lane", "plan_classify", "report"} <= set(cleared)
        states.append(ended(airflow, DAG, "repair"))
        yield Repaired(airflow, broken, log, report, alone, states, files_of("repair"), expected)


def test_a_repaired_tile_gives_the_map_of_the_undisturbed_run(repaired: Repaired) -> None:
    assert repaired.states == ["failed", "failed", "failed", "success"]
    assert repaired.maps == repaired.expected
    assert any(name.startswith(f"classify/{BAD}/") for name in repaired.maps)


def test_the_report_is_red_and_says_what_to_press(repaired: Repaired) -> None:
    told = "\n".join(repaired.report)
    assert f"clear prepare.lane of {BAD} 2021-spring with downstream" in told
    # The tile is prepared, and still not in the map.
    alone = "\n".join(repaired.alone)
    assert f"{BAD} has what classify needs and is not in the map: clear plan_classify" in alone


def test_the_other_lanes_end_as_they_were(repaired: Repaired) -> None:
    found = instances(repaired.airflow, DAG, "repair")
    states = {key: ti["state"] for key, ti in found.items()}
    assert states["classify.classify", GOOD] == states["classify.classify", BAD] == "success"
    # The lane of the failed tile was there from the first, and skipped.
    assert repaired.broken["classify.classify", BAD]["state"] == "skipped"
    before = {key: ti["map_index"] for key, ti in repaired.broken.items()}
    assert {key: found[key]["map_index"] for key in before if key in found} == before


def test_the_log_has_the_lines_of_the_worker_and_the_reason(repaired: Repaired) -> None:
    lines = [line for line in repaired.log if line.strip()]
    for stage in ("collect", "mask"):
        assert any(line.startswith(f"{BAD} 2021-spring: {stage} done in ") for line in lines), lines
    assert not any(GOOD in line for line in lines)
    last = next(line for line in reversed(lines) if BAD in line)
    assert "composite" in last
    assert "B08" in last


def test_only_ids_travel_between_tasks(repaired: Repaired) -> None:
    with sqlite3.connect(repaired.airflow.home / "airflow.db") as database:
        travelled = {
            table: database.execute(f"SELECT {column} FROM {table}").fetchall()
            for table, column in (
                ("xcom", "value"),
                ("trigger", "kwargs"),
                ("rendered_task_instance_fields", "rendered_fields"),
                ("task_state_store", "value"),
            )
        }
    assert travelled["xcom"]
    assert travelled["rendered_task_instance_fields"]
    for table, rows in travelled.items():
        for (value,) in rows:
            text = value if isinstance(value, str) else json.dumps(value, default=str)
            assert len(text) <= KILOBYTE, (table, text)
            for secret in ("/tmp", "password", repaired.airflow.password, ".jp2", "file:"):
                assert secret not in text, (table, text)
