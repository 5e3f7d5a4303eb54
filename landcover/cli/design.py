"""``landcover design``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landcover.cli import common, show_json
from landcover.cli.progress import stepping
from landcover.errors import UsageError

if TYPE_CHECKING:
    from landcover.analysis.map_accuracy import Plan


@click.command("design")
@click.argument("map_text", metavar="MAP")
@click.option(
    "--target-error",
    type=click.FloatRange(0, 0.5, min_open=True),
    help="Standard error of the overall accuracy to reach, 0-1 [default: 0.01].",
)
@click.option("--samples", type=click.IntRange(2), help="Points in all, instead.")
@click.option("--per-class", type=click.IntRange(2), help="Points of every class, instead.")
@click.option(
    "--expected",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.8,
    show_default=True,
    help="User's accuracy that is expected of every class, 0-1.",
)
@click.option(
    "--least",
    type=click.IntRange(2),
    default=50,
    show_default=True,
    help="Fewest points of a class, where the number of points is shared by area.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Other points.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False),
    help="Field sheet to write: .kmz, .kml, .geojson or .csv; without it nothing is drawn.",
)
@common
def command(
    map_text: str,
    target_error: float | None,
    samples: int | None,
    per_class: int | None,
    expected: float,
    least: int,
    seed: int,
    out: str | None,
    workspace: str | None,
    as_json: bool,
) -> None:
    """Draw random points of every class of MAP for field work.

    The points are a probability sample, stratified by the classes of the map: label them all,
    whatever the map shows there, and `landcover accuracy` gives accuracy and area with 95 %
    intervals. The sheet says how it was drawn, so leave all but its labels as they are. Fill in
    the column label; in a KML or KMZ the placemark may be renamed to its class instead.

    Example: landcover design map_32630.tif --target-error 0.02 --out points.kmz
    """
    from landcover import api
    from landcover.analysis.map_accuracy import draw_sheet, plan_sample
    from landcover.parts.mapping.map_lookup import find_maps, mapped_hectares
    from landcover.settings import read_settings

    if sum(value is not None for value in (target_error, samples, per_class)) > 1:
        raise UsageError("Give one of --target-error, --samples and --per-class.")
    maps = find_maps(lambda: api.open_workspace(read_settings(workspace=workspace)), map_text)
    plan = plan_sample(
        mapped_hectares(maps),
        standard_error=target_error or 0.01,
        samples=samples,
        per_class=per_class,
        expected_users=expected,
        least=least,
    )
    drawn: dict[int, int] = {}
    if out is not None:
        with stepping("drawing points", quiet=as_json) as progress:
            drawn = draw_sheet(maps, plan, Path(out), seed=seed, tell=progress)
    if as_json:
        show_json(_document(plan, drawn, out))
        return
    _print(plan, drawn)
    if out is not None:
        click.echo(f"\nfield sheet  {out}")


def _document(plan: Plan, drawn: dict[int, int], out: str | None) -> dict[str, Any]:
    return {
        "classes": [
            {
                "code": code,
                "hectares": plan.hectares[code],
                "planned": n,
                "drawn": drawn.get(code, 0),
            }
            for code, n in plan.samples.items()
        ],
        "planned": sum(plan.samples.values()),
        "expected_standard_error": plan.expected_error,
        "sheet": out,
    }


def _print(plan: Plan, drawn: dict[int, int]) -> None:
    click.echo(f"  {'class':>5}{'hectares':>14}{'points':>9}")
    for code, n in plan.samples.items():
        few = f"  only {drawn[code]} pixels" if code in drawn and drawn[code] < n else ""
        click.echo(f"  {code:>5}{plan.hectares[code]:>14,.1f}{n:>9}{few}")
    click.echo(f"  {'all':>5}{sum(plan.hectares.values()):>14,.1f}{sum(plan.samples.values()):>9}")
    click.echo(
        f"standard error of the overall accuracy: {plan.expected_error:.4f}, where the map is as "
        "accurate as expected"
    )
