"""Runs whose process died: they and their running units become ``interrupted``.

A process that drives a run holds a claim on it and raises its counter
(:mod:`landcover.ledger.claims`). Who starts a run looks at the others that are said to be running.
Where the owner was a process of this machine that is no more, or its counter has not moved for as
long as claims are waited for, it is dead. Neither the age of a record nor a process id alone says
so. The same command resumes.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from landcover.errors import LandcoverError, UnavailableError
from landcover.ledger import claims, runs, units
from landcover.pipeline.uploads import BegunUpload, abandon_dead, abandon_still, begun_uploads
from landcover.stores.workspace import Workspace

log = logging.getLogger(__name__)


@contextmanager
def owning(
    workspace: Workspace, run_id: str, timing: claims.ClaimTiming | None = None
) -> Iterator[None]:
    """Own a run for the length of the block, and look after those whose owner died.

    Args:
        workspace: Where the runs are.
        run_id: The run that this process drives.
        timing: How often to beat, and after which silence an owner is dead.
    """
    chosen = timing or claims.ClaimTiming()
    workspace.objects.sweep()
    uploads = begun_uploads(workspace)
    with claims.claimed(workspace.records, runs.claim_name(run_id), chosen):
        seen = _claims(workspace, run_id)
        for other, claim in seen.items():
            if claim["owner"] is None or claims.is_dead(claim["owner"]):
                interrupt_run(workspace, other)
        left = abandon_dead(workspace, uploads)
        arguments = (workspace, run_id, seen, left)
        timer = threading.Timer(chosen.stale_seconds, _look_again, arguments)
        timer.daemon = True
        timer.start()
        try:
            yield
        except Exception:
            # What drives the run broke: nobody works on it any more, and its record says so.
            with suppress(LandcoverError, OSError):
                if (workspace.records.get("runs", run_id) or {}).get("state") == "running":
                    interrupt_run(workspace, run_id)
            raise
        finally:
            timer.cancel()
            timer.join()


def interrupt_run(workspace: Workspace, run_id: str) -> None:
    """Write down that the process of a run died: what was running was interrupted."""
    counts: Counter[str] = Counter()
    for state in units.states(workspace.records, run_id):
        if state.state == "running":
            message = f"{state.unit.label}: the process of the run ended; the same command goes on."
            ended = {"state": "interrupted", "error_family": None, "message": message}
            units.save(workspace.records, state.model_copy(update=ended))
            counts["interrupted"] += 1
        else:
            counts[state.state] += 1
    log.warning("run %s: its process ended before it did; it is interrupted", run_id)
    runs.break_off(workspace, run_id, "interrupted", dict(counts))


def _claims(workspace: Workspace, own: str) -> dict[str, Any]:
    """Give the claims on other runs that are said to be running.

    A run without a claim was started from the Airflow page, which looks after it.
    """
    running = workspace.records.find("runs", {"state": "running"})
    others = [str(run["_id"]) for run in running if run["_id"] != own]
    found = {run: claims.last_claim(workspace.records, runs.claim_name(run)) for run in others}
    return {run: claim for run, claim in found.items() if claim is not None}


def _look_again(
    workspace: Workspace, own: str, seen: dict[str, Any], uploads: list[BegunUpload]
) -> None:
    """Interrupt the runs whose counter is where it was, and end such uploads."""
    try:
        abandon_still(workspace, uploads)
        for run, claim in _claims(workspace, own).items():
            before = seen.get(run)
            if before and (claim["_id"], claim["beat"]) == (before["_id"], before["beat"]):
                interrupt_run(workspace, run)
    except UnavailableError as error:
        log.warning("other runs could not be looked at (%s)", error)
