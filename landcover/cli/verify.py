"""``landcover verify``."""

from __future__ import annotations

import click

from landcover.cli import common, show_json


@click.command("verify")
@click.argument("run", required=False)
@click.option("--keep", is_flag=True, help="Only tell; leave damaged outputs where they are.")
@common
def command(run: str | None, keep: bool, workspace: str | None, as_json: bool) -> int:
    """Read every byte that RUN made (`latest` if none is named) and compare it.

    Damaged outputs are set aside; the command that made the run makes them again. An unchanged
    rerun does not read stored bytes: it compares their sizes only.

    Example: landcover verify --workspace demo/workspace
    """
    from landcover import api
    from landcover.analysis.verification import verify_run
    from landcover.cli.progress import stepping
    from landcover.ledger.lookup import LATEST, find_run
    from landcover.settings import read_settings

    opened = api.open_workspace(read_settings(workspace=workspace))
    run_id = find_run(opened, run or LATEST)
    with stepping(f"reading {run_id}", quiet=as_json) as tell:
        verified = list(verify_run(opened, run_id, withdraw=not keep, progress=tell))
    damaged = {v.output.id: v.damage for v in verified if v.damage}
    n_bytes = sum(v.n_bytes for v in verified)
    if as_json:
        show_json({"run": run_id, "outputs": len(verified), "bytes": n_bytes, "damaged": damaged})
    else:
        click.echo(f"{run_id}: {len(verified)} outputs, {n_bytes / 1e6:,.1f} MB read")
        for output_id, damage in damaged.items():
            click.echo(f"  ! {output_id}: {damage}")
        if any(v.is_aside for v in verified):
            click.echo("They are set aside; the command that made the run makes them again.")
        elif damaged and not keep:
            click.echo("The workspace is read-only here: verify where it can be written to.")
    return 1 if damaged else 0
