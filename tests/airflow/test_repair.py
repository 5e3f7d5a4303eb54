"""A failed tile and a late band, repaired through the scheduler: the map of the undisturbed run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from airflow_api import ask, clear, ended, instances, log_of, trigger, wait
from airflow_travels import TRAVELS, require_only_ids, travelling
from sqlalchemy import Engine
from told import Told

from landcover import api
from landcover.airflow_process import RunningAirflow
from landcover.ledger import outputs, units
from landcover.simulate import simulate

pytestmark = pytest.mark.slow
DAG = "landcover_map"
GOOD, BAD = "30SUF", "30SVF"
SEASON = "seasons=[{name: spring, primary_month: 3, fallback_month: 4}]"
LANE = ("prepare.lane", f"{BAD} 2021-spring")
LATE = ("prepare.lane", f"{GOOD} 2021-spring")
"""A product of its season lacks a band at first."""
BAND = "B8A"


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
    last: list[str]
    """Log of `report` at the end."""
    travelled: dict[str, set[str]]
    """What Airflow's database held during the first run, by table."""
    notes: list[str]
    """Note of the run after its first end, and after its last."""
    told: list[str]
    """Messages to people, one of each end."""


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


def watched(airflow: RunningAirflow, metadata: Engine, travelled: dict[str, set[str]]) -> str:
    """Wait for the end of the run, and read meanwhile what travels: triggers are gone then."""

    def look() -> str | None:
        for table, texts in travelling(metadata).items():
            travelled.setdefault(table, set()).update(texts)
        state = str(ask(airflow, f"/api/v2/dags/{DAG}/dagRuns/repair")["state"])
        return state if state in ("success", "failed") else None

    return str(wait(look, "repair", pause=1.0))


def note_of(airflow: RunningAirflow) -> str:
    return str(ask(airflow, f"/api/v2/dags/{DAG}/dagRuns/repair")["note"])


def messages_of(told: Told) -> list[str]:
    return [text for text in told.texts if text.startswith(f"{DAG} repair: ")]


@pytest.fixture(scope="module")
def repaired(
    airflow: RunningAirflow, metadata: Engine, told: Told, tmp_path_factory: pytest.TempPathFactory
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
        (product, *_) = sorted(region.products.glob(f"*_T{GOOD}_*"))
        (late,) = product.rglob(f"*_{BAND}_20m.jp2")
        late.rename(folder / late.name)
        trigger(airflow, DAG, "repair", conf)
        travelled: dict[str, set[str]] = {}
        states = [watched(airflow, metadata, travelled)]
        broken = instances(airflow, DAG, "repair")
        notes = [note_of(airflow)]
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
        (folder / late.name).rename(late)
        cleared = clear(airflow, found[LANE], found[LATE], downstream=True)
        assert {"prepare.lane", "plan_classify", "report"} <= set(cleared)
        states.append(ended(airflow, DAG, "repair"))
        last = log_of(airflow, instances(airflow, DAG, "repair")["report", ""])
        maps = files_of("repair")
        notes.append(note_of(airflow))
        wait(lambda: len(messages_of(told)) >= len(states), "a message of each end")
        yield Repaired(
            airflow, broken, log, report, alone, states, maps, expected, last, travelled, notes,
            messages_of(told),
        )  # fmt: skip


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


def test_run_and_lanes_have_notes_of_their_last_end(repaired: Repaired) -> None:
    first, last = repaired.notes
    assert first.startswith("failed: ")
    assert f"missing: {BAD}" in first
    assert "- composite failed: " in first
    assert "degraded: " in first
    note = repaired.broken[LANE]["note"]
    assert note.startswith("composite failed: ")
    assert f"clear prepare.lane of {BAD} 2021-spring with downstream" in note
    assert BAND in repaired.broken[LATE]["note"]
    others = {key for key, ti in repaired.broken.items() if ti["note"]}
    assert {LANE, LATE} <= others
    assert not any(task == "report" for task, _ in others)
    assert last.startswith("done: ")
    now = instances(repaired.airflow, DAG, "repair")
    assert [key for key, ti in now.items() if ti["note"]] == []


def test_each_end_is_told_once(repaired: Repaired) -> None:
    told = sorted(text.partition(" repair: ")[2] for text in repaired.told)
    assert len(told) == 4, told
    alone, first, again, last = told
    for text in (first, again):
        assert text.startswith("failed: ")
        assert f"missing: {BAD}" in text
    # A lane was cleared without what follows: `report` did not run.
    assert alone.startswith("failed without a report")
    assert last.startswith("repaired, done: ")


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


def test_a_season_that_lacked_a_band_is_listed_and_repaired_the_same_way(
    repaired: Repaired,
) -> None:
    told = "\n".join(repaired.report)
    assert f"degraded: {GOOD}/2021-spring: " in told
    assert f"has no {BAND}" in told
    assert f"If what {LATE[1]} lacked was delivered: clear {LATE[0]} of {LATE[1]} with down" in told
    assert any(name.startswith(f"classify/{GOOD}/") for name in repaired.maps)
    assert not any("degraded: " in line for line in repaired.last)


def test_only_ids_travel_between_tasks(repaired: Repaired) -> None:
    assert {table for table, _ in TRAVELS} - set(repaired.travelled) <= {"task_state_store"}
    assert any('"collect"' in text for text in repaired.travelled["trigger"])
    require_only_ids(repaired.travelled, repaired.airflow.password)
