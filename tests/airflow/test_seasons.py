"""Seasons in a real Airflow: a backfill of three years, a late product, a model and its maps."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from landcover import api
from landcover.airflow_process import RunningAirflow
from landcover.ledger import models, runs, units
from landcover.settings import in_environment, read_settings
from landcover.simulate import simulate

pytestmark = pytest.mark.slow
YEARS = (2019, 2020, 2021)
NAMES = ("spring", "summer", "autumn")
KEYS = [f"{year}-{name}" for year in YEARS for name in NAMES]
SECONDS = 1200


class Rest:
    """The REST API of a running Airflow, as its administrator."""

    def __init__(self, airflow: RunningAirflow) -> None:
        self.url, self.token = airflow.url, airflow.token()

    def ask(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        asked = Request(f"{self.url}/api/v2{path}", data, headers, method=method)
        with urlopen(asked, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def refusal(self, path: str, body: object) -> str:
        with pytest.raises(HTTPError, match="400") as caught:
            self.ask("POST", path, body)
        return str(json.loads(caught.value.read())["detail"])

    def runs_of(self, dag: str) -> list[dict[str, Any]]:
        return list(self.ask("GET", f"/dags/{dag}/dagRuns?limit=100&order_by=id")["dag_runs"])

    def tasks_of(self, dag: str, run: str) -> dict[str, str]:
        path = f"/dags/{dag}/dagRuns/{quote(run)}/taskInstances?limit=200"
        found = self.ask("GET", path)["task_instances"]
        return {one["task_id"]: one["state"] for one in found}

    def backfill(
        self, first: str, last: str, reprocess: str, conf: dict[str, Any] | None = None
    ) -> dict[str, str]:
        """Backfill and wait; gives the state of the run of each season that was made."""
        known = {run["dag_run_id"] for run in self.runs_of("ingest_season")}
        body = {
            "dag_id": "ingest_season", "from_date": f"{first}T00:00:00Z",
            "to_date": f"{last}T00:00:00Z", "reprocess_behavior": reprocess, "max_active_runs": 3,
            "dag_run_conf": conf or {},
        }  # fmt: skip
        number = self.ask("POST", "/backfills", body)["id"]
        wait_for(lambda: self.ask("GET", f"/backfills/{number}")["completed_at"], self)
        made = [run for run in self.runs_of("ingest_season") if run["dag_run_id"] not in known]
        return {r["partition_key"]: r["state"] for r in made if r["run_type"] == "backfill"}


def wait_for(look: Callable[[], Any], rest: Rest) -> Any:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(1)
    states = [(r["dag_id"], r["dag_run_id"], r["state"]) for r in rest.runs_of("~")]
    raise AssertionError(f"not in time: {states}")


@pytest.fixture(scope="module")
def late(archive: Path) -> Path:
    """Fill the archive with three years of one tile, and keep one product of a summer back."""
    products = archive / "products"
    products.mkdir()
    for year in YEARS:
        region = simulate(
            archive / str(year), tiles=("30SUF",), year=year, points_per_class=20, seed=3,
            only_usable=True,
        )  # fmt: skip
        for path in region.products.iterdir():
            path.rename(products / path.name)
    region.dem.rename(archive / "dem")
    region.labels.rename(archive / "labels.geojson")
    (held,) = sorted(products.glob("*MSIL2A_202006*"))[:1]
    return held.rename(archive / held.name)


@pytest.fixture(scope="module")
def rest(airflow: RunningAirflow) -> Rest:
    return Rest(airflow)


@pytest.fixture(scope="module")
def workspace(airflow: RunningAirflow) -> Iterator[Any]:
    with in_environment(read_settings({}, workspace=str(airflow.home.parent))):
        yield api.open_workspace()


@pytest.fixture(scope="module")
def nine(rest: Rest, late: Path) -> dict[str, str]:
    """Three years of seasons, by one backfill that tells all of its runs the same name."""
    rest.ask("PATCH", "/dags/ingest_season", {"is_paused": False})
    return rest.backfill("2019-01-01", "2021-12-31", "none", {"ledger_run": "nine"})


def test_it_waits_for_a_person_to_unpause_it(rest: Rest, late: Path) -> None:
    dags = {dag["dag_id"]: dag for dag in rest.ask("GET", "/dags")["dags"]}
    assert rest.ask("GET", "/importErrors")["import_errors"] == []
    assert dags["ingest_season"]["is_paused"]
    assert not dags["landcover_map"]["is_paused"]
    assert rest.runs_of("ingest_season") == []
    assert dags["ingest_season"]["max_active_runs"] == 1


@pytest.mark.parametrize(
    ("dag", "key", "said"),
    [
        ("ingest_season", "2021-winter", "expected a year and one of spring, summer, autumn"),
        ("ingest_season", "2099-spring", "is not over before 2099-05-01"),
        ("ingest_season", None, "Give the season as partition key"),
        ("classify_map", "2021-spring", "expected 2015 to"),
        ("classify_map", "2099", "expected 2015 to"),
    ],
)
def test_a_wrong_key_is_refused_where_it_is_given(
    rest: Rest, dag: str, key: str | None, said: str
) -> None:
    body = {"logical_date": None, "partition_key": key}
    assert said in rest.refusal(f"/dags/{dag}/dagRuns", body)


def test_the_command_line_lists_the_same_nine_seasons(
    environment: dict[str, str], late: Path
) -> None:
    command = ["backfill", "create", "--dag-id", "ingest_season", "--dry-run"]
    done = subprocess.run(
        [sys.executable, "-m", "airflow", *command, "--from-date", "2019-01-01", "--to-date",
         "2021-12-31"],
        capture_output=True, text=True, env=environment,
    )  # fmt: skip
    assert [key for key in KEYS if key in done.stdout] == KEYS, done.stderr
    assert "2018" not in done.stdout


def test_a_backfill_of_three_years_is_nine_runs_with_their_windows(
    rest: Rest, nine: dict[str, str], workspace: Any
) -> None:
    assert nine == dict.fromkeys(KEYS, "success")
    found: set[str] = set()
    for run in rest.runs_of("ingest_season"):
        if run["run_type"] == "backfill" and run["partition_key"] in KEYS:
            assert (run["logical_date"], run["data_interval_start"]) == (None, None)
            found.add(run["partition_key"])
    assert sorted(found) == sorted(KEYS)
    for run_id, key in ((f"nine.{key}", key) for key in found):
        arguments = runs.load(workspace, run_id)[0].arguments
        assert f"{arguments.year}-{arguments.season}" == key
        (made,) = [s for s in units.states(workspace.records, run_id) if s.stage == "composite"]
        assert (made.unit.id, made.state) == (f"30SUF.{key}", "done")
    events = rest.ask("GET", "/assets/events?limit=100")["asset_events"]
    assert sorted(event["partition_key"] for event in events) == sorted(KEYS)


def test_without_a_model_each_year_is_told_once_that_it_waits(
    rest: Rest, nine: dict[str, str]
) -> None:
    def ended() -> list[dict[str, Any]]:
        found = rest.runs_of("classify_map")
        done = [run for run in found if run["state"] in ("success", "failed")]
        return done if len(done) == len(YEARS) else []

    found = wait_for(ended, rest)
    assert {run["partition_key"]: run["state"] for run in found} == dict.fromkeys(
        map(str, YEARS), "success"
    )
    tasks = rest.tasks_of("classify_map", found[0]["dag_run_id"])
    assert (tasks["start"], tasks["report"]) == ("skipped", "skipped")


def test_a_late_product_makes_its_season_and_no_other(
    rest: Rest, nine: dict[str, str], late: Path, archive: Path, workspace: Any
) -> None:
    with pytest.raises(HTTPError, match="4"):
        rest.backfill("2021-06-02", "2021-09-30", "none")  # no season begins in between
    assert rest.backfill("2020-01-01", "2020-12-31", "none") == {}
    assert rest.backfill("2020-01-01", "2020-12-31", "failed") == {}
    late.rename(archive / "products" / late.name)
    again = rest.backfill("2020-01-01", "2020-12-31", "completed")
    assert again == {f"2020-{name}": "success" for name in NAMES}
    newest = {run["partition_key"]: run["dag_run_id"] for run in rest.runs_of("ingest_season")}
    made = {
        name: {state.stage: state.state for state in units.states(
            workspace.records, newest[f"2020-{name}"])}["composite"]
        for name in NAMES
    }  # fmt: skip
    assert made == {"spring": "reused", "summer": "done", "autumn": "reused"}
    told: dict[str, list[str]] = {}
    for event in rest.ask("GET", "/assets/events?limit=100")["asset_events"]:
        told.setdefault(event["source_run_id"], []).append(event["partition_key"])
    assert sorted(told[newest["2020-summer"]]) == [f"2020-{name}" for name in sorted(NAMES)]
    assert told[newest["2020-spring"]] == ["2020-spring"]


def test_an_approval_starts_the_maps_of_the_years_it_names(
    rest: Rest, nine: dict[str, str], workspace: Any
) -> None:
    body = {"logical_date": None, "conf": {"year": 2021}}
    run = rest.ask("POST", "/dags/train_model/dagRuns", body)["dag_run_id"]
    asking = f"/dags/train_model/dagRuns/{quote(run)}/taskInstances/approve"
    wait_for(lambda: rest.tasks_of("train_model", run).get("approve") == "awaiting_input", rest)
    known = {r["dag_run_id"] for r in rest.runs_of("classify_map")}
    assert models.entries(workspace.records, "approved") == []

    def approved() -> bool:
        """Approve as a person does who is asked; Airflow 3.3 may lose an answer and ask again."""
        if rest.tasks_of("train_model", run)["approve"] != "awaiting_input":
            return models.entries(workspace.records, "approved") != []
        if not rest.ask("GET", f"{asking}/-1/hitlDetails")["response_received"]:
            time.sleep(5)  # No person is quicker.
            rest.ask(
                "PATCH",
                f"{asking}/-1/hitlDetails",
                {"chosen_options": ["Approve"],
                 "params_input": {"years": "2021, 2020", "reason": "blocks agree"}},
            )  # fmt: skip
        return False

    wait_for(approved, rest)

    def mapped() -> list[dict[str, Any]]:
        found = [r for r in rest.runs_of("classify_map") if r["dag_run_id"].startswith("approved")]
        return found if len(found) == 2 and all(
            r["state"] in ("success", "failed") for r in found
        ) else []  # fmt: skip

    found = wait_for(mapped, rest)
    assert {r["partition_key"]: r["state"] for r in found} == {
        "2020": "success", "2021": "success",
    }  # fmt: skip
    assert not {r["dag_run_id"] for r in found} & known
    (approved,) = models.entries(workspace.records, "approved")
    assert approved.reason.startswith("blocks agree")
    for run_id in (r["dag_run_id"] for r in found):
        states = units.states(workspace.records, run_id)
        prepared = {s.state for s in states if s.stage == "composite"}
        assert prepared == {"reused"}
        assert [s.state for s in states if s.stage == "publish"] == ["done"]
