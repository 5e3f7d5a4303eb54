"""Airflow's own REST API, as a task uses it: to start a run, see pools and write notes.

The Airflow connection ``landcover_api`` holds address, user and password; it is given by the
environment or a secret store (``AIRFLOW_CONN_LANDCOVER_API``), never by a document.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from landcover.errors import InputError, UnavailableError, UsageError

CONNECTION = "landcover_api"
SECONDS = 20.0


def trigger(dag_id: str, run_id: str, partition_key: str, conf: dict[str, Any]) -> str:
    """Start a run of a DAG for a partition; one of this name is left as it is.

    Args:
        dag_id: The DAG.
        run_id: Name of the run: the same for every try.
        partition_key: Its partition.
        conf: Values of its form.

    Returns:
        ``started``, or ``was started before``.

    Raises:
        UsageError: There is no connection, or it lets nobody in.
        InputError: Airflow refuses the run.
        UnavailableError: Airflow does not answer.
    """
    body = {
        "dag_run_id": run_id,
        "logical_date": None,
        "partition_key": partition_key,
        "conf": conf,
    }
    access = log_in()
    try:
        access.post(f"/dags/{quote(dag_id)}/dagRuns", body)
    except _ExistsError:
        return "was started before"
    return "started"


def pools() -> dict[str, bool]:
    """Give the pools of Airflow, and of each whether deferred tasks count in it.

    Raises:
        UsageError: There is no connection, or it lets nobody in.
        UnavailableError: Airflow does not answer.
    """
    found = log_in().get("/pools?limit=100")["pools"]
    return {pool["name"]: bool(pool["include_deferred"]) for pool in found}


@dataclass(frozen=True)
class Access:
    """What the user of the connection may do; paths begin behind ``/api/v2``."""

    url: str
    token: str

    def get(self, path: str) -> Any:
        """Read."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Make something."""
        return self._ask("POST", path, body)

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        """Change something."""
        return self._ask("PATCH", path, body)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        return _ask(method, f"{self.url}/api/v2{path}", body, self.token)


def log_in() -> Access:
    """Log in as the user of the connection.

    Raises:
        UsageError: There is no connection, or it lets nobody in.
        UnavailableError: Airflow does not answer.
    """
    url, user, password = _address()
    who = {"username": user, "password": password}
    return Access(url, _ask("POST", f"{url}/auth/token", who)["access_token"])


class _ExistsError(Exception):
    """A run of this name is there."""


def _address() -> tuple[str, str, str]:
    try:
        found = Connection.get(CONNECTION)
    except AirflowNotFoundException as error:
        raise UsageError(
            f"No Airflow connection {CONNECTION!r}: set AIRFLOW_CONN_LANDCOVER_API to the address "
            "of the REST API with a user that may trigger DAGs (docs/operations.md#approval)."
        ) from error
    scheme = found.schema or ("https" if found.conn_type == "https" else "http")
    port = f":{found.port}" if found.port else ""
    return f"{scheme}://{found.host}{port}", str(found.login), str(found.password)


def _ask(method: str, url: str, body: dict[str, Any] | None, token: str | None = None) -> Any:
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(url, data, headers, method=method), timeout=SECONDS) as answer:
            return json.load(answer)
    except HTTPError as error:
        said = error.read(600).decode(errors="replace")
        if error.code == 409:
            raise _ExistsError from error
        if error.code in (401, 403):
            message = f"Airflow's API at {url} refuses the user of {CONNECTION!r}: {said}"
            raise UsageError(message) from error
        if error.code < 500:
            raise InputError(f"Airflow refuses {method} {url} ({error.code}): {said}") from error
        raise UnavailableError(f"Airflow's API answers {error.code}: {said}") from error
    except (URLError, OSError, ValueError) as error:
        raise UnavailableError(f"Airflow's API at {url} does not answer ({error}).") from error
