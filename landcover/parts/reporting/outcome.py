"""Whether a run ended well: what it was asked for, held against what is there.

Steps that were skipped or failed are counted nowhere: a tile that fails early has few of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from landcover.ledger import outputs
from landcover.nouns.outcome import Outcome
from landcover.nouns.run import EMPTY_CELL, Run, UnitState
from landcover.nouns.stages import GROUPS, TABLE
from landcover.parts.reporting.degraded import degraded_seasons
from landcover.recipe import Recipe
from landcover.stores.workspace import Workspace

N_NAMED = 5
"""Most tiles or cells that a sentence names."""


def outcome_of(
    workspace: Workspace, run: Run, recipe: Recipe, states: Sequence[UnitState]
) -> Outcome:
    """Tell how a run ended.

    A run was asked for a map where it has labels, samples or a model and goes on to the mosaic.
    Such a run failed where there is no map, where a cell of it is not there, or where more tiles
    are missing from it than the recipe tolerates. Any run failed whose report or another step of
    the whole run failed, that was broken off, or in which a planned step never ran.

    Args:
        workspace: Where its outputs are.
        run: The run.
        recipe: Its recipe, which says how many tiles may be missing.
        states: What became of its units.

    Raises:
        UnavailableError: A record is malformed.
    """
    reasons = list(_broken(run, states))
    cells: tuple[str, ...] = ()
    if is_asked_for_map(run):
        mapped, cells = _mapped(workspace, states)
        missing = [tile for tile in run.arguments.tiles if tile not in mapped]
        what = "missing from the map"
        if not mapped:
            reasons.insert(0, "There is no map.")
        elif cells:
            reasons.insert(0, f"The map lacks {_listed(cells)}.")
    else:
        failed = {state.unit.tile for state in states if state.state == "failed"}
        missing, what = [tile for tile in run.arguments.tiles if tile in failed], "failed"
    percent = 100 * len(missing) / len(run.arguments.tiles)
    if percent > recipe.tolerance_percent:
        reasons.append(
            f"{len(missing)} of {len(run.arguments.tiles)} tiles {_are(missing)} {what} "
            f"({_listed(missing)}); tolerance_percent is {recipe.tolerance_percent:g}."
        )
    return Outcome(
        state="failed" if reasons else "done",
        reasons=tuple(reasons),
        missing_tiles=tuple(missing),
        missing_percent=round(percent, 2),
        missing_cells=cells,
        degraded=tuple(degraded_seasons(workspace, states)),
    )


def is_asked_for_map(run: Run) -> bool:
    """Tell whether a run was asked for a map."""
    return run.includes("classify") and run.includes("mosaic")


def _broken(run: Run, states: Sequence[UnitState]) -> list[str]:
    """Say which steps that the whole run hangs on did not end."""
    found = []
    if not any(state.is_finished for state in states):
        found.append("Nothing was finished.")
    elif (only := run.arguments.only) and not any(s.is_finished for s in states if s.stage == only):
        found.append(f"No {only} was finished, which is all that was asked for.")
    if any(state.state in ("running", "cancelled", "interrupted") for state in states):
        found.append("It was broken off; the same command goes on.")
    never = _never_ran(states)
    if never:
        found.append(
            f"{len(never)} planned {'step' if len(never) == 1 else 'steps'} never ran "
            f"({_listed(never)}); the same command goes on."
        )
    for state in states:
        is_whole = state.unit.id == "all"
        if is_whole and (state.state == "failed" or _is_stopped(state)):
            found.append(f"{state.stage} {state.state}: {state.message}")
    if run.includes("publish") and not any(
        state.stage == "publish" and (state.is_finished or state.state == "failed")
        for state in states
    ):
        found.append("The report was not written.")
    return found


def _never_ran(states: Sequence[UnitState]) -> list[str]:
    """Name the steps that nothing kept from running: none before them in their lane went wrong."""
    found = []
    by_step = {(state.stage, state.unit.id): state for state in states}
    for state in states:
        if state.state != "planned":
            continue
        stages = GROUPS[TABLE[state.stage].group]
        before = [by_step.get((stage, state.unit.id)) for stage in stages]
        earlier = before[: stages.index(state.stage)]
        if all(one is None or one.is_finished for one in earlier):
            found.append(f"{state.stage} {state.unit.label}")
    return found


def _is_stopped(state: UnitState) -> bool:
    return state.stage == "train" and state.state == "skipped"


def _mapped(workspace: Workspace, states: Sequence[UnitState]) -> tuple[set[str], tuple[str, ...]]:
    """Find the tiles that are in the map, and the cells that are not there."""
    mapped, lacking = set[str](), list[str]()
    for state in (state for state in states if state.stage == "mosaic"):
        if state.state == "skipped" and EMPTY_CELL in state.message:
            continue
        found = [outputs.find(workspace, output_id) for output_id in state.outputs]
        whole = [output for output in found if output is not None]
        if not state.is_finished or not whole or len(whole) < len(found):
            lacking.append(state.unit.label)
        mapped.update(tile for output in whole for tile in output.stats["mapped"])
    return mapped, tuple(lacking)


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - N_NAMED} more" if len(names) > N_NAMED else ""
    return ", ".join(names[:N_NAMED]) + more
