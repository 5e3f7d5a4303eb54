"""Airflow's own REST API, as a task uses it: to start a run of another DAG for a partition.

The Airflow connection ``landcover_api`` holds address, user and password; it is given by the
environment or a secret store (``AIRFLOW_CONN_LANDCOVER_API``), never by a document.
"""

from __future__ import annotations

import json
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
    url, user, password = _address()
    token = _ask(f"{url}/auth/token", {"username": user, "password": password})["access_token"]
    body = {
        "dag_run_id": run_id,
        "logical_date": None,
        "partition_key": partition_key,
        "conf": conf,
    }
    try:
        _ask(f"{url}/api/v2/dags/{quote(dag_id)}/dagRuns", body, token)
    except _ExistsError:
        return "was started before"
    return "started"


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


def _ask(url: str, body: dict[str, Any], token: str | None = None) -> Any:
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        with urlopen(Request(url, json.dumps(body).encode(), headers), timeout=SECONDS) as answer:
            return json.load(answer)
    except HTTPError as error:
        said = error.read(600).decode(errors="replace")
        if error.code == 409:
            raise _ExistsError from error
        if error.code in (401, 403):
            message = f"Airflow's API at {url} refuses the user of {CONNECTION!r}: {said}"
            raise UsageError(message) from error
        if error.code < 500:
            raise InputError(f"Airflow refuses the run ({error.code}): {said}") from error
        raise UnavailableError(f"Airflow's API answers {error.code}: {said}") from error
    except (URLError, OSError, ValueError) as error:
        raise UnavailableError(f"Airflow's API at {url} does not answer ({error}).") from error
