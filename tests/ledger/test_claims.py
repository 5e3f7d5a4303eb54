"""Of several workers that want the same output, one makes it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from landcover.errors import CancelledError, UnavailableError
from landcover.ledger import claims
from landcover.ledger.claims import COLLECTION, ClaimTiming, claimed
from landcover.stores.records import SqliteRecords

QUICK = ClaimTiming(beat_seconds=0.05, stale_seconds=0.5, look_seconds=0.02)
OUTPUT = "0123456789abcdef"
ELSEWHERE = "otherhost/1/1/abc"
"""An owner whose process cannot be looked for."""


@pytest.fixture
def records(tmp_path):
    return SqliteRecords(tmp_path / "records.sqlite")


def abandon(records, owner=ELSEWHERE):
    claim = {"_id": OUTPUT, "output": OUTPUT, "turn": 0, "owner": owner, "beat": 3}
    records.insert_one(COLLECTION, claim)


def seconds_to_claim(records, pace=QUICK):
    began = time.monotonic()
    with claimed(records, OUTPUT, pace):
        return time.monotonic() - began


def test_the_first_claim_has_the_id_of_the_output(records):
    with claimed(records, OUTPUT, QUICK):
        assert records.get(COLLECTION, OUTPUT)["owner"]
    assert records.get(COLLECTION, OUTPUT)["owner"] is None


def test_a_released_claim_is_had_at_once(records):
    for turn in range(3):
        assert seconds_to_claim(records) < 0.4
        assert records.count_documents(COLLECTION) == turn + 1


def test_it_is_released_after_an_error(records):
    with pytest.raises(ValueError, match="x"), claimed(records, OUTPUT, QUICK):
        raise ValueError("x")
    assert seconds_to_claim(records) < 0.4


def test_outputs_do_not_wait_for_each_other(records):
    with claimed(records, "a", QUICK), claimed(records, "b", QUICK):
        assert records.count_documents(COLLECTION) == 2


def test_an_owner_that_beats_is_waited_for(records):
    entered = threading.Event()
    order = []

    def slow():
        with claimed(records, OUTPUT, QUICK):
            entered.set()
            time.sleep(3 * QUICK.stale_seconds)  # longer than silence would be believed
            order.append("slow")

    thread = threading.Thread(target=slow)
    thread.start()
    entered.wait()
    with claimed(records, OUTPUT, QUICK):
        order.append("second")
    thread.join()
    assert order == ["slow", "second"]


def test_an_owner_that_stopped_is_replaced(records):
    abandon(records)
    assert QUICK.stale_seconds <= seconds_to_claim(records) < 10 * QUICK.stale_seconds


def test_several_watchers_replace_it_once(records):
    abandon(records)
    inside, most = [], []

    def take():
        with claimed(records, OUTPUT, QUICK):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.05)
            inside.pop()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1, 1]


def test_waiting_can_be_stopped(records):
    abandon(records)

    def check():
        raise CancelledError("stopped")

    with pytest.raises(CancelledError), claimed(records, OUTPUT, QUICK, check):
        pass


def test_the_work_goes_on_where_the_claim_cannot_be_renewed(records, monkeypatch):
    def away(*arguments):
        raise UnavailableError("away")

    with claimed(records, OUTPUT, QUICK):
        monkeypatch.setattr(records, "find_one_and_update", away)
        time.sleep(4 * QUICK.beat_seconds)


def _hold(folder, ready):
    with claimed(SqliteRecords(Path(folder) / "records.sqlite"), OUTPUT, QUICK):
        ready.set()
        time.sleep(60)


def test_a_killed_process_of_this_machine_is_not_waited_for(records, tmp_path):
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Event()
    process = spawn.Process(target=_hold, args=(str(tmp_path), ready))
    process.start()
    assert ready.wait(30)
    os.kill(process.pid, signal.SIGKILL)
    long = ClaimTiming(beat_seconds=15, stale_seconds=60, look_seconds=0.02)
    assert seconds_to_claim(records, long) < 10
    process.join()


def test_a_process_that_got_the_number_of_a_dead_owner_is_not_taken_for_it(records):
    """Process numbers come round: what began at another moment is another process."""
    birth = claims._birth(os.getpid())
    assert birth
    host, long = socket.gethostname(), ClaimTiming(stale_seconds=60, look_seconds=0.02)
    abandon(records, f"{host}/{os.getpid()}/{int(birth) - 1}/abc")
    assert seconds_to_claim(records, long) < 10


def test_an_owner_that_lives_is_no_other_process(records):
    host, birth = socket.gethostname(), claims._birth(os.getpid())
    assert not claims.is_dead(f"{host}/{os.getpid()}/{birth}/abc")
    assert claims.is_dead(f"{host}/{os.getpid()}/{int(birth) + 1}/abc")
    assert not claims.is_dead(f"otherhost/{os.getpid()}/{int(birth) + 1}/abc")
