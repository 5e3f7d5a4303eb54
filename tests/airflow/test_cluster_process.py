"""Child processes of `landcover run`: workers that print much, and an Airflow that breaks."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from landcover.airflow_process import cluster as cluster_process
from landcover.airflow_process.cluster import address_of, start_cluster
from landcover.airflow_process.dag_run import why_broken
from landcover.airflow_process.sessions import end_all
from landcover.settings import read_settings

FAR_MORE_THAN_A_PIPE_HOLDS = 400_000
SECONDS = 60


def _chatter(n: int) -> int:
    print("window done\n" * (n // 12), flush=True)
    return n


def test_a_worker_that_prints_much_goes_on(tmp_path: Path) -> None:
    from distributed import Client

    log = tmp_path / "run.log"
    child = start_cluster(read_settings(workspace=str(tmp_path), threads=1), log, workers=1)
    try:
        address = address_of(child, log)
        with Client(address, set_as_default=False) as client:  # type: ignore[no-untyped-call]
            n = FAR_MORE_THAN_A_PIPE_HOLDS
            assert client.submit(_chatter, n).result(timeout=SECONDS) == n
    finally:
        end_all([child])
    assert "window done" in log.read_text()


def test_a_worker_that_starts_again_slowly_stays_in_the_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine a start takes longer than a cluster of Dask waits by itself."""
    from distributed import Client

    (tmp_path / "slow_start.py").write_text(
        "import time\n\n\ndef dask_setup(worker):\n    time.sleep(4)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("DASK_DISTRIBUTED__DEPLOY__LOST_WORKER_TIMEOUT", "1s")
    monkeypatch.setattr(cluster_process, "PRELOADED", ["slow_start"])
    log = tmp_path / "dask.log"
    child = start_cluster(read_settings(workspace=str(tmp_path), threads=1), log, workers=1)
    try:
        address = address_of(child, log)
        with Client(address, set_as_default=False) as client:  # type: ignore[no-untyped-call]
            (first,) = client.run(os.getpid).values()
            os.kill(first, signal.SIGKILL)
            while client.scheduler_info()["workers"]:
                time.sleep(0.1)
            assert client.submit(_chatter, 1, key="after").result(timeout=SECONDS) == 1
            (second,) = client.run(os.getpid).values()
            assert second != first
    finally:
        end_all([child])


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("sqlite3.OperationalError: database or disk is full\nThe above", "the disk is full. Free"),
        ("OSError: [Errno 28] No space left on device: 'x'", "the disk is full. Free"),
        ("sqlite3.OperationalError: attempt to write a readonly database", "disk is read-only."),
        ("ModuleNotFoundError: No module named 'x'", "did not run the DAG (code 3); its log is"),
    ],
)
def test_why_airflow_broke(tmp_path: Path, log: str, said: str) -> None:
    (tmp_path / "run.log").write_text("line\n" * 50_000 + log + "\nmore\n")
    assert said in why_broken(3, tmp_path / "run.log")


def test_a_log_that_a_full_disk_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run.log").write_text("Traceback (most rec")
    assert "did not run" in why_broken(3, tmp_path / "run.log")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=4096))
    assert f"{tmp_path}: the disk is full." in why_broken(3, tmp_path / "run.log")
