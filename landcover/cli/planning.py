"""``landcover run --plan``: what would be computed, and why."""

from __future__ import annotations

from typing import Any

import click

from landcover.cli import show_json
from landcover.settings import Settings


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
    from landcover import api
    from landcover.pipeline import starting
    from landcover.pipeline.dry_run import dry_run
    from landcover.stores.overlay import OverlayRecords
    from landcover.stores.workspace import Workspace

    workspace = api.open_workspace(settings)
    resolved, arguments = starting.resolve(recipe, **options)
    # The plan itself leaves no record of a run behind.
    dry = Workspace(workspace.objects, OverlayRecords(workspace.records))
    run = starting.start_run(dry, "plan", resolved, arguments)
    planned = dry_run(dry, run, resolved)
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
