"""The message at the end of a run: sent once, tried three times, never a reason to fail."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow import sdk
from told import told_by_mail, told_by_webhook

from landcover import api
from landcover.ledger import messages
from landcover_airflow import notifier
from landcover_airflow.notifier import at_end

DAG, RUN = "landcover_map", "monday"
END = f"{DAG}/{RUN}/0"


@pytest.fixture
def ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a DAG does at its ends, and a run whose report wrote a message."""
    monkeypatch.setenv("LANDCOVER_WORKSPACE", str(tmp_path / "w"))
    monkeypatch.setattr(notifier, "PAUSE_SECONDS", 0.01)
    records = api.open_workspace().records
    messages.write(records, END, "failed: 2 failed")
    return at_end()


def context(cleared: int = 0) -> dict[str, Any]:
    dag_run = SimpleNamespace(dag_id=DAG, run_id=RUN, clear_number=cleared)
    return {"dag": sdk.DAG(DAG, schedule=None), "run_id": RUN, "dag_run": dag_run}


def test_a_message_is_sent_once_by_each_way(
    ends: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with told_by_webhook() as web, told_by_mail() as mail:
        monkeypatch.setenv("AIRFLOW_CONN_LANDCOVER_WEBHOOK", web.address)
        monkeypatch.setenv("AIRFLOW_CONN_LANDCOVER_MAIL", mail.address)
        # A later end may be told first: each has its own message.
        ends["on_failure_callback"](context(cleared=1))
        ends["on_failure_callback"](context())
        ends["on_success_callback"](context())
    second, first, third = web.texts
    assert first.startswith("landcover_map monday: failed: 2 failed\n")
    assert first.endswith(f"/dags/{DAG}/runs/{RUN}")
    assert "failed without a report" in second
    assert "nothing to report" in third
    assert "Subject: landcover: landcover_map monday" in mail.texts[0]
    assert "To: a@b.org" in mail.texts[0]
    assert "failed: 2 failed" in mail.texts[1]
    assert len(mail.texts) == 3


@pytest.mark.parametrize(("refusals", "arrived"), [(2, 1), (3, 0)])
def test_three_tries_and_no_more(
    ends: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    refusals: int,
    arrived: int,
) -> None:
    with told_by_webhook() as web:
        web.refusals = refusals
        monkeypatch.setenv("AIRFLOW_CONN_LANDCOVER_WEBHOOK", web.address)
        ends["on_failure_callback"](context())
    assert len(web.texts) == arrived
    assert ("the message was not sent" in caplog.text) is (arrived == 0)


def test_without_a_connection_nothing_is_sent_and_nothing_taken(ends: dict[str, Any]) -> None:
    ends["on_failure_callback"](context())
    assert messages.take(api.open_workspace().records, END) == "failed: 2 failed"
    assert messages.take(api.open_workspace().records, END) is None


def test_records_that_cannot_be_read_are_told(
    ends: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LANDCOVER_WORKSPACE", str(tmp_path / "file"))
    with told_by_webhook() as web:
        monkeypatch.setenv("AIRFLOW_CONN_LANDCOVER_WEBHOOK", web.address)
        ends["on_failure_callback"](context())
    assert "its records cannot be read" in web.texts[0]
