"""Measuring as the HRLC deck does: memory over time of a process and those below it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from landcover.bench.as_published import Measured, PublishedRow, measure_as_published
from landcover.bench.memory import MemoryCurve, family_mb
from landcover.bench.processes import Case
from landcover.errors import UsageError

WHAT = Measured("masks", "two sleeps", (PublishedRow("somebody", 906, 21.0),), {"pixels": 1})


def hold(mb: int) -> Callable[[], int]:
    """Hold so much memory in a process below this one for half a second."""
    text = f"a = bytearray({mb} * 2**20); import time; time.sleep(0.8)"
    return lambda: subprocess.run([sys.executable, "-c", text], check=True).returncode


def test_the_average_counts_each_value_as_long_as_it_lasted() -> None:
    curve = MemoryCurve((0.0, 1.0, 4.0), (100.0, 200.0, 500.0))
    assert curve.average_mb == (1 * 100 + 3 * 200) / 4
    assert curve.peak_mb == 500
    assert MemoryCurve().average_mb == 0
    assert MemoryCurve((0.1,), (7.0,)).average_mb == 7


def test_a_process_that_ended_holds_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert family_mb(process.pid) == 0


def test_each_run_is_a_row_and_processes_below_count(tmp_path: Path) -> None:
    cases = [Case(name, f"{__name__}:hold", {"mb": mb}) for name, mb in (("a", 10), ("b", 150))]
    path = str(Path(__file__).parent)
    cases = [Case(c.engine, c.work, c.arguments, {"PYTHONPATH": path}) for c in cases]
    report = measure_as_published(WHAT, cases, 2, tmp_path / "new", lambda share, what: None)
    rows = {row.engine: row for row in report.rows}
    assert list(rows) == ["a, run 1", "b, run 1", "a, run 2", "b, run 2"]
    little, much = rows["a, run 1"], rows["b, run 1"]
    assert 100 < much.cost.peak_mb - little.cost.peak_mb < 200
    assert little.result["average_mb"] <= little.cost.peak_mb
    assert (tmp_path / "new" / "masks-memory.png").read_bytes()[:4] == b"\x89PNG"
    told = "\n".join(report.notes)
    assert "b, run 2: " in told
    assert "somebody (other machine): 906 s, at most 21.0 GB." in told


def test_a_file_is_no_folder_for_curves(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")
    with pytest.raises(UsageError, match="into a folder"):
        measure_as_published(WHAT, [], 1, tmp_path / "f", lambda share, what: None)
