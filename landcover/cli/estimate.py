"""``landcover estimate``, and how an estimate is shown beside what a run took."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from landcover.cli import common, show_json
from landcover.cli.run_options import given_arguments, run_options
from landcover.nouns.estimate import duration

BASES = {
    "records": "{n} earlier runs",
    "paper": "the paper's times",
    "measured": "a whole tile of ours",
}


@click.command("estimate")
@click.argument("recipe", type=click.Path(exists=True, dir_okay=False))
@run_options
@click.option("--workers", type=int, default=1, help="Units at a time [default: 1].")
@common
def command(recipe: str, workers: int, workspace: str | None, as_json: bool, **options: Any) -> int:
    """Tell what a run with RECIPE will take, and begin nothing.

    The options are those of `landcover run`. The estimate is fitted on earlier runs of the
    workspace, is for empty stores (`landcover run --plan` says what is there already), and has a
    price where the setting LANDCOVER_WORKER_HOUR_PRICE names one.

    Example: landcover estimate recipes/mediterranean-rf.yaml --year 2021 --products products
    --labels labels.geojson --dem dem --workers 4
    """
    from landcover import api
    from landcover.settings import in_environment, read_settings

    settings = read_settings(
        workspace=workspace,
        memory_gb=options.pop("memory_gb"),
        threads=options.pop("threads"),
    )
    with in_environment(settings):
        told = api.estimate(recipe, workers=workers, **given_arguments(options))
    if as_json:
        show_json(told)
    else:
        print_estimate(told)
    return 0


def print_estimate(told: Mapping[str, Any]) -> None:
    """Print an estimate for people."""
    click.echo(f"{told['n_tiles']} tiles, {told['n_products']} products")
    for title, text in lines_of(told):
        click.echo(f"  {title:14} {text}")
    click.echo(f"  {'stage':10}{'units':>6}{'time':>10}  range, and from what")
    for stage, one in told["stages"].items():
        took = one["seconds"]
        basis = BASES[one["basis"]].format(n=one["n_runs"])
        basis = basis.replace("1 earlier runs", "1 earlier run")
        between = f"{duration(took['low'])} to {duration(took['high'])}"
        click.echo(
            f"  {stage:10}{one['units']:>6}{duration(took['value']):>10}  {between}; {basis}"
        )
    for note in told["notes"]:
        click.echo(f"  note: {note}")


def lines_of(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Write the sums of an estimate, a title and a text each."""
    hours, wall, price = told["worker_hours"], told["wall_seconds"], told["price"]
    n = told["n_workers"]
    found = [
        ("to move", f"{told['moved_bytes'] / 1e9:.3g} GB"),
        ("to keep", f"{told['kept_bytes'] / 1e9:.3g} GB"),
        ("worker-hours", _between(hours, lambda value: f"{value:.3g}")),
        ("wall time", f"{_between(wall, duration)} with {n} worker{'s' if n > 1 else ''}"),
        ("memory", f"{told['peak_mb'] / 1e3:.2g} GB of a worker"),
    ]
    return found if price is None else [*found, ("price", _between(price, "{:.3g}".format))]


def _between(span: Mapping[str, float], write: Any) -> str:
    return f"{write(span['value'])} ({write(span['low'])} to {write(span['high'])})"
