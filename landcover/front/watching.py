"""A run while it goes on, as a page shows it: its tiles, and what changed since the last look."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from landcover.front.workspace import open_workspace

if TYPE_CHECKING:
    from landcover.nouns.run import UnitState

OVERLAP = timedelta(seconds=60)
"""What was written this long before the last look is given again: the clocks of workers differ."""


def run_roster(run_id: str) -> dict[str, Any]:
    """List what a run consists of: its stages, its tiles and where they lie.

    Args:
        run_id: Name of the run in the ledger.

    Returns:
        ``run``, ``recipe``, ``year``, ``simulated``, ``stages`` in order, and ``tiles``: of each
        ``tile`` and ``outline``, its corners as longitude and latitude, degrees, EPSG:4326, those
        of a tile on the antimeridian beyond ±180.

    Raises:
        AbsentError: There is no such run.

    Examples:
        >>> from landcover import api
        >>> roster = api.run_roster("demo")
        >>> roster["year"], roster["stages"][:2], len(roster["tiles"][0]["outline"])
        (2021, ['collect', 'mask'], 4)
    """
    from landcover.ledger import runs
    from landcover.nouns.stages import STAGES

    run, recipe = runs.load(open_workspace(), run_id)
    return {
        "run": run.id,
        "recipe": recipe.name,
        "year": run.arguments.year,
        "simulated": run.simulated,
        "stages": [stage for stage in STAGES if run.includes(stage)],
        "tiles": [{"tile": tile, "outline": _corners(tile)} for tile in run.arguments.tiles],
    }


def run_changes(run_id: str, since: str = "") -> dict[str, Any]:
    """Give the state of a run, and its units that changed since an earlier look.

    Args:
        run_id: Name of the run in the ledger.
        since: ``cursor`` of the earlier answer; empty for all units.

    Returns:
        ``state``, ``started``, ``ended`` and ``outcome`` of the run; ``units``, of which some may
        have been given before; ``estimate`` beside what the run took, None where none was made
        (:func:`landcover.nouns.estimate.told_beside`); ``causes``, sentences by the number that
        units carry; ``cursor``.

    Raises:
        AbsentError: There is no such run.
        InputError: The cursor is none of ours.

    Examples:
        >>> from landcover import api
        >>> changes = api.run_changes("demo")
        >>> changes["state"], "classify" in {unit["stage"] for unit in changes["units"]}
        ('done', True)
        >>> api.run_changes("demo", changes["cursor"])["state"]
        'done'
    """
    from landcover.errors import AbsentError
    from landcover.ledger import runs, units
    from landcover.nouns.estimate import told_beside

    workspace = open_workspace()
    record = workspace.records.get("runs", run_id)
    if record is None:
        raise AbsentError(f"Run {run_id!r} is unknown in workspace {workspace.address}.")
    states, cursor = units.changed(workspace.records, run_id, _before(since))
    found = [_row(state) for state in states]
    return {
        **{name: record.get(name) for name in ("state", "started", "ended", "outcome")},
        "units": [row for row, _ in found],
        "estimate": told_beside(*runs.estimated(workspace.records, run_id)),
        "causes": {row["cause"]: text for row, text in found if text},
        "cursor": cursor or since,
    }


def units_of_cause(run_id: str, cause: str) -> list[UnitState]:
    """List the units of a run that were lost for one cause.

    Args:
        run_id: Name of the run in the ledger.
        cause: Number of the cause, as :func:`run_changes` gives it.

    Returns:
        Their states; none where no unit has this cause, or has it no more.

    Examples:
        >>> from landcover import api
        >>> api.units_of_cause("demo", "0f")
        []
    """
    from landcover.ledger import units

    states = units.states(open_workspace().records, run_id)
    return [state for state in states if _row(state)[0]["cause"] == cause]


def _row(state: UnitState) -> tuple[dict[str, Any], str]:
    """Make what a page is told of a unit, and the sentence of its cause; empty without one."""
    from landcover.nouns.output import hash_of
    from landcover.parts.reporting.causes import sentence_of_cause

    sentence = sentence_of_cause(state)
    text = "" if sentence is None else f"{state.stage} {state.state}: {sentence}"
    row = {
        "stage": state.stage,
        "unit": state.unit.id,
        "label": state.unit.label,
        "tile": state.unit.tile,
        "state": state.state,
        "family": state.error_family,
        "message": state.message,
        "attempts": state.attempts,
        "seconds": round(state.seconds, 1),
        "peak_mb": round(state.peak_mb),
        "cause": hash_of(text) if text else None,
    }
    return row, text


def _before(since: str) -> str:
    from landcover.errors import InputError

    if not since:
        return ""
    try:
        return (datetime.fromisoformat(since) - OVERLAP).isoformat(timespec="microseconds")
    except ValueError as error:
        raise InputError(
            f"Cursor {since!r}: expected a moment such as 2026-11-30T23:00:00.000000+00:00. Load "
            "the page again."
        ) from error


def _corners(tile: str) -> list[list[float]]:
    from landcover.tiling.areas import STEPS, footprint

    ring = footprint(tile).exterior.coords
    return [[round(lon, 5), round(lat, 5)] for lon, lat in ring[:-1:STEPS]]
