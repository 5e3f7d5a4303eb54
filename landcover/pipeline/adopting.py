"""A run with the inputs of one that is done: it takes over what became of each unit.

A dry run of hundreds of tiles takes minutes. Where a finished run had the same fingerprint and all
its outputs are there, nothing can be stale, and the ledger says so at once.
"""

from __future__ import annotations

from landcover.ledger import runs, units
from landcover.nouns.run import State, UnitState
from landcover.pipeline.up_to_date import is_whole
from landcover.stores.workspace import Workspace

AS_THEY_ARE: tuple[State, ...] = ("skipped", "planned")
"""States that another try gives again, with the same inputs."""


def adopt(workspace: Workspace, run_id: str) -> str | None:
    """Write the units of a run as they are in a finished one with the same inputs.

    Args:
        workspace: Where both are.
        run_id: A run that was started just now.

    Returns:
        The other run; None where there is none, or where a unit of it failed: another try may do
        better.
    """
    records = workspace.records
    name = (records.get("runs", run_id) or {}).get("fingerprint")
    if name is None:
        return None
    where = {"fingerprint": name, "state": "done"}
    for document in records.find("runs", where, sort=runs.NEWEST_FIRST):
        other = str(document["_id"])
        states = [] if other == run_id else units.states(records, other)
        # What stays planned in a run that is done stands behind a step that was skipped.
        if not states or not all(s.is_finished or s.state in AS_THEY_ARE for s in states):
            continue
        if is_whole(workspace, states):
            for state in states:
                units.save(records, _taken(state, run_id))
            runs.adopt(workspace, run_id, other)
            return other
    return None


def _taken(state: UnitState, run_id: str) -> UnitState:
    return UnitState(
        run=run_id,
        stage=state.stage,
        unit=state.unit,
        state="reused" if state.is_finished else state.state,
        error_family=state.error_family,
        message=state.message,
        outputs=state.outputs,
    )
