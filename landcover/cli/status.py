"""``landcover status``."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from landcover.cli import common, show_json

if TYPE_CHECKING:
    from landcover.nouns.run import Run, UnitState
    from landcover.parts.reporting.tile_table import TileTable
    from landcover.recipe import Recipe
    from landcover.stores.workspace import Workspace


MOST_LABELS = 8
"""Units that are named for a cause; `--json` names all."""
MOST_ROWS = 40
"""Rows of the table of tiles."""
MOST_TILES = 4
"""Tiles that a row of the table names."""
SECONDS = 2.0
"""Between two looks of `--watch`."""


@click.command("status")
@click.argument("run", required=False)
@click.option("--watch", is_flag=True, help="Look again every two seconds until the run ends.")
@common
def command(run: str | None, watch: bool, workspace: str | None, as_json: bool) -> int:
    """Show what became of a RUN: stage by stage, tile by stage, what was lost and why.

    RUN is its name, the beginning of it, or `latest`, which is meant if none is named. Tiles that
    stand alike share a row, troubled ones come first. Of a run under way it says how long its
    units will still take, one after the other.

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
            if watch:
                click.clear()  # of a terminal; a file or a pipe gets one look after another
            _show(document)
        if not watch or document["state"] != "running":
            return 0
        time.sleep(SECONDS)


def _look(workspace: Workspace, run: str) -> dict[str, Any]:
    from landcover.ledger.runs import estimated, load
    from landcover.ledger.units import states
    from landcover.nouns.estimate import told_beside
    from landcover.nouns.outcome import Outcome
    from landcover.parts.reporting.causes import causes_of
    from landcover.parts.reporting.degraded import degraded_seasons
    from landcover.parts.reporting.map_holes import holes_of
    from landcover.parts.reporting.run_report import troubles
    from landcover.parts.reporting.tile_table import tile_table

    record = workspace.records.get("runs", run) or {}
    loaded, recipe = load(workspace, run)
    units = states(workspace.records, record["_id"])
    by_stage: dict[str, dict[str, int]] = {}
    for stage in dict.fromkeys(unit.stage for unit in units):
        by_stage[stage] = dict(Counter(u.state for u in units if u.stage == stage))
    holes = holes_of(workspace, recipe, units)
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
        "tiles": tile_table(loaded.arguments.tiles, units),
        "estimate": told_beside(*estimated(workspace.records, record["_id"])),
        "left": _left(workspace, loaded, recipe, units) if record["state"] == "running" else None,
        "seconds": round(sum(u.seconds for u in units), 1),
        "peak_mb": max((u.peak_mb for u in units), default=0),
        "accuracy": _accuracy(workspace.records, units),
        "troubles": troubles(units),
        "causes": [{**cause.to_document(), "text": cause.text} for cause in causes_of(units)],
        **outcome,
        "holes": None if holes is None else holes.to_document(),
    }


def _left(workspace: Workspace, run: Run, recipe: Recipe, units: list[UnitState]) -> Any:
    """Give the seconds that units will still take, and the stages nothing is known of; or None."""
    from landcover.pipeline.time_left import earlier_seconds, expected_units, time_left

    left = time_left(units, expected_units(run, recipe), earlier_seconds(workspace.records, run.id))
    return None if left is None else {"seconds": round(left.seconds, 1), "unknown": left.unknown}


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
    if document["left"] is not None:
        from landcover.cli.progress import told_left
        from landcover.pipeline.time_left import TimeLeft

        click.echo(f"  under way{told_left(TimeLeft(**document['left']))}")
    if document["estimate"] is not None:
        click.echo(f"  {document['estimate']['text']}")
    _show_tiles(document["tiles"])
    print_outcome(document)
    if document["accuracy"] is not None:
        click.echo(f"  {document['accuracy']['sentence']}")
    if len(document["causes"]) < len(document["troubles"]):
        for cause in document["causes"]:
            click.echo(f"  ! {cause['text']} ({_named(cause['labels'])})")
        click.echo("  Each unit's own words: --json")
        return
    for trouble in document["troubles"]:
        click.echo(f"  ! {trouble}")


def _show_tiles(table: TileTable) -> None:
    from landcover.parts.reporting.tile_table import shown_rows

    stages, rows = shown_rows(table)
    if not stages:
        return
    named = [(_named(tiles, MOST_TILES), cells) for tiles, cells in rows[:MOST_ROWS]]
    heads = ("tiles", list[str](stages))
    first = max(len(name) for name, _ in (*named, heads))
    widths = [max(len(row[1][i]) for row in (*named, heads)) for i in range(len(stages))]
    for name, cells in (heads, *named):
        told = "  ".join(f"{cell:{width}}" for cell, width in zip(cells, widths, strict=True))
        click.echo(f"  {name:{first}}  {told}".rstrip())
    if len(rows) > MOST_ROWS:
        click.echo(f"  {len(rows) - MOST_ROWS} more rows: --json")


def _named(labels: list[str], most: int = MOST_LABELS) -> str:
    more = f" and {len(labels) - most} more" if len(labels) > most else ""
    return ", ".join(labels[:most]) + more
