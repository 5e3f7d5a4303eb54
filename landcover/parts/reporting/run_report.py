"""What became of a run: counts, reasons, and whether it has what it was asked for."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

from landcover.errors import InputError
from landcover.ledger import runs, units
from landcover.nouns.estimate import told_beside
from landcover.nouns.outcome import Outcome
from landcover.nouns.run import UnitState
from landcover.parts.reporting.causes import causes_of
from landcover.parts.reporting.map_holes import holes_of
from landcover.parts.reporting.outcome import outcome_of
from landcover.parts.reporting.repair import standstills
from landcover.stores.workspace import Workspace

log = logging.getLogger(__name__)


def report_run(workspace: Workspace, run_id: str) -> dict[str, Any]:
    """Sum up a run (:func:`summary_of`) and write its end into its record."""
    _keep_spent(workspace, run_id)
    summary = summary_of(workspace, run_id)
    outcome = Outcome.from_document({name: summary[name] for name in Outcome.model_fields})
    runs.finish(workspace, run_id, outcome, dict(summary["counts"]))
    return summary


def _keep_spent(workspace: Workspace, run_id: str) -> None:
    """Write what the run took: later estimates are fitted on it, its own is compared with it."""
    # It knows where products come from, which loads numpy: a summary is made without.
    from landcover.parts.spent import spent_of

    try:
        spent = spent_of(
            workspace, *runs.load(workspace, run_id), units.states(workspace.records, run_id)
        )
    except InputError as error:  # sums are no reason to lose a report
        log.warning("What the run took is not kept: %s", error)
        return
    _, earlier = runs.estimated(workspace.records, run_id)
    runs.keep_spent(workspace, run_id, spent.joined(earlier))


def summary_of(workspace: Workspace, run_id: str) -> dict[str, Any]:
    """Sum up a run; nothing is written.

    Returns:
        ``run``; ``state`` (``done``, ``failed``) and what else :class:`Outcome` tells;
        ``holes`` of the map (:class:`Holes`, each remedy with the ``options`` that make it; None
        where there is no map); ``counts`` by state, ``n_units``, ``troubles`` (one sentence per
        failed or skipped unit), ``causes`` of them (:class:`Cause`, each with its ``text``),
        ``outputs`` of the publish stage, ``estimate`` beside what the run took
        (:func:`landcover.nouns.estimate.told_beside`) and ``standstills``, where each missing tile
        came to a stop (:class:`Standstill`).

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
        "causes": [{**cause.to_document(), "text": cause.text} for cause in causes_of(states)],
        "outputs": [i for s in states if s.stage == "publish" for i in s.outputs],
        "estimate": told_beside(*runs.estimated(workspace.records, run_id)),
        "standstills": [
            one.to_document() for one in standstills(run, states, outcome.missing_tiles)
        ],
    }


def cancel_run(workspace: Workspace, run_id: str) -> None:
    """Write down that somebody stopped a run: what was running was cancelled.

    What a worker was writing that had to be killed, because it did not end in time, is removed.
    """
    workspace.objects.sweep()
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
