"""``landcover status``."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from landcover.cli import common, show_json

if TYPE_CHECKING:
    from landcover.stores.workspace import Workspace


@click.command("status")
@click.argument("run", required=False)
@click.option("--watch", is_flag=True, help="Look again every two seconds until the run ends.")
@common
def command(run: str | None, watch: bool, workspace: str | None, as_json: bool) -> int:
    """Show what became of a RUN, stage by stage.

    RUN is its name, the beginning of it, or `latest`, which is meant if none is named.

    Example: landcover status --workspace demo/workspace
    """
    from landcover import api
    from landcover.ledger.lookup import LATEST, find_run
    from landcover.settings import read_settings

    opened = api.open_workspace(read_settings(workspace=workspace))
    name = find_run(opened, run or LATEST)
    while True:
        document = _look(opened, name)
        if as_json:
            show_json(document)
        else:
            _show(document)
        if not watch or document["state"] != "running":
            return 0
        time.sleep(2)


def _look(workspace: Workspace, run: str) -> dict[str, Any]:
    from landcover.ledger.runs import load
    from landcover.ledger.units import states
    from landcover.nouns.outcome import Outcome
    from landcover.parts.reporting.degraded import degraded_seasons
    from landcover.parts.reporting.run_report import troubles

    record = workspace.records.get("runs", run) or {}
    units = states(workspace.records, record["_id"])
    by_stage: dict[str, dict[str, int]] = {}
    for stage in dict.fromkeys(unit.stage for unit in units):
        by_stage[stage] = dict(Counter(u.state for u in units if u.stage == stage))
    from landcover.parts.reporting.map_holes import holes_of

    holes = holes_of(workspace, load(workspace, run)[1], units)
    if record.get("outcome"):
        outcome = record["outcome"]
    else:  # it is not at its end: what is known so far
        known = Outcome(state="done", degraded=tuple(degraded_seasons(workspace, units)))
        outcome = {k: v for k, v in known.to_document().items() if k != "state"}
    return {
        "run": record["_id"],
        "state": record["state"],
        "started": record["started"],
        "ended": record["ended"],
        "stages": by_stage,
        "seconds": round(sum(u.seconds for u in units), 1),
        "peak_mb": max((u.peak_mb for u in units), default=0),
        "accuracy": _accuracy(workspace.records, units),
        "troubles": troubles(units),
        **outcome,
        "holes": None if holes is None else holes.to_document(),
    }


def _accuracy(records: Any, units: Any) -> dict[str, Any] | None:
    """Give what the map is quoted by; None where there is no map."""
    from landcover.parts.reporting.headline import has_map, headline_in

    return headline_in(records, units).to_document() if has_map(units) else None


def _show(document: dict[str, Any]) -> None:
    from landcover.cli.results import print_outcome
    from landcover.nouns.stages import STAGES

    click.echo(f"{document['run']}: {document['state']} (started {document['started']})")
    for stage in STAGES:
        counts = document["stages"].get(stage)
        if counts:
            told = ", ".join(f"{n} {state}" for state, n in sorted(counts.items()))
            click.echo(f"  {stage:10} {told}")
    print_outcome(document)
    if document["accuracy"] is not None:
        click.echo(f"  {document['accuracy']['sentence']}")
    for trouble in document["troubles"]:
        click.echo(f"  ! {trouble}")
