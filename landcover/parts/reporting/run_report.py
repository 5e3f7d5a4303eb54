"""What became of a run: counts, reasons, and whether it has what it was asked for."""

from __future__ import annotations

from collections import Counter
from typing import Any

from landcover.ledger import runs, units
from landcover.nouns.outcome import Outcome
from landcover.nouns.run import UnitState
from landcover.parts.reporting.map_holes import holes_of
from landcover.parts.reporting.outcome import outcome_of
from landcover.parts.reporting.repair import standstills
from landcover.stores.workspace import Workspace


def report_run(workspace: Workspace, run_id: str) -> dict[str, Any]:
    """Sum up a run (:func:`summary_of`) and write its end into its record."""
    summary = summary_of(workspace, run_id)
    outcome = Outcome.from_document({name: summary[name] for name in Outcome.model_fields})
    runs.finish(workspace, run_id, outcome, dict(summary["counts"]))
    return summary


def summary_of(workspace: Workspace, run_id: str) -> dict[str, Any]:
    """Sum up a run; nothing is written.

    Returns:
        ``run``; ``state`` (``done``, ``failed``) and what else :class:`Outcome` tells;
        ``holes`` of the map (:class:`Holes`, each remedy with the ``options`` that make it; None
        where there is no map); ``counts`` by state, ``n_units``, ``troubles`` (one sentence per
        failed or skipped unit), ``outputs`` of the publish stage and ``standstills``, where each
        missing tile came to a stop (:class:`Standstill`).

    Raises:
        UnavailableError: A record is malformed.
    """
    run, recipe = runs.load(workspace, run_id)
    states = units.states(workspace.records, run_id)
    counts: Counter[str] = Counter(state.state for state in states)
    outcome = outcome_of(workspace, run, recipe, states)
    holes = holes_of(workspace, recipe, states)
    return {
        "run": run_id,
        **outcome.to_document(),
        "holes": None if holes is None else holes.to_document(),
        "counts": dict(counts),
        "n_units": len(states),
        "troubles": troubles(states),
        "outputs": [i for s in states if s.stage == "publish" for i in s.outputs],
        "standstills": [
            one.to_document() for one in standstills(run, states, outcome.missing_tiles)
        ],
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
    runs.break_off(workspace, run_id, "cancelled", dict(counts))


def troubles(states: list[UnitState]) -> list[str]:
    """Give one line per unit that failed, was skipped or stopped for a reason of its own.

    A unit that only waited for another one is not repeated.
    """
    told: dict[str, None] = {}
    for state in states:
        if state.state in ("failed", "skipped", "cancelled", "interrupted") and state.message:
            told[f"{state.stage} {state.state}: {state.message}"] = None
    return list(told)
