"""The estimate that ``start`` writes down, and that one which breaks stops no run."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from landcover import api
from landcover_airflow.estimate import tell_estimate
from landcover_airflow.hooks.dask import DaskHook


def test_an_estimate_that_breaks_is_a_line_in_the_log(
    cluster: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("LANDCOVER_DASK", cluster)

    def broken(run_id: str, *, workers: int) -> Any:
        raise ValueError(f"{run_id} of {workers} workers")

    monkeypatch.setattr(api, "record_estimate", broken)
    n_workers = DaskHook().require_scheduler()
    assert n_workers >= 1
    with caplog.at_level(logging.WARNING):
        tell_estimate("flanders")
    assert f"No estimate of run flanders: ValueError: flanders of {n_workers} w" in caplog.text
    monkeypatch.setenv("LANDCOVER_DASK", "127.0.0.1:9")
    with caplog.at_level(logging.WARNING):
        tell_estimate("flanders")
    assert "No Dask scheduler answers at 127.0.0.1:9" in caplog.text
