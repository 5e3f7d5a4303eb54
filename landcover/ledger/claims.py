"""Claims: of several workers that want the same output, one makes it and the others wait.

The first claim on an output has its id; each later one, after a release or a takeover, the next
turn's. A claim is only ever inserted, and changed by its owner alone.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from landcover.errors import UnavailableError
from landcover.stores.documents import Document
from landcover.stores.records import RecordStore

COLLECTION = "claims"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ClaimTiming:
    """How often an owner shows that it lives, and when the others stop believing it."""

    beat_seconds: float = 15.0
    """Between two beats of an owner."""
    stale_seconds: float = 90.0
    """Without a beat, on the watcher's own clock: the claim may be taken over."""
    look_seconds: float = 1.0
    """Between two looks of one who waits."""


@contextmanager
def claimed(
    records: RecordStore,
    output_id: str,
    pace: ClaimTiming | None = None,
    check: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Hold the claim on an output for the length of the block; wait for it first.

    Who gets it should look again whether the output exists: the one before may have made it. An
    owner that died is replaced. One that was only slow may end beside its successor; that harms
    nothing, since the same id stands for the same bytes.

    Args:
        records: Where claims are kept.
        output_id: The output.
        pace: How often to beat and to look.
        check: Called between looks; raises where the waiting shall end.

    Yields:
        Nothing; the claim is held.
    """
    chosen = pace or ClaimTiming()
    key = _acquire(records, output_id, chosen, check)
    done = threading.Event()
    beating = threading.Thread(
        target=_beat,
        args=(records, key, chosen.beat_seconds, done),
        name=f"claim-{output_id}",
        daemon=True,
    )
    beating.start()
    try:
        yield
    finally:
        done.set()
        beating.join()
        _release(records, key)


def last_claim(records: RecordStore, name: str) -> Document | None:
    """Read the newest claim on something: ``_id``, ``owner`` (None once released), ``beat``."""
    found = records.find(COLLECTION, {"output": name}, sort=["-turn"])
    return found[0] if found else None


def _acquire(
    records: RecordStore, output_id: str, pace: ClaimTiming, check: Callable[[], None]
) -> str:
    owner = _new_owner()
    watched: tuple[str, int] | None = None
    since = time.monotonic()
    while True:
        check()
        last = last_claim(records, output_id)
        if last is not None and last["owner"] is not None:
            now = (last["_id"], last["beat"])
            if now != watched:
                if watched is None or watched[0] != now[0]:
                    log.info("%s: is being made by %s, waiting", output_id, last["owner"])
                watched, since = now, time.monotonic()
            if time.monotonic() - since < pace.stale_seconds and not is_dead(last["owner"]):
                time.sleep(pace.look_seconds)
                continue
            log.warning("%s: taking over from %s, which stopped", output_id, last["owner"])
        # An insert is one step on every server, a change of what was found is not.
        turn = 0 if last is None else last["turn"] + 1
        key = f"{output_id}/{turn}" if turn else output_id
        claim = {"_id": key, "output": output_id, "turn": turn, "owner": owner, "beat": 0}
        if records.insert_one(COLLECTION, claim):
            return key


def _beat(records: RecordStore, key: str, seconds: float, done: threading.Event) -> None:
    beat = 0
    while not done.wait(seconds):
        beat += 1
        try:
            records.find_one_and_update(COLLECTION, {"_id": key}, {"beat": beat})
        except UnavailableError as error:
            log.warning("%s: the claim could not be renewed (%s)", key, error)


def _release(records: RecordStore, key: str) -> None:
    try:
        records.find_one_and_update(COLLECTION, {"_id": key}, {"owner": None})
    except UnavailableError as error:
        # The output is committed or failed for a reason of its own; the claim goes stale.
        log.warning("%s: the claim could not be released (%s)", key, error)


def _new_owner() -> str:
    pid = os.getpid()
    return "/".join((socket.gethostname(), str(pid), _birth(pid), uuid.uuid4().hex[:12]))


def is_dead(owner: str) -> bool:
    """Tell whether an owner was a process of this machine that is no more.

    A process is known by its id and the moment it began: an id that is used again is another one.
    """
    host, pid, birth, _ = owner.split("/")
    return host == socket.gethostname() and bool(birth) and _birth(int(pid)) != birth


def _birth(pid: int) -> str:
    """Give the moment since boot at which a living process began; nothing where there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]  # proc(5): state and starttime
