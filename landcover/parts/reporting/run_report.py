"""What became of a run: counts, reasons, and whether too much of it failed."""

from __future__ import annotations

from collections import Counter
from typing import Any

from landcover.ledger import runs, units
from landcover.nouns.run import UnitState
from landcover.stores.workspace import Workspace


def report_run(workspace: Workspace, run_id: str) -> dict[str, Any]:
    """Sum up a run (:func:`summary_of`) and write its end into its record."""
    summary = summary_of(workspace, run_id)
    runs.finish(workspace, run_id, str(summary["state"]), dict(summary["counts"]))
    return summary


def summary_of(workspace: Workspace, run_id: str) -> dict[str, Any]:
    """Sum up a run; nothing is written.

    Returns:
        ``run``, ``state`` (``done``, ``failed``), ``counts`` by state, ``n_units``,
        ``failed_percent``, ``troubles`` (one sentence per failed or skipped unit) and
        ``outputs`` of the publish stage. The run failed when more units failed than the recipe
        tolerates, when a stage that the whole run hangs on failed, or when a unit was stopped.
    """
    _, recipe = runs.load(workspace, run_id)
    states = units.states(workspace.records, run_id)
    counts: Counter[str] = Counter(state.state for state in states)
    failed_percent = 100 * counts["failed"] / max(1, len(states))
    is_lame = any(s.state == "failed" or _stopped(s) for s in states if s.unit.id == "all")
    nothing = not any(s.is_finished for s in states)
    is_broken_off = any(s.state in ("running", "cancelled") for s in states)
    too_many = failed_percent > recipe.tolerance_percent
    is_failed = is_lame or nothing or is_broken_off or too_many
    return {
        "run": run_id,
        "state": "failed" if is_failed else "done",
        "counts": dict(counts),
        "n_units": len(states),
        "failed_percent": round(failed_percent, 2),
        "troubles": troubles(states),
        "outputs": [i for s in states if s.stage == "publish" for i in s.outputs],
    }


def cancel_run(workspace: Workspace, run_id: str) -> None:
    """Write down that somebody stopped a run: what was running was cancelled."""
    counts: Counter[str] = Counter()
    for state in units.states(workspace.records, run_id):
        if state.state == "running":
            message = f"{state.unit.label}: stopped by a person; the same command goes on."
            stopped = {"state": "cancelled", "error_family": "cancelled", "message": message}
            units.save(workspace.records, state.model_copy(update=stopped))
            counts["cancelled"] += 1
        else:
            counts[state.state] += 1
    runs.finish(workspace, run_id, "cancelled", dict(counts))


def troubles(states: list[UnitState]) -> list[str]:
    """Give one line per unit that failed, was skipped or stopped for a reason of its own.

    A unit that only waited for another one is not repeated.
    """
    told: dict[str, None] = {}
    for state in states:
        if state.state in ("failed", "skipped", "cancelled") and state.message:
            told[f"{state.stage} {state.state}: {state.message}"] = None
    return list(told)


def _stopped(state: UnitState) -> bool:
    return state.stage == "train" and state.state == "skipped"
