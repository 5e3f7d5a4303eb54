"""The run of the records that a DAG run writes to: told of runs alike, and written by one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG

from landcover import api
from landcover.ledger import claims, runs
from landcover_airflow import dag_runs, ledger_run
from landcover_airflow.groups import tell_same_runs
from landcover_airflow.hooks.dask import DaskHook
from landcover_airflow.operators.stage import StageOperator
from landcover_airflow.outcome import BadInputError


def test_the_same_arguments_twice_get_a_sentence(
    workspace_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    records = api.open_workspace().records
    for name, state, fingerprint in (
        ("one", "running", "f"), ("two", "done", "f"), ("other", "running", "g"),
        ("mine", "running", "f"), ("unknown", "running", None),
    ):  # fmt: skip
        run = {"_id": name, "state": state, "fingerprint": fingerprint, "started": name}
        records.insert_one("runs", run)
    with caplog.at_level("INFO", logger="landcover_airflow"):
        tell_same_runs("mine")
        tell_same_runs("unknown")
        tell_same_runs("other")
    told = [(record.levelname, record.getMessage().split(":")[0]) for record in caplog.records]
    assert told == [
        ("INFO", "Run two had the same recipe, arguments and inputs (done)"),
        ("WARNING", "Run one has the same recipe, arguments and inputs and is running"),
    ]


@pytest.mark.parametrize(
    ("told", "key", "name"),
    [
        (None, None, "manual"),
        (None, "2021-spring", "manual"),
        ("flanders", None, "flanders"),
        ("flanders", "2021-spring", "flanders.2021-spring"),
        ("flanders", "2021-summer", "flanders.2021-summer"),
        ("flanders-2021-spring", "2021-spring", "flanders-2021-spring"),
    ],
)
def test_each_run_of_a_backfill_has_a_name_of_its_own(
    told: str | None, key: str | None, name: str
) -> None:
    dag_run = SimpleNamespace(partition_key=key)
    context: Any = {"params": {"ledger_run": told}, "run_id": "manual", "dag_run": dag_run}
    assert ledger_run.ledger_run_of(context) == name
    lane = StageOperator(task_id="train", stages=["train"], unit="all", unit_label="all")
    lane.render_template_fields(context, DAG("any", schedule=None).get_template_env())
    assert lane.run == name


def test_a_run_of_the_records_is_made_by_one_dag_run_at_a_time(
    workspace_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = {"first": "running"}
    monkeypatch.setattr(dag_runs, "state_of", lambda dag, run: states.get(run))
    monkeypatch.setattr(DaskHook, "require_scheduler", lambda hook: None)

    def take(dag_run: str) -> str:
        context = {
            "params": {"ledger_run": "flanders"},
            "dag_run": SimpleNamespace(dag_id="landcover_map", run_id=dag_run),
        }
        monkeypatch.setattr(ledger_run, "get_current_context", lambda: context)
        return ledger_run.take_run()

    assert take("first") == take("first") == "flanders"  # it is cleared, or tried again
    with pytest.raises(BadInputError, match="'flanders' of the records is being made by 'first' "):
        take("second")
    with monkeypatch.context() as patch:
        patch.setenv("LANDCOVER_RETRY_SECONDS", "soon")  # whichever DAG begins
        with pytest.raises(BadInputError, match="RETRY_SECONDS: expected a number"):
            take("first")
    states["first"] = "failed"
    assert take("second") == "flanders"
    states["second"] = "queued"
    with pytest.raises(BadInputError, match="made by 'second' of landcover_map: wait for its end"):
        take("first")
    workspace = api.open_workspace()
    with (
        claims.claimed(workspace.records, runs.claim_name("flanders")),
        pytest.raises(BadInputError, match="being made by landcover run"),
    ):
        take("second")
