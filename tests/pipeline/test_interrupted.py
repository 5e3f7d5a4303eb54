"""A run whose process died is interrupted, one that lives is left alone, scratch is swept."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from landcover.errors import UnavailableError
from landcover.ledger import claims, units
from landcover.ledger.claims import ClaimTiming
from landcover.nouns.run import Unit, UnitState
from landcover.pipeline.interrupted import owning
from landcover.stores.objects import DirectoryStore
from landcover.stores.records import SqliteRecords
from landcover.stores.workspace import Workspace

QUICK = ClaimTiming(beat_seconds=0.05, stale_seconds=0.6, look_seconds=0.05)
UNIT = Unit(id="30SUF", label="30SUF", tile="30SUF")

OWNER = """
import sys, time
from pathlib import Path
from landcover.ledger.claims import ClaimTiming, claimed
from landcover.stores.objects import DirectoryStore
from landcover.stores.records import SqliteRecords
folder = Path(sys.argv[1])
with claimed(SqliteRecords(folder / "r.sqlite"), "run:theirs", ClaimTiming(beat_seconds=0.05)):
    with DirectoryStore(folder / "objects").publishing("maps/x") as scratch:
        scratch.write_text("half")
        print("ready", flush=True)
        time.sleep(60)
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    opened = Workspace(DirectoryStore(tmp_path / "objects"), SqliteRecords(tmp_path / "r.sqlite"))
    for run in ("theirs", "ours"):
        opened.records.replace_one("runs", {"_id": run, "state": "running", "counts": {}})
    running = UnitState(run="theirs", stage="terrain", unit=UNIT, state="running")
    units.save(opened.records, running)
    units.save(opened.records, running.model_copy(update={"stage": "sample", "state": "done"}))
    return opened


@pytest.fixture
def owner(tmp_path: Path):
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def state_of(workspace: Workspace) -> tuple[str, str, str]:
    run = workspace.records.get("runs", "theirs")
    found = {s.stage: s for s in units.states(workspace.records, "theirs")}
    assert run is not None
    return run["state"], found["terrain"].state, found["sample"].state


def scratch_of(workspace: Workspace) -> list[Path]:
    return list(Path(workspace.objects.address, "tmp").iterdir())


def test_a_process_that_was_killed(workspace: Workspace, owner, tmp_path: Path) -> None:
    assert len(scratch_of(workspace)) == 2  # the file and its lock
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    with owning(workspace, "ours", QUICK):
        assert state_of(workspace) == ("interrupted", "interrupted", "done")
    message = units.states(workspace.records, "theirs", "terrain")[0].message
    assert message == "30SUF: the process of the run ended; the same command goes on."
    assert scratch_of(workspace) == []


def test_a_process_that_lives(workspace: Workspace, owner) -> None:
    with owning(workspace, "ours", QUICK):
        time.sleep(2 * QUICK.stale_seconds)
    assert state_of(workspace) == ("running", "running", "done")
    assert len(scratch_of(workspace)) == 2


def test_an_owner_elsewhere_whose_counter_stands_still(workspace: Workspace) -> None:
    there = "another-machine/1/100/abcdef"
    claim = {"_id": "run:theirs", "output": "run:theirs", "turn": 0, "owner": there, "beat": 7}
    workspace.records.insert_one(claims.COLLECTION, claim)
    with owning(workspace, "ours", QUICK):
        assert state_of(workspace)[0] == "running", "nothing is known yet"
        time.sleep(2 * QUICK.stale_seconds)
    assert state_of(workspace) == ("interrupted", "interrupted", "done")


def test_a_process_id_that_is_used_again(workspace: Workspace, owner) -> None:
    # The claim of a process that began at another moment: the id alone proves nothing.
    host, pid, birth, rest = claims._new_owner().split("/")
    reused = "/".join((host, pid, str(int(birth) - 1), rest))
    assert claims.is_dead(reused)
    assert not claims.is_dead("/".join((host, pid, birth, rest)))


def test_a_run_from_the_airflow_page_is_left_to_airflow(workspace: Workspace) -> None:
    with owning(workspace, "ours", QUICK):
        time.sleep(2 * QUICK.stale_seconds)
    assert state_of(workspace) == ("running", "running", "done")


def test_a_run_whose_airflow_broke_is_left_as_running_by_nobody(workspace: Workspace) -> None:
    with (
        pytest.raises(UnavailableError, match="did not run"),
        owning(workspace, "theirs", QUICK),
    ):
        raise UnavailableError("Airflow did not run the DAG.")
    assert state_of(workspace) == ("interrupted", "interrupted", "done")
