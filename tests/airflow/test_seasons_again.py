"""Seasons that are told twice, and the three ways of a backfill, in a real Airflow.

Runs are marked as failed as soon as they are there: what they would do, other tests tell.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from airflow_api import ask, wait

from landcover.airflow_process import RunningAirflow

pytestmark = pytest.mark.slow


def runs_of(airflow: RunningAirflow, dag: str, key: str) -> list[str]:
    """Name the runs of a DAG for a partition."""
    found = ask(airflow, f"/api/v2/dags/{dag}/dagRuns?limit=200")["dag_runs"]
    return [run["dag_run_id"] for run in found if run["partition_key"] == key]


def fail(airflow: RunningAirflow, dag: str, run: str) -> None:
    def done() -> bool:
        with suppress(AssertionError):  # answered by 500: the scheduler wrote the run just then
            ask(airflow, f"/api/v2/dags/{dag}/dagRuns/{quote(run)}", {"state": "failed"}, "PATCH")
            return True
        return False

    wait(done, f"the end of {run}")


def test_a_season_that_is_told_twice_counts_once(airflow: RunningAirflow) -> None:
    (asset,) = ask(airflow, "/api/v2/assets?name_pattern=landcover_composites")["assets"]

    def tell(*keys: str) -> None:
        for key in keys:
            body = {"asset_id": asset["id"], "partition_key": key}
            wait(lambda body=body: told(body), key)

    def told(body: dict[str, Any]) -> bool:
        with suppress(AssertionError):  # SQLite was locked: nothing was written
            return bool(ask(airflow, "/api/v2/assets/events", body))
        return False

    def started(year: str) -> list[str]:
        return runs_of(airflow, "classify_map", year)

    tell("2016-spring", "2016-spring", "2016-summer")
    tell("2017-autumn", "2017-summer", "2017-spring")
    (whole,) = wait(lambda: started("2017"), "the map of 2017")
    assert started("2016") == []
    tell("2016-autumn")
    (one,) = wait(lambda: started("2016"), "the map of 2016")
    for run in (whole, one):
        fail(airflow, "classify_map", run)
    # What was told twice is not left over for a second map.
    tell("2016-summer", "2016-autumn", "2015-spring", "2015-summer", "2015-autumn")
    (other,) = wait(lambda: started("2015"), "the map of 2015")
    fail(airflow, "classify_map", other)
    assert started("2016") == [one]


def backfill(airflow: RunningAirflow, reprocess: str) -> list[str]:
    """Backfill the spring of 2017; names the runs that are new, which are failed at once."""
    before = set(runs_of(airflow, "ingest_season", "2017-spring"))
    day = "2017-03-01T00:00:00Z"
    body: dict[str, Any] = {
        "dag_id": "ingest_season", "from_date": day, "to_date": day,
        "reprocess_behavior": reprocess, "max_active_runs": 1,
    }  # fmt: skip
    number = ask(airflow, "/api/v2/backfills", body)["id"]
    new = [r for r in runs_of(airflow, "ingest_season", "2017-spring") if r not in before]
    for run in new:
        fail(airflow, "ingest_season", run)
    wait(
        lambda: ask(airflow, f"/api/v2/backfills/{number}")["completed_at"], "the end of a backfill"
    )
    return new


def test_a_backfill_of_missing_seasons_leaves_failed_ones_out_and_of_failed_makes_them(
    airflow: RunningAirflow,
) -> None:
    (first,) = backfill(airflow, "none")
    assert backfill(airflow, "none") == []
    (second,) = backfill(airflow, "failed")
    assert second != first


def test_a_backfill_of_three_years_is_pressed_in_the_dialog(
    airflow: RunningAirflow, page: Any, tmp_path: Path
) -> None:
    page.goto(f"{airflow.url}/dags/ingest_season")
    page.get_by_role("button", name="Trigger").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Backfill", exact=True).first.click()
    for place, date in enumerate(("2022/01/01", "2024/12/31")):
        dialog.get_by_test_id("datetime-input").nth(place).click()
        page.get_by_placeholder("YYYY/MM/DD").fill(date)
        page.get_by_placeholder("HH:mm").fill("00:00")
        page.keyboard.press("Escape")
        page.get_by_placeholder("YYYY/MM/DD").wait_for(state="hidden")
    # Without this the dialog keeps what is filled in below to itself.
    dialog.get_by_text("Override parameters on existing runs").click()
    dialog.get_by_text("How it runs", exact=True).click()
    dialog.locator("#element_ledger_run").fill("pressed")
    dialog.get_by_text("9 runs will be triggered").wait_for()
    unpause = dialog.get_by_text("Unpause ingest_season on trigger")
    if unpause.is_visible():  # nothing shall begin
        unpause.click()
    page.screenshot(path=tmp_path / "backfill.png")
    dialog.get_by_role("button", name="Run Backfill").click()
    keys = [f"{y}-{s}" for y in (2022, 2023, 2024) for s in ("spring", "summer", "autumn")]

    def made() -> dict[str, dict[str, Any]] | None:
        found = ask(airflow, "/api/v2/dags/ingest_season/dagRuns?limit=200")["dag_runs"]
        pressed = {run["partition_key"]: run for run in found if run["partition_key"] in keys}
        return pressed if len(pressed) == len(keys) else None

    for run in wait(made, "the runs of the backfill").values():
        assert (run["run_type"], run["conf"]["ledger_run"]) == ("backfill", "pressed")
        fail(airflow, "ingest_season", run["dag_run_id"])
