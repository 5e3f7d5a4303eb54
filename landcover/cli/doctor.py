"""``landcover doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from landcover.cli import common, show_json
from landcover.cli.progress import stepping

if TYPE_CHECKING:
    from landcover.nouns.explanation import Explanation

MOST_PAIRS = 5


@click.command("doctor")
@click.argument("model", metavar="RUN|MODEL")
@click.option("--out", type=click.Path(file_okay=False), help="Folder for the page and its files.")
@click.option(
    "--point",
    "points",
    multiple=True,
    metavar="ID",
    help="Explain this held-out point too, if it is misclassified; may be repeated.",
)
@click.option(
    "--rows",
    type=click.IntRange(min=1),
    help="Samples behind the mean Shapley values [default: 240]; of a full-depth forest each "
    "takes about half a second.",
)
@common
def command(
    model: str,
    out: str | None,
    points: tuple[str, ...],
    rows: int | None,
    workspace: str | None,
    as_json: bool,
) -> None:
    """Say which classes a model confuses, in what they differ, and what to do about it.

    RUN is the name of a run or the beginning of it; MODEL is an id or the beginning of it,
    `latest`, or the folder of a model; its samples must be in the workspace. A run with `--until
    explain` or later has explained its model already: that is taken, unless --point or --rows ask
    for more.

    Where independent points (--test-labels) judged the run's map, or any map of the model, their
    confusion stands beside that of the held-out samples, and the points that were missed are
    explained.

    Example: landcover doctor 3f2a --out doctor --point 1207
    """
    from landcover import api
    from landcover.analysis.doctor import visit
    from landcover.settings import read_settings

    settings = read_settings(workspace=workspace)
    with stepping("explaining the model", quiet=as_json) as progress:
        found = visit(
            api.open_workspace(settings),
            model,
            out=None if out is None else Path(out),
            points=points,
            rows=rows,
            threads=settings.threads,
            progress=progress,
        )
    if as_json:
        show_json(found.to_document())
        return
    _print(found, points)
    if out is not None:
        from landcover.publish.doctor import PAGE

        click.echo(f"\npage      {Path(out) / PAGE}")


def _print(found: Explanation, points: tuple[str, ...]) -> None:
    """Print an explanation for people."""
    from landcover.nouns.explanation import ValidatedExplanation

    kind = " SIMULATED" if found.simulated else ""
    right = "" if found.overall is None else f", {100 * found.overall:.1f} % of them right"
    click.echo(f"Model {found.model}{kind}: {found.n_held} held-out samples{right}")
    validated = found.judgement if isinstance(found, ValidatedExplanation) else None
    if validated is not None:
        click.echo(
            f"Run {validated.run}: {100 * validated.overall:.1f} % of {validated.n} independent "
            f"points agree with its map ({validated.design})"
        )
    for number, sentence in enumerate(found.advice, start=1):
        click.echo(f"  {number}. {sentence}")
    if not found.advice:
        click.echo("  Nothing to do: no class is confused or thin.")
    if found.features:
        top = ", ".join(feature.name for feature in found.features[:8])
        click.echo(f"\n  goes by   {top}")
    for pair in found.pairs[:MOST_PAIRS]:
        one, other = (found.class_of(code).title for code in pair.codes)
        distance = "  –  " if pair.distance is None else f"{pair.distance:5.2f}"
        shares = _share(pair.percent)
        if validated is not None:
            there = validated.pair_of(pair.codes)
            used = "points" if there.is_used else "held out"
            shares += f" held out {_share(there.percent)} points (by {used})"
        click.echo(f"  {shares}  JM {distance}  {one}, {other}")
    for point in validated.points[:MOST_PAIRS] if validated else ():
        click.echo(f"\n  Independent: {point.sentence}")
    for point in found.points:
        if point.point in points:
            click.echo(f"\n  {point.sentence}")
    for name in sorted(set(points) - {point.point for point in found.points}):
        click.echo(f"\n  Point {name} is not among the misclassified held-out samples.")
    for note in found.notes:
        click.echo(f"  note: {note}")


def _share(percent: float | None) -> str:
    return "    –  " if percent is None else f"{percent:5.1f} %"
