"""``landcover receipt``."""

from __future__ import annotations

from pathlib import Path

import click

from landcover.cli import common


@click.command("receipt")
@click.argument("map_name", metavar="MAP")
@click.option("--out", type=click.Path(dir_okay=False), help="File to write; standard output else.")
@common
def command(map_name: str, out: str | None, workspace: str | None, as_json: bool) -> int:
    """Write down everything that MAP hangs on.

    MAP is a report, a mosaic or a class map: its id or the beginning of it, a run, `latest`, or its
    path. The receipt is JSON (with or without --json): arguments and recipe of the run, products
    with checksums and baselines, ground truth, model, every step with stage version, inputs and
    checksums, and the versions of the software. `landcover reproduce` makes the map again from it.

    Example: landcover receipt demo/workspace/objects/reports/1f0c.../map_32630.tif --out map.json
    """
    from landcover import api
    from landcover.parts.provenance import find_output, receipt_for
    from landcover.settings import read_settings

    opened = api.open_workspace(read_settings(workspace=workspace))
    receipt = receipt_for(opened, find_output(opened, map_name))
    text = receipt.model_dump_json(indent=1)
    if out is None:
        click.echo(text)
        return 0
    Path(out).write_text(text + "\n", encoding="utf-8")
    if as_json:
        click.echo(text)
    else:
        click.echo(
            f"{out}: {len(receipt.products)} products, {len(receipt.steps)} steps, model "
            f"{receipt.model.id if receipt.model else 'none'}, run {receipt.run}"
        )
    return 0
