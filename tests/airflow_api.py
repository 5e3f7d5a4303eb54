"""A running Airflow, asked through its REST API."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from landcover.airflow_process import RunningAirflow

SECONDS = 600
"""Longest time that a run is waited for: machines of tests are busy."""


@cache
def token_of(airflow: RunningAirflow) -> str:
    """Log in once: a busy machine takes seconds for it."""
    return airflow.token()


def ask(airflow: RunningAirflow, path: str, body: object = None, method: str | None = None) -> Any:
    """Ask a running Airflow; with a body, tell it something."""
    headers = {"Authorization": f"Bearer {token_of(airflow)}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = Request(airflow.url + path, data, headers, method=method)
    try:
        with urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except HTTPError as error:
        raise AssertionError(f"{path}: {error.read().decode()}") from error


def wait(look: Callable[[], Any], what: str, pause: float = 1.0) -> Any:
    """Wait until something is so, and give it."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(pause)
    raise AssertionError(f"{what}: not in time")


def trigger(airflow: RunningAirflow, dag: str, run: str, conf: dict[str, Any]) -> None:
    """Trigger a run of a DAG."""
    body = {"dag_run_id": run, "conf": conf, "logical_date": None}
    ask(airflow, f"/api/v2/dags/{dag}/dagRuns", body)


def ended(airflow: RunningAirflow, dag: str, run: str) -> str:
    """Wait for the end of a run and give its state."""

    def look() -> Any:
        state = ask(airflow, f"/api/v2/dags/{dag}/dagRuns/{run}")["state"]
        return state if state in ("success", "failed") else None

    return str(wait(look, run))


def instances(airflow: RunningAirflow, dag: str, run: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Give the task instances of a run by task and label."""
    path = f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances?limit=500"
    found = ask(airflow, path)["task_instances"]
    return {(ti["task_id"], ti["rendered_map_index"] or ""): ti for ti in found}


def log_of(airflow: RunningAirflow, instance: dict[str, Any]) -> list[str]:
    """Read the log of a task instance's last try, line by line."""
    path = (
        f"/api/v2/dags/{instance['dag_id']}/dagRuns/{instance['dag_run_id']}/taskInstances/"
        f"{instance['task_id']}/logs/{instance['try_number']}?map_index={instance['map_index']}"
        "&full_content=true"
    )
    content = ask(airflow, path)["content"]
    return [line if isinstance(line, str) else str(line.get("event", "")) for line in content]


def clear(airflow: RunningAirflow, *chosen: dict[str, Any], downstream: bool) -> list[str]:
    """Clear task instances of a run, and give the ids of the tasks that were cleared."""
    tasks = [
        [one["task_id"], one["map_index"]] if one["map_index"] >= 0 else one["task_id"]
        for one in chosen
    ]
    body = {
        "dry_run": False,
        "dag_run_id": chosen[0]["dag_run_id"],
        "task_ids": tasks,
        "include_downstream": downstream,
        "only_failed": False,
        "reset_dag_runs": True,
    }
    found = ask(airflow, f"/api/v2/dags/{chosen[0]['dag_id']}/clearTaskInstances", body)
    return [one["task_id"] for one in found["task_instances"]]
