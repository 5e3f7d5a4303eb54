"""``landcover bench``."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from landcover.cli import common, show_json


@click.command("bench")
@click.argument("name", type=click.Choice(["demo"]))
@click.option("--pixels", default=720, show_default=True, help="Side of each tile, 10 m pixels.")
@click.option("--seed", default=0, show_default=True, help="Seed of the simulated region.")
@common
def command(name: str, pixels: int, seed: int, workspace: str | None, as_json: bool) -> int:
    """Measure: seconds, CPU seconds and peak memory of NAME, stage by stage.

    Example: landcover bench demo
    """
    from landcover.bench.demo import measure

    with tempfile.TemporaryDirectory(prefix="landcover-bench-") as folder:
        found = measure(Path(folder), pixels=pixels, seed=seed)
    if as_json:
        show_json(found)
        return 0
    click.echo(f"two tiles of {pixels} x {pixels} px, three seasons")
    click.echo(f"{'stage':10}{'units':>6}{'seconds':>10}{'CPU s':>9}{'peak MB':>9}")
    for row in found["rows"]:
        click.echo(
            f"{row['stage']:10}{row['units']:>6}{row['seconds']:>10.2f}"
            f"{row['cpu_seconds']:>9.2f}{row['peak_mb']:>9.0f}"
        )
    click.echo(f"simulation {found['simulate_seconds']:.1f} s")
    click.echo(f"first run through Airflow {found['first_seconds']:.1f} s")
    click.echo(
        f"second run {found['second_seconds']:.1f} s, {found['recomputed']} units recomputed"
    )
    return 0
