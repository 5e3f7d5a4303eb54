"""Runs and the recipes they were started with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from landcover.errors import AbsentError, InputError
from landcover.ledger import claims
from landcover.ledger.malformed import reading
from landcover.nouns.estimate import RunEstimate, RunSpent
from landcover.nouns.outcome import Outcome
from landcover.nouns.output import hash_of
from landcover.nouns.run import Run
from landcover.recipe import Recipe
from landcover.stores.records import RecordStore
from landcover.stores.workspace import Workspace

NEWEST_FIRST = ("-sequence", "-started")
"""Order of the records of runs: by the number each was given, since a clock may be set back and two
runs begin within its second. Runs of before numbers have only the clock."""


def save(workspace: Workspace, run: Run, recipe: Recipe, *, fingerprint: str | None = None) -> None:
    """Write a run and the resolved recipe: editing the file later changes nothing.

    Args:
        workspace: Where.
        run: The run.
        recipe: Its recipe, resolved.
        fingerprint: Name of everything that decides what the run computes
            (:mod:`landcover.pipeline.up_to_date`); None where it cannot be told.
    """
    records = workspace.records
    records.insert_one("recipes", {"_id": run.recipe_id, "recipe": recipe.to_document()})
    records.replace_one(
        "runs",
        {
            "_id": run.id,
            "run": run.to_document(),
            "state": "running",
            "sequence": records.count_documents("runs") + 1,
            "started": _now(),
            "ended": None,
            "counts": {},
            "fingerprint": fingerprint,
        },
    )


def load(workspace: Workspace, run_id: str) -> tuple[Run, Recipe]:
    """Read a run and its recipe.

    Raises:
        AbsentError: There is no such run.
    """
    found = read(workspace.records, run_id)
    if found is None:
        raise AbsentError(
            f"Run {run_id!r} is unknown in this workspace. Check LANDCOVER_WORKSPACE."
        )
    return found


def read(records: RecordStore, run_id: str) -> tuple[Run, Recipe] | None:
    """Read a run and its recipe from the records; None where there is no such run.

    Raises:
        InputError: Its recipe is gone.
    """
    document = records.get("runs", run_id)
    if document is None:
        return None
    with reading("runs", document):
        run = Run.from_document(document["run"])
    recipe = records.get("recipes", run.recipe_id)
    if recipe is None:
        raise InputError(f"Run {run_id!r}: its recipe {run.recipe_id} is missing from the records.")
    with reading("recipes", recipe):
        return run, Recipe.from_document(recipe["recipe"])


def same_runs(records: RecordStore, run_id: str) -> dict[str, str]:
    """Give the other runs with the same recipe, arguments and inputs, and their states."""
    own = records.get("runs", run_id)
    if own is None or own.get("fingerprint") is None:
        return {}
    found = records.find("runs", {"fingerprint": own["fingerprint"]}, sort=NEWEST_FIRST)
    return {str(run["_id"]): str(run["state"]) for run in found if run["_id"] != run_id}


def claim_name(run_id: str) -> str:
    """Name what the process that drives a run claims."""
    return f"run:{run_id}"


def is_driven(workspace: Workspace, run_id: str) -> bool:
    """Tell whether a living process wrote the record of a run and drives it now."""
    claim = claims.last_claim(workspace.records, claim_name(run_id))
    return claim is not None and claim["owner"] is not None and not claims.is_dead(claim["owner"])


def adopt(workspace: Workspace, run_id: str, other: str) -> None:
    """Write that a run took over all units of another one: nothing of it is to be made."""
    workspace.records.find_one_and_update("runs", {"_id": run_id}, {"same_as": other})


def same_as(records: RecordStore, run_id: str) -> str | None:
    """Give the run whose units a run took over (:func:`adopt`); None where it works itself."""
    found = (records.get("runs", run_id) or {}).get("same_as")
    return None if found is None else str(found)


def finish(workspace: Workspace, run_id: str, outcome: Outcome, counts: dict[str, int]) -> None:
    """Write how a run ended: its state, and what it lacks."""
    told = outcome.to_document()
    changes = {"state": told.pop("state"), "ended": _now(), "counts": counts, "outcome": told}
    workspace.records.find_one_and_update("runs", {"_id": run_id}, changes)


def keep_estimate(workspace: Workspace, run_id: str, estimate: RunEstimate) -> None:
    """Write what a run is expected to take, before it begins."""
    changes = {"estimate": estimate.to_document()}
    workspace.records.find_one_and_update("runs", {"_id": run_id}, changes)


def keep_spent(workspace: Workspace, run_id: str, spent: RunSpent) -> None:
    """Write what a run took."""
    workspace.records.find_one_and_update("runs", {"_id": run_id}, {"spent": spent.to_document()})


def estimated(records: RecordStore, run_id: str) -> tuple[RunEstimate | None, RunSpent | None]:
    """Read what a run was expected to take and what it took; None for what nobody wrote."""
    document = records.get("runs", run_id) or {}
    with reading("runs", document):
        estimate, spent = document.get("estimate"), document.get("spent")
        return (
            None if estimate is None else RunEstimate.from_document(estimate),
            None if spent is None else RunSpent.from_document(spent),
        )


def break_off(
    workspace: Workspace,
    run_id: str,
    state: Literal["cancelled", "interrupted"],
    counts: dict[str, int],
) -> None:
    """Write that somebody stopped a run, or that its process died."""
    changes = {"state": state, "ended": _now(), "counts": counts}
    workspace.records.find_one_and_update("runs", {"_id": run_id}, changes)


def recipe_id(recipe: Recipe) -> str:
    """Name a recipe by its content."""
    return hash_of(recipe.to_document())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
