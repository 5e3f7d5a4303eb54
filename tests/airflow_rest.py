"""Airflow's REST API as an operator uses it: trigger, clear, mark, and look."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

from landcover.airflow_process import RunningAirflow

ENDED = ("success", "failed")


@dataclass
class Rest:
    """Somebody who is logged in."""

    airflow: RunningAirflow
    token: str = field(default="", repr=False)

    def ask(self, path: str, body: object = None, method: str | None = None) -> Any:
        """Ask for a path below ``/api/v2``."""
        self.token = self.token or self.airflow.token()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.airflow.url}/api/v2{path}", data, headers, method=method)
        with urlopen(request, timeout=60) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    def trigger(self, dag: str, run: str, conf: dict[str, Any]) -> None:
        body = {"dag_run_id": run, "logical_date": None, "conf": conf}
        self.ask(f"/dags/{dag}/dagRuns", body)

    def state(self, dag: str, run: str) -> str:
        return str(self.ask(f"/dags/{dag}/dagRuns/{quote(run)}")["state"])

    def runs(self, dag: str, beginning: str = "") -> dict[str, str]:
        """Give run → state of the runs whose names begin so."""
        found = self.ask(f"/dags/{dag}/dagRuns?limit=200")["dag_runs"]
        return {
            run["dag_run_id"]: run["state"]
            for run in found
            if run["dag_run_id"].startswith(beginning)
        }

    def tasks(self, dag: str, run: str) -> list[dict[str, Any]]:
        path = f"/dags/{dag}/dagRuns/{quote(run)}/taskInstances?limit=100"
        found = self.ask(path)
        tasks = list(found["task_instances"])
        while len(tasks) < found["total_entries"]:  # a page has 100 at most, whatever is asked
            tasks += self.ask(f"{path}&offset={len(tasks)}")["task_instances"]
        return tasks

    def clear(self, dag: str, run: str, tasks: list[Any], **how: Any) -> list[tuple[str, int]]:
        """Clear tasks, or pairs of a task and a map index; gives what was cleared."""
        body = {
            "dry_run": False, "dag_run_id": run, "task_ids": tasks, "only_failed": False,
            "reset_dag_runs": True, **how,
        }  # fmt: skip
        found = self.ask(f"/dags/{dag}/clearTaskInstances", body)["task_instances"]
        return [(task["task_id"], task["map_index"]) for task in found]

    def mark_run(self, dag: str, run: str, state: str) -> None:
        self.ask(f"/dags/{dag}/dagRuns/{quote(run)}", {"state": state}, "PATCH")

    def wait_for(self, dag: str, run: str, seconds: float) -> str:
        """Wait until a run has ended, and give its state."""
        until(lambda: self.state(dag, run) in ENDED, seconds, f"the end of {dag} {run}")
        return self.state(dag, run)


def until(is_so: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s for {what}")
        time.sleep(0.5)
