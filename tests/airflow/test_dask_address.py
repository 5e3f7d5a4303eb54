"""A wrong address of the Dask scheduler is told by ``start``, before anything is begun."""

from __future__ import annotations

import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from landcover import api
from landcover.errors import InputError, UnavailableError
from landcover_airflow import ledger_run
from landcover_airflow.hooks import dask
from landcover_airflow.hooks.dask import DaskHook
from landcover_airflow.outcome import UnitError


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        ("dask://127.0.0.1:9", r"No Dask scheduler answers at tcp://127.0.0.1:9 \(Connection ref"),
        ("dask://:8786", "The Airflow connection 'landcover_dask' has no host: give it the host"),
        ("dask://a b:8786", "Airflow connection 'landcover_dask': expected .*, found 'tcp://a b:"),
        (None, "No Dask scheduler is named: set LANDCOVER_DASK"),
    ],
)
def test_a_wrong_connection_is_told_before_anything_is_begun(
    workspace_folder: Path, monkeypatch: pytest.MonkeyPatch, connection: str | None, said: str
) -> None:
    monkeypatch.delenv("LANDCOVER_DASK", raising=False)
    monkeypatch.delenv("AIRFLOW_CONN_LANDCOVER_DASK", raising=False)
    if connection is not None:
        monkeypatch.setenv("AIRFLOW_CONN_LANDCOVER_DASK", connection)
    context = {
        "params": {"ledger_run": "flanders"},
        "dag_run": SimpleNamespace(dag_id="landcover_map", run_id="first"),
    }
    monkeypatch.setattr(ledger_run, "get_current_context", lambda: context)
    with pytest.raises(UnitError, match=said):
        ledger_run.take_run()
    assert api.open_workspace().records.count_documents("runs") == 0


def test_what_answers_has_to_be_a_scheduler(cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import Client, get_worker

    with Client(cluster) as client:
        worker = client.submit(lambda: get_worker().address, pure=False).result()
    with pytest.raises(InputError, match=f"{worker} is the address of a Dask Worker, not of a"):
        DaskHook(address=worker).require_scheduler()
    with pytest.raises(InputError, match=r"TLS expects.*correct LANDCOVER_DASK or the Airflow"):
        DaskHook(address=cluster.replace("tcp", "tls")).require_scheduler()
    monkeypatch.setattr(dask, "PROBE_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(UnavailableError, match=f"listens at {address}, but no Dask scheduler"):
            DaskHook(address=address).require_scheduler()
