"""What earlier runs of a workspace took: from their records, or summed up from their units."""

from __future__ import annotations

from dataclasses import dataclass

from landcover.errors import LandcoverError
from landcover.ledger import runs, units
from landcover.nouns.estimate import RunSpent
from landcover.nouns.run import Run
from landcover.parts.spent import spent_of
from landcover.recipe import Recipe
from landcover.stores.workspace import Workspace

MOST_RUNS = 8
"""Earlier runs that are fitted, the newest first."""
MOST_SUMMED = 4
"""Of those, the ones whose units are read, because they ended before runs kept their sums."""
ENDED = ("done", "failed")


@dataclass(frozen=True)
class Earlier:
    """An earlier run."""

    spent: RunSpent
    n_workers: int | None
    """Units at a time, as the estimate before it was told; None where nobody told."""


def earlier_runs(workspace: Workspace, run: Run, recipe: Recipe) -> list[Earlier]:
    """List runs that computed something, those of the recipe's name if there are any.

    Args:
        workspace: Where they are recorded; it is only read.
        run: The run that is estimated: its own record is no earlier one.
        recipe: Its recipe.
    """
    same: list[Earlier] = []
    others: list[Earlier] = []
    n_summed = 0
    for document in workspace.records.find("runs", sort=runs.NEWEST_FIRST):
        name = str(document["_id"])
        if name == run.id or document.get("state") not in ENDED or document.get("same_as"):
            continue
        try:
            loaded = runs.read(workspace.records, name)
            if loaded is None:
                continue
            if document.get("spent"):
                spent = RunSpent.from_document(document["spent"])
            elif n_summed < MOST_SUMMED:
                n_summed += 1
                spent = spent_of(workspace, *loaded, units.states(workspace.records, name))
            else:
                continue
        except LandcoverError:  # a run that cannot be read teaches nothing
            continue
        if not spent.stages:
            continue
        told = (document.get("estimate") or {}).get("n_workers")
        is_same = loaded[1].name == recipe.name
        (same if is_same else others).append(Earlier(spent, told))
        if len(same) == MOST_RUNS:
            break
    return (same or others)[:MOST_RUNS]
