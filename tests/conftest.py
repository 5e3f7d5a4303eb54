"""What every test may ask for: sample data and oracles, found or plainly absent."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, settings
from servers import document_server, s3_server
from xdist.scheduler import LoadFileScheduling

__all__ = ["document_server", "s3_server"]

ROOT = Path(__file__).resolve().parents[1]
# How long an example takes is a matter of the machine, which others may share.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")


def _beside(variable: str, name: str) -> Path | None:
    for folder in (os.environ.get(variable), ROOT.parent / "shared" / name):
        if folder and Path(folder).is_dir():
            return Path(folder)
    return None


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of the real sample data; the test is skipped where it is absent."""
    found = _beside("LANDCOVER_DATA", "data")
    if found is None:
        pytest.skip("real sample data absent: set LANDCOVER_DATA to their folder")
    return found


@pytest.fixture(scope="session")
def spec_dir() -> Path:
    """Folder with the oracles that tests compare with; the test is skipped where it is absent."""
    found = _beside("LANDCOVER_SPEC", "spec")
    if found is None:
        pytest.skip("oracles absent: set LANDCOVER_SPEC to their folder")
    return found


SLOW_FOLDERS = frozenset({"airflow", "bench", "simulate", "stages"})
"""Folders whose tests run whole chains: left out of `make test-fast` unless marked `quick`."""
SERVERS = frozenset({"s3_server", "document_server"})
"""Fixtures that start a server."""


AIRFLOW = "airflow"
"""Folder whose tests share one running Airflow."""


class _FoldersTogether(LoadFileScheduling):
    """Files go to workers whole; those of Airflow to one, which starts it once."""

    def _split_scope(self, nodeid: str) -> str:
        folder = _folder(nodeid)
        return folder if folder == AIRFLOW else str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Share the tests out (the groups of xdist 3.8 do nothing under pytest 9.2)."""
    return _FoldersTogether(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow by its folder and fixtures, and order the tests.

    Airflow comes first: its tests wait for a scheduler while other workers compute. Of the rest
    the quick ones run first.
    """
    for item in items:
        if item.get_closest_marker("quick") is None and (
            _folder(item.nodeid) in SLOW_FOLDERS or SERVERS & set(getattr(item, "fixturenames", ()))
        ):
            item.add_marker(pytest.mark.slow)
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> tuple[bool, bool]:
    return _folder(item.nodeid) != AIRFLOW, item.get_closest_marker("slow") is not None


def pytest_collection_finish() -> None:
    """Take the tests themselves out of every later search for garbage.

    Each unit of a run collects garbage before it starts; thousands of collected tests made that
    0.4 s, in thousands of units.
    """
    gc.collect()
    gc.freeze()


def _folder(nodeid: str) -> str:
    """Name the part of the tests that a test belongs to; `.` for files beside the folders."""
    parts = nodeid.partition("::")[0].split("/")
    return parts[1] if len(parts) > 2 else "."


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out, and how long each part took."""
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped:
        terminalreporter.section("left out on this machine")
        reasons = {str(report.longrepr[2]) for report in skipped}
        for reason in sorted(reasons):
            terminalreporter.line(reason.removeprefix("Skipped: "))
    seconds, tests = _seconds_by_folder(terminalreporter)
    if len(seconds) > 1:
        terminalreporter.section("how long each part took")
        for folder, spent in seconds.most_common():
            terminalreporter.line(f"{spent:8.1f} s  {tests[folder]:5d} tests  tests/{folder}")


def _seconds_by_folder(
    reporter: pytest.TerminalReporter,
) -> tuple[Counter[str], Counter[str]]:
    """Sum seconds (fixtures included; of all workers) and tests by folder."""
    seconds: Counter[str] = Counter()
    tests: Counter[str] = Counter()
    for reports in reporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                folder = _folder(report.nodeid)
                seconds[folder] += report.duration  # type: ignore[assignment]
                tests[folder] += report.when == "call"
    return seconds, tests


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail where nothing may be left out and something was."""
    if not os.environ.get("LANDCOVER_REQUIRE_ALL") or exitstatus:
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = 1


@pytest.fixture
def workspace_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty workspace that the settings name; no other variable of ours is set."""
    for name in list(os.environ):
        if name.startswith("LANDCOVER_") and name not in ("LANDCOVER_DATA", "LANDCOVER_SPEC"):
            monkeypatch.delenv(name)
    folder = tmp_path / "workspace"
    monkeypatch.setenv("LANDCOVER_WORKSPACE", str(folder))
    return folder


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    """No test leaves a variable behind: the next one would work in its workspace."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module", autouse=True)
def _no_thread_stays() -> Iterator[None]:
    """No module leaves a thread behind that would keep a process from ending."""
    before = set(threading.enumerate())
    yield
    ends = time.monotonic() + 5
    while (left := _threads_beyond(before)) and time.monotonic() < ends:
        time.sleep(0.05)
    assert not left, f"threads left behind: {left}"


def _threads_beyond(before: set[threading.Thread]) -> list[str]:
    found = [thread for thread in threading.enumerate() if thread not in before]
    return [thread.name for thread in found if not thread.daemon and thread.is_alive()]


@pytest.fixture(scope="session", autouse=True)
def _nothing_stays() -> Iterator[None]:
    """No test leaves a client of a server or a process behind, however the session ends."""
    yield
    from landcover.stores.mongo import close_clients

    begun = time.monotonic()
    close_clients()
    assert time.monotonic() - begun < 20, "clients of servers that are gone were waited for"
    # What multiprocessing keeps for itself ends with this process.
    left = [
        " ".join(child.cmdline())
        for child in psutil.Process().children(recursive=True)
        if child.is_running() and child.status() != psutil.STATUS_ZOMBIE
    ]
    ours = [line for line in left if "multiprocessing" not in line and line]
    assert not ours, f"processes left behind: {ours}"
