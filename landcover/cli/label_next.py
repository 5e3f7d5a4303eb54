"""``landcover label-next``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from landcover.cli import common, show_json

if TYPE_CHECKING:
    from landcover.nouns.label_priority import LabelPlan

SHOWN = 10


@click.command("label-next")
@click.argument("map_or_run", metavar="MAP|RUN")
@click.option(
    "--points", type=click.IntRange(min=1), default=50, show_default=True, help="Most places."
)
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False),
    help="File to write: .geojson or .kmz, with an empty label to be filled in.",
)
@click.option(
    "--samples",
    metavar="RUN|SAMPLES",
    help="Samples that exist, for a map that is named by its path.",
)
@common
def command(
    map_or_run: str,
    points: int,
    out: str,
    samples: str | None,
    workspace: str | None,
    as_json: bool,
) -> None:
    """Say where new labels would teach the next model most.

    Places are ranked by uncertainty (1 - confidence), share of the class in the map, and distance
    to the nearest sample or better place. The table says what as many samples drawn at random
    would do to the interval of each class's area.

    Example: landcover label-next my-run --points 40 --out next.kmz
    """
    from landcover import api
    from landcover.settings import read_settings

    plan = api.label_next(
        map_or_run,
        points=points,
        out=out,
        samples=samples,
        workspace=api.open_workspace(read_settings(workspace=workspace)),
    )
    if as_json:
        show_json({**plan.to_document(), "file": out})
        return
    _print(plan)
    click.echo(f"\nplaces    {Path(out)}")


def _print(plan: LabelPlan) -> None:
    click.echo(f"{len(plan.points)} places, {plan.n_samples} samples exist")
    click.echo(f"\n  {'rank':>4}{'lon':>12}{'lat':>12}  {'map class':24}{'conf.':>6}{'m away':>9}")
    for point in plan.points[:SHOWN]:
        away = "–" if point.distance_m is None else f"{point.distance_m:.0f}"
        click.echo(
            f"  {point.rank:>4}{point.lon:>12.5f}{point.lat:>12.5f}  {point.name:24}"
            f"{point.confidence:>6.2f}{away:>9}"
        )
    if len(plan.points) > SHOWN:
        click.echo(f"  … {len(plan.points) - SHOWN} more in the file")
    click.echo(
        f"\n  {'class':24}{'mapped ha':>11}{'points':>8}{'new':>5}{'± ha now':>11}{'then':>9}"
    )
    for entry in plan.classes:
        now, then = (
            "–" if half is None else f"{half:.1f}"
            for half in (entry.half_width_ha, entry.expected_ha)
        )
        click.echo(
            f"  {entry.name:24}{entry.mapped_ha:>11.1f}{entry.n_known:>8}{entry.n_new:>5}"
            f"{now:>11}{then:>9}"
        )
    for note in plan.notes:
        click.echo(f"  note: {note}")
