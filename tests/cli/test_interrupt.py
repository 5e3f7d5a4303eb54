"""Ctrl-C in the middle of ``landcover run``: one sentence, no orphans, and a rerun goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from landcover import api
from landcover.simulate import simulate

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"


def wait_until(condition: Any, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)


@pytest.mark.slow
def test_ctrl_c_leaves_nothing_running_and_a_rerun_goes_on(
    tmp_path: Path, workspace_folder: Path
) -> None:
    region = simulate(tmp_path / "region", tiles=("30SUF",), pixels=240, points_per_class=10)
    command = [
        sys.executable, "-m", "landcover", "run", str(RECIPE), "--year", str(region.year),
        "--products", str(region.products), "--labels", str(region.labels),
        "--dem", str(region.dem), "--workspace", str(workspace_folder),
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        # A shell's background job ignores Ctrl-C, and so would everything that it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    records = api.open_workspace().records
    family: list[psutil.Process] = []
    try:
        wait_until(lambda: records.count_documents("outputs") > 0)
        family = psutil.Process(process.pid).children(recursive=True)
        assert family
        # What a terminal does: the signal goes to the command's own process group.
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 1
    assert "Stopped." in errors
    assert "Traceback" not in errors
    wait_until(lambda: not any(p.is_running() for p in family), 20)

    run = records.find("runs")[0]
    assert run["state"] == "cancelled"
    assert records.count_documents("units", {"state": "running"}) == 0
    kept = {document["_id"] for document in records.find("outputs")}
    tmp = workspace_folder / "objects" / "tmp"
    assert not tmp.exists() or not list(tmp.iterdir()), "nothing half-made is kept"

    again = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert again.returncode == 0, again.stderr
    assert "map (GeoTIFF)" in again.stdout
    made = {document["_id"] for document in records.find("outputs")}
    assert kept <= made
    last = records.find("runs", sort=["-started"])[0]
    assert last["counts"].get("reused", 0) >= 1, "what existed was found again"
