"""``landcover compare``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landcover.cli import common, show_json
from landcover.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from landcover.analysis.attribution import Limits
    from landcover.nouns.change import ChangeSplit
    from landcover.nouns.comparison import Comparison
    from landcover.stores.workspace import Workspace

    Divide = Callable[[Workspace, str, str], ChangeSplit]


MOST_CHANGES = 5
"""Differences from class to class that are printed; the matrix has all."""


@click.command("compare")
@click.argument("first", metavar="MAP")
@click.argument("second", metavar="MAP|REFERENCE")
@click.option(
    "--legend-map",
    metavar="NAME|FILE",
    help="Classes of the second map's codes: copernicus, worldcover, hrlc, or a CSV or YAML file "
    "with the class of each code [default: the names in its file, else the same codes].",
)
@click.option(
    "--split",
    is_flag=True,
    help="Divide the difference into land, model and input: the first map's model predicts the "
    "second map's composites. Both maps must be of this workspace.",
)
@click.option(
    "--least-clear",
    type=click.IntRange(min=0),
    help="With --split: fewest clear observations of the poorest season for a change of land "
    "[default: 2].",
)
@click.option(
    "--least-swing",
    type=click.FloatRange(0, 1),
    help="With --split: least total variation of the old model's probabilities for a change of "
    "land [default: 0.5].",
)
@click.option("--out", type=click.Path(file_okay=False), help="Folder for tables and pictures.")
@common
def command(
    first: str,
    second: str,
    legend_map: str | None,
    split: bool,
    least_clear: int | None,
    least_swing: float | None,
    out: str | None,
    workspace: str | None,
    as_json: bool,
) -> int:
    """Compare MAP with another map or with a reference, by area.

    A map is an id or the beginning of it, a run, `latest`, or a path; a reference is a raster of
    class codes in any CRS. It is read on the grid of MAP by nearest neighbour, window by window.
    With --out: the agreement matrix (JSON, CSV; hectares, rows are MAP), where they agree (GeoTIFF,
    PNG), a figure with both maps and the composite side by side, and a page. With --split also why
    they differ (CSV, GeoTIFF, PNG): MAP is the older map.

    Example: landcover compare 1f0c worldcover_N39W003.tif --legend-map worldcover --out compared

    Example: landcover compare map-2021 map-2022 --split --out changed
    """
    from landcover import api
    from landcover.analysis.attribution import CAUSE, split_change
    from landcover.analysis.comparison import compare_maps
    from landcover.parts.task import Job
    from landcover.settings import read_settings

    settings = read_settings(workspace=workspace)
    limits = _limits(split, least_clear, least_swing)

    def opened() -> Workspace:
        return api.open_workspace(settings)

    def divide(path: Path | None) -> Divide | None:
        if limits is None:
            return None
        job = Job(memory_gb=settings.memory_gb, threads=settings.threads)
        return partial(split_change, path=path, limits=limits, job=job)

    folder = None if out is None else Path(out)
    if folder is None:
        result = compare_maps(opened, first, second, legend_map, None, divide(None)).result
        files: list[str] = []
    else:
        from landcover.analysis.comparison_files import (
            AGREEMENT,
            all_or_nothing,
            write_comparison,
        )

        with all_or_nothing(folder) as scratch:
            where, split_up = scratch / AGREEMENT, divide(scratch / CAUSE)
            compared = compare_maps(opened, first, second, legend_map, where, split_up)
            result = compared.result
            files = write_comparison(compared, scratch, _title(result))
    if as_json:
        shares = {"agreement": result.agreement, "unmappable": result.unmappable}
        show_json({**shares, **result.to_document()})
    else:
        _print(result)
        for name in files:
            click.echo(f"  {out}/{name}")
    return 0


def _print(result: Comparison) -> None:
    if result.simulated:
        click.echo("SIMULATED DATA: nothing here says anything about a real place.")
    click.echo(
        f"{_percent(result.agreement)} of {result.compared_hectares:,.0f} ha have the same class "
        f"in {result.first} and {result.second} (read by {result.legend})."
    )
    click.echo(f"  {'class':26}{'first ha':>12}{'second ha':>12}{'of first':>10}{'of second':>11}")
    for entry in result.classes:
        click.echo(
            f"  {entry.title:26}{entry.first_hectares:>12,.1f}{entry.second_hectares:>12,.1f}"
            f"{_percent(entry.of_first):>10}{_percent(entry.of_second):>11}"
        )
    click.echo(
        f"  only in the first {result.only_first_hectares:,.1f} ha, only in the second "
        f"{result.only_second_hectares:,.1f} ha"
    )
    for code, hectares in result.dropped_hectares.items():
        click.echo(f"  code {code} of the second is none of the classes: {hectares:,.1f} ha")
    for code, hectares in result.dropped_first_hectares.items():
        click.echo(f"  code {code} of the first is none of the classes: {hectares:,.1f} ha")
    if result.unmappable_hectares:
        click.echo(
            f"  {100 * result.unmappable:.1f} % of the area where both have a code cannot be "
            "compared: one of the codes stands for none of the classes"
        )
    for first, second, hectares in result.changes[:MOST_CHANGES]:
        click.echo(f"  {first} in the first, {second} in the second: {hectares:,.1f} ha")
    for note in result.notes:
        click.echo(f"  {note}")
    if result.split is not None:
        _print_split(result.split)


def _title(result: Comparison) -> str:
    if result.split is not None and result.split.first_run != result.split.second_run:
        return f"{result.split.first_run} and {result.split.second_run}"
    return f"{result.first} and {result.second}"


def _print_split(split: ChangeSplit) -> None:
    click.echo(split.sentence)
    click.echo(f"  {'cause':26}{'pixels':>12}{'ha':>12}{'of change':>11}")
    for cause in split.causes:
        click.echo(
            f"  {cause.title:26}{cause.pixels:>12,}{cause.hectares:>12,.1f}"
            f"{_percent(cause.of_changed):>11}"
        )
    for note in split.notes:
        click.echo(f"  {note}")


def _limits(
    split: bool,
    least_clear: int | None,
    least_swing: float | None,
) -> Limits | None:
    from landcover.analysis.attribution import Limits

    given = {"clear": least_clear, "swing": least_swing}
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if split:
        return Limits(**chosen)
    if chosen:
        raise UsageError("--least-clear and --least-swing go with --split; give it as well.")
    return None


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
