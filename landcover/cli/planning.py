"""``landcover run --plan``: what would be computed, and why."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landcover.cli import show_json
from landcover.errors import MissingDataError
from landcover.settings import Settings

if TYPE_CHECKING:
    from landcover.pipeline.dry_run import PlannedStep


def show_plan(
    settings: Settings,
    recipe: str,
    options: dict[str, Any],
    *,
    why: bool,
    as_json: bool,
    is_all: bool = True,
) -> int:
    """Print what a run would do, and compute nothing; ``is_all`` where no run follows.

    Returns:
        The exit code: 1 where a unit would fail.
    """
    planned = _plan(settings, recipe, options)
    if as_json:
        show_json([entry.to_document() for entry in planned])
    else:
        for entry in planned:
            reason = (
                f"  ({'; '.join(entry.why)})"
                if entry.why and (why or entry.action in ("skip", "fail"))
                else ""
            )
            click.echo(f"{entry.action:8} {entry.stage:10} {entry.unit}{reason}")
        n = sum(entry.action in ("compute", "wait") for entry in planned)
        ending = "; nothing was computed" if is_all else ""
        click.echo(f"{n} of {len(planned)} steps to compute or waiting{ending}.")
    return 1 if any(entry.action == "fail" for entry in planned) else 0


def require_inputs(settings: Settings, recipe: str, options: dict[str, Any]) -> None:
    """Refuse a run of one stage, ``--only``, that lacks the inputs of all its units.

    Raises:
        MissingDataError: Nothing can be done; the reason of the first unit.
    """
    only = options["only"]
    planned = _plan(settings, recipe, options)
    if any(step.stage == only and step.action in ("compute", "reuse") for step in planned):
        return
    reasons = [sentence for step in planned if step.action in ("skip", "fail")
               for sentence in step.why]  # fmt: skip
    if reasons:
        raise MissingDataError(reasons[0])


def _plan(settings: Settings, recipe: str, options: dict[str, Any]) -> list[PlannedStep]:
    from landcover import api
    from landcover.pipeline import starting
    from landcover.pipeline.dry_run import dry_run, same_steps
    from landcover.pipeline.up_to_date import find_same_run
    from landcover.stores.overlay import OverlayObjects, OverlayRecords
    from landcover.stores.workspace import Workspace

    resolved, arguments = starting.resolve(recipe, **options)
    # Before the stores are opened: a source that is away is told at once.
    starting.ask_sources(arguments)
    workspace = api.open_workspace(settings)
    same = find_same_run(workspace, resolved, arguments)
    if same is not None:
        return same_steps(workspace, same)
    # The plan leaves nothing behind, no record and no table.
    with tempfile.TemporaryDirectory(prefix="landcover-plan-") as folder:
        objects = OverlayObjects(workspace.objects, Path(folder))
        dry = Workspace(objects, OverlayRecords(workspace.records))
        run = starting.start_run(dry, "plan", resolved, arguments, is_asked=True, is_plan=True)
        return dry_run(dry, run, resolved)
