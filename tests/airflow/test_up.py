"""``landcover up``: a real Airflow, its form filled in by a browser, a run, and nothing left."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import airflow_api
import pytest
from unit_gate import Gate

from landcover import api
from landcover.airflow_process import (
    RunningAirflow,
    run_dag,
    start_airflow,
)
from landcover.errors import UsageError
from landcover.execution import COMPUTE, DOWNLOAD
from landcover.ledger import runs, units
from landcover.settings import in_environment, read_settings
from landcover.simulate import SimulatedRegion, simulate

pytestmark = pytest.mark.slow
DAG = "/api/v2/dags/landcover_map"
FROM_THE_FORM = f"{DAG}/dagRuns?run_id_pattern=manual&order_by=-start_date"
"""Runs that Airflow named: other tests of the session name theirs."""
RUN_SECONDS = 600


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> SimulatedRegion:
    return simulate(tmp_path_factory.mktemp("region") / "r", points_per_class=20, seed=3)


def ask(airflow: RunningAirflow, path: str) -> Any:
    headers = {"Authorization": f"Bearer {airflow.token()}"}
    with urlopen(Request(airflow.url + path, headers=headers), timeout=30) as answer:
        return json.load(answer)


def wait_for_run(airflow: RunningAirflow) -> dict[str, Any]:
    deadline = time.monotonic() + RUN_SECONDS
    while time.monotonic() < deadline:
        runs = ask(airflow, FROM_THE_FORM)["dag_runs"]
        if runs and runs[0]["state"] in ("success", "failed"):
            return dict(runs[0])
        time.sleep(2)
    raise AssertionError("the run did not end in time")


def test_the_page_is_not_open_to_everybody(airflow: RunningAirflow) -> None:
    from urllib.error import HTTPError

    with pytest.raises(HTTPError, match="401"):
        urlopen(f"{airflow.url}{DAG}", timeout=10)
    assert (airflow.home / "passwords.json").stat().st_mode & 0o777 == 0o600
    assert airflow.password not in repr(airflow)


def test_the_pools_of_the_lanes_count_what_is_deferred(airflow: RunningAirflow) -> None:
    pools = {pool["name"]: pool for pool in ask(airflow, "/api/v2/pools")["pools"]}
    for name in (DOWNLOAD, COMPUTE):
        assert pools[name]["include_deferred"] is True
        assert pools[name]["slots"] >= 6


def test_a_taken_port_is_named(airflow: RunningAirflow) -> None:
    port = int(airflow.url.rpartition(":")[2])
    with (
        pytest.raises(UsageError, match=f"Port {port} is taken"),
        start_airflow(read_settings(), port),
    ):
        pass


def test_a_map_is_made_from_the_form(
    airflow: RunningAirflow, page: Any, region: SimulatedRegion, tmp_path: Path
) -> None:
    from playwright.sync_api import TimeoutError as PlaywrightTimeout

    page.goto(f"{airflow.url}/dags/landcover_map")
    page.get_by_role("button", name="Trigger").first.click()
    dialog = page.get_by_role("dialog")
    trigger = dialog.get_by_role("button", name="Trigger", exact=True)
    for section in ("Run Parameters", "Region and recipe", "How it runs"):
        dialog.get_by_text(section, exact=True).first.wait_for()
    for name in ("products", "labels", "dem"):
        dialog.locator(f"#element_{name}").wait_for()
    assert dialog.get_by_text("Year of the seasons.").is_visible()
    assert trigger.is_disabled()  # without products there is nothing to map
    dialog.locator("#element_products").fill(str(region.products))
    dialog.locator("#element_labels").fill(str(region.labels))
    dialog.locator("#element_dem").fill(str(region.dem))
    dialog.get_by_text("Region and recipe", exact=True).click()
    dialog.locator("#element_tiles").fill(region.tiles[0])
    dialog.locator("#element_overrides").fill("model.trees=5")
    page.screenshot(path=tmp_path / "form.png")
    trigger.click()
    run = wait_for_run(airflow)
    assert run["state"] == "success"
    assert run["conf"]["tiles"] in (region.tiles[0], [region.tiles[0]])
    assert run["conf"]["overrides"] == ["model.trees=5"]

    instances = ask(airflow, f"{DAG}/dagRuns/{quote(run['dag_run_id'])}/taskInstances?limit=200")
    labels = {
        (ti["task_id"], ti["rendered_map_index"])
        for ti in instances["task_instances"]
        if ti["map_index"] >= 0
    }
    seasons = ("spring", "summer", "autumn")
    prepared = {f"{region.tiles[0]} {region.year}-{season}" for season in seasons}
    assert {label for task, label in labels if task == "prepare.lane"} == prepared
    assert ("classify.classify", region.tiles[0]) in labels

    page.goto(f"{airflow.url}/dags/landcover_map/runs/{quote(run['dag_run_id'])}")
    expand = page.get_by_role("button", name="Expand all task groups").first
    for patience_ms in (20_000, 60_000):  # the page leaves the button out where an answer is late
        page.get_by_text("plan_prepare").first.wait_for()
        try:
            expand.click(timeout=patience_ms)
            break
        except PlaywrightTimeout:
            page.screenshot(path=tmp_path / "no-button.png")
            page.reload()
    else:
        pytest.fail(f"no button to expand the groups, see {tmp_path / 'no-button.png'}")
    page.wait_for_timeout(2000)
    shown = tmp_path / "grid.png"
    page.screenshot(path=shown)
    assert shown.stat().st_size > 10_000
    assert "prepare" in page.content()


def test_page_rest_and_command_line_give_the_same_arguments(
    airflow: RunningAirflow, environment: dict[str, str], region: SimulatedRegion, gate: Gate
) -> None:
    """What was filled in before is told in the two other ways, and a taken name is refused."""
    settings = read_settings({}, workspace=str(airflow.home.parent))

    def written(run: str) -> Any:
        with in_environment(settings):
            found, recipe = runs.load(api.open_workspace(), run)
        return found.arguments, recipe

    conf = {
        "products": str(region.products),
        "labels": str(region.labels),
        "dem": str(region.dem),
        "tiles": region.tiles[0],
        "overrides": ["model.trees=5"],
    }
    by_page = written(ask(airflow, FROM_THE_FORM)["dag_runs"][0]["dag_run_id"])
    airflow_api.trigger(airflow, "landcover_map", "by-rest", conf)
    start_of(airflow, "by-rest", "success")
    assert written("by-rest") == by_page
    # One with work left, so that it is being made for as long as it is held.
    other = conf | {"overrides": ["model.trees=6"]}
    gate.hold("train", "*", "held")
    airflow_api.trigger(airflow, "landcover_map", "held", other)
    airflow_api.wait(lambda: gate.begun("train", "*", "held"), "held: the training", pause=0.1)
    by_rest = written("held")
    told = json.dumps(other | {"tiles": list(region.tiles[:1]), "ledger_run": "held"})
    subprocess.run(
        [sys.executable, "-m", "airflow", "dags", "trigger", "landcover_map", "--run-id",
         "by-words", "--conf", told],
        check=True, capture_output=True, env=environment,
    )  # fmt: skip
    refused = start_of(airflow, "by-words", "failed")
    said = "Run 'held' of the records is being made by 'held' of landcover_map: wait for its"
    assert said in "\n".join(airflow_api.log_of(airflow, refused))
    stop(airflow, "held")
    gate.release()
    airflow_api.clear(airflow, refused, downstream=True)
    start_of(airflow, "by-words", "success")
    stop(airflow, "by-words")
    assert written("held") == by_rest


def start_of(airflow: RunningAirflow, run: str, state: str) -> dict[str, Any]:
    """Wait until the first task of a run has ended so, and give it."""

    def look() -> dict[str, Any] | None:
        first = airflow_api.instances(airflow, "landcover_map", run)["start", ""]
        return first if first["state"] == state else None

    found: dict[str, Any] = airflow_api.wait(look, f"{run}: start {state}")
    return found


def stop(airflow: RunningAirflow, run: str) -> None:
    airflow_api.ask(airflow, f"{DAG}/dagRuns/{run}", {"state": "failed"}, "PATCH")


def test_landcover_run_writes_what_the_scheduler_writes(
    airflow: RunningAirflow, region: SimulatedRegion, tmp_path: Path
) -> None:
    """Its loop stands in for the scheduler: units, states, attempts and bytes are the same."""
    made = ask(airflow, FROM_THE_FORM)["dag_runs"][0]
    by_scheduler = ledger_of(airflow.home.parent, made["dag_run_id"])
    own = read_settings(workspace=str(tmp_path / "own"))
    assert run_dag(own, "without-a-server", made["conf"]) == 0
    assert ledger_of(own.workspace, "without-a-server") == by_scheduler
    assert len(by_scheduler) > 15


def ledger_of(workspace: Path, run_id: str) -> dict[tuple[str, str], tuple[Any, ...]]:
    """Give what a run wrote of each unit; outputs are named by their content.

    Another test of this Airflow may have made an output before: reused is as good as done.
    """
    with in_environment(read_settings(workspace=str(workspace))):
        states = units.states(api.open_workspace().records, run_id)
    return {
        (state.stage, state.unit.id): (
            "done" if state.state == "reused" else state.state,
            state.attempts,
            state.outputs,
        )
        for state in states
    }
