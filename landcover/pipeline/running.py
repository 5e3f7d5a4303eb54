"""Run one unit at one stage and write down what became of it."""

from __future__ import annotations

import ctypes
import gc
import logging
import resource
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from landcover.errors import (
    CancelledError,
    DamagedError,
    Family,
    InputError,
    MissingDataError,
    family_of,
    sentence_of,
)
from landcover.ledger import outputs, runs, units
from landcover.nouns.run import State, UnitState
from landcover.nouns.stages import Stage
from landcover.nouns.unit_document import SCHEMA
from landcover.parts.task import Job, Task
from landcover.pipeline.resident import MeanMemory, resident_gb
from landcover.stores.workspace import Workspace

log = logging.getLogger(__name__)
CANCEL_SECONDS = 2.0
_STOPPED = ("cancelled", "failed")


def run_stage(
    workspace: Workspace,
    stage: Stage,
    document: dict[str, Any],
    progress: Callable[[float, str], None] | None = None,
) -> dict[str, Any]:
    """Run one unit at one stage.

    Never raises for what belongs to the unit: the state says what happened, so that a failing
    tile stays in its lane.

    Args:
        workspace: Stores of the project.
        stage: Stage name.
        document: ``schema``, ``run``, ``unit``, ``attempt``, ``memory_gb``, ``threads``.
        progress: Is told the share that is done and what is being done.

    Returns:
        ``unit``, ``state``, ``outputs``, ``seconds``, ``error_family``, ``message``.
    """
    if document.get("schema") != SCHEMA:
        raise InputError(
            f"Unit document: expected schema {SCHEMA}, found {document.get('schema')}."
        )
    run, recipe = runs.load(workspace, document["run"])
    state = units.load(workspace.records, run.id, stage, document["unit"])
    if state is None and not run.includes(stage):
        message = f"{stage} is not part of this run."
        return {
            "unit": document["unit"],
            "state": "skipped",
            "outputs": [],
            "seconds": 0.0,
            "error_family": None,
            "message": message,
        }
    if state is None:
        raise InputError(f"{document['unit']}: was never planned for {stage} in run {run.id}.")
    running = state.model_copy(
        update={"state": "running", "attempts": state.attempts + 1, "message": ""}
    )
    job = Job(
        memory_gb=float(document.get("memory_gb", 1.0)),
        threads=int(document.get("threads", 1)),
        is_cancelled=_watch(workspace, running),
        progress=progress or Job().progress,
        resident_gb=resident_gb,
    )
    task = Task(workspace, run, recipe, state.unit, job)
    units.save(workspace.records, running)
    ended = _work(task, stage, running)
    if ended.state == "cancelled":
        # Who stopped it at its deadline wrote down why.
        now = units.load(workspace.records, run.id, stage, document["unit"])
        if now is not None and now.state == "failed":
            return _outcome(now)
    units.save(workspace.records, ended)
    _tell(ended)
    return _outcome(ended)


def _outcome(state: UnitState) -> dict[str, Any]:
    return {
        "unit": state.unit.id,
        "state": state.state,
        "outputs": list(state.outputs),
        "seconds": state.seconds,
        "error_family": state.error_family,
        "message": state.message,
    }


def _watch(workspace: Workspace, running: UnitState) -> Callable[[], bool]:
    """Say whether somebody ended an attempt, by its record, asked at most every two seconds."""
    asked = time.monotonic()

    def is_cancelled() -> bool:
        nonlocal asked
        if time.monotonic() - asked < CANCEL_SECONDS:
            return False
        asked = time.monotonic()
        now = units.load(workspace.records, running.run, running.stage, running.unit.id)
        # Another worker on the same unit is no reason: claims decide between the two.
        return now is not None and now.state in _STOPPED

    return is_cancelled


def _work(task: Task, stage: Stage, running: UnitState) -> UnitState:
    # The stages import seconds' worth of libraries; who only writes down a loss needs none.
    from landcover.stages.registry import stage_function

    _give_back()
    _reset_peak()
    wall, cpu = time.monotonic(), time.process_time()
    state: State
    family: Family | None = None
    message = ""
    memory = MeanMemory()
    try:
        with threadpool_limits(task.job.threads), memory:
            stage_function(stage)(task)
        state = "reused" if task.n_reused == len(task.made) else "done"
    except MissingDataError as error:
        state, family, message = "skipped", error.family, str(error)
    except CancelledError as error:
        state, family, message = "cancelled", error.family, str(error)
    except Exception as error:
        state, family, message = "failed", family_of(error), sentence_of(error)
        message += _set_aside(task.workspace, error)
        if family == "defect":
            log.error("%s: %s\n%s", task.unit.label, message, traceback.format_exc())
    return running.model_copy(
        update={
            "state": state,
            "error_family": family,
            "message": message,
            "seconds": round(time.monotonic() - wall, 3),
            "cpu_seconds": round(time.process_time() - cpu, 3),
            "peak_mb": round(_peak_mb(), 1),
            "mean_mb": round(memory.mb, 1),
            "outputs": tuple(output.id for output in task.made),
        }
    )


def _set_aside(workspace: Workspace, error: BaseException) -> str:
    """Withdraw the output whose bytes were found damaged; says so."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, DamagedError):
        cause = cause.__cause__
    if cause is None:
        return ""
    owner = outputs.owner_of(workspace, cause.place)
    if owner is None or outputs.withdraw(workspace, owner, str(cause)) is None:
        return ""
    return f" {owner} is set aside now: run the same command again."


def _tell(state: UnitState) -> None:
    level = logging.ERROR if state.state == "failed" else logging.INFO
    why = f": {state.message}" if state.message else ""
    log.log(
        level,
        "%s: %s %s in %.1f s%s",
        state.unit.label,
        state.stage,
        state.state,
        state.seconds,
        why,
    )


def _give_back() -> None:
    """Give the system back what earlier units of this process freed: it is no part of this one.

    The allocators of C and of Arrow keep freed memory for later (measured: 210 MB after a train
    of 70,000 x 72 samples). What is loaded stays: libraries and compiled code.
    """
    gc.collect()
    if "pyarrow" in sys.modules:
        sys.modules["pyarrow"].default_memory_pool().release_unused()
    with suppress(OSError, AttributeError):  # other systems than Linux with glibc have none
        ctypes.CDLL(None).malloc_trim(0)


def _reset_peak() -> None:
    with suppress(OSError):  # Linux: start the high-water mark of this process anew
        Path("/proc/self/clear_refs").write_text("5")


def _peak_mb() -> float:
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def mark_lost(
    workspace: Workspace, stage: Stage, document: dict[str, Any], family: Family, message: str
) -> None:
    """Write down the end of an attempt that could not do so itself: its worker died.

    A unit that ended nevertheless, or that a later attempt works on, keeps its state.

    Args:
        workspace: Stores of the project.
        stage: Stage name.
        document: What the worker was given.
        family: ``memory`` or ``unavailable`` where it was lost, ``cancelled`` where it was stopped.
        message: One sentence.
    """
    state = units.load(workspace.records, document["run"], stage, document["unit"])
    if state is None or state.is_finished or state.attempts > int(document.get("attempt", 1)):
        return
    changes = {
        "state": "cancelled" if family == "cancelled" else "failed",
        "error_family": family,
        "message": message,
    }
    units.save(workspace.records, state.model_copy(update=changes))
