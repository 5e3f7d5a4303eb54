"""``landcover accuracy``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landcover.cli import common, show_json
from landcover.errors import UsageError

if TYPE_CHECKING:
    from landcover.learn.comparison import Comparison
    from landcover.nouns.area import AreaReport, Estimate
    from landcover.nouns.validation import Independent
    from landcover.recipe import Labels

# A recipe has a name and seasons; labels ask for neither.
_LEAST: dict[str, Any] = {
    "name": "labels",
    "seasons": [{"name": "year", "primary_month": 6, "fallback_month": 7}],
}


@click.command("accuracy")
@click.argument("map_text", metavar="MAP")
@click.argument("labels", type=click.Path(exists=True))
@click.option(
    "--design",
    type=click.Choice(["simple-random", "stratified", "unknown"]),
    help="How LABELS were drawn [default: as the field sheet says, else unknown].",
)
@click.option(
    "--strata",
    metavar="MAP",
    help="Map whose classes were the strata of the draw [default: MAP, or the field sheet's].",
)
@click.option("--against", metavar="MAP", help="Tell whether this map is better at the points.")
@click.option("--recipe", type=click.Path(exists=True, dir_okay=False), help="How LABELS are read.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override the recipe.")
@click.option("--out", type=click.Path(dir_okay=False), help="JSON file to write it all to.")
@common
def command(
    map_text: str,
    labels: str,
    design: Any,
    strata: str | None,
    against: str | None,
    recipe: str | None,
    overrides: tuple[str, ...],
    out: str | None,
    workspace: str | None,
    as_json: bool,
) -> None:
    """Assess MAP by the reference points in LABELS.

    MAP is the id of a class map or mosaic or the beginning of it, a run, `latest`, or a GeoTIFF;
    several zones with commas between. LABELS is a field sheet of `landcover design`, or any file of
    labels. Areas and 95 % intervals follow from a probability sample only: for others they are
    refused, and the plain agreement is told.

    Example: landcover accuracy map_32630.tif sheet.csv
    """
    from landcover import api
    from landcover.analysis.map_accuracy import assess, compare_at_points
    from landcover.settings import read_settings

    if strata is not None and design not in (None, "stratified"):
        raise UsageError(f"--strata needs --design stratified, found {design}.")
    design = "stratified" if strata is not None else design
    read = labels_of(recipe, overrides)

    def opens() -> Any:
        return api.open_workspace(read_settings(workspace=workspace))

    found = assess(opens, map_text, Path(labels), read, design=design, strata=strata)
    beside = compare_at_points(opens, map_text, against, Path(labels), read) if against else None
    document = found.to_document() | ({"against": beside._asdict()} if beside is not None else {})
    if out is not None:
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        Path(out).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    if as_json:
        show_json(document)
        return
    _print(found)
    if beside is not None:
        _print_against(beside, map_text, str(against))


def labels_of(recipe: str | None, overrides: tuple[str, ...]) -> Labels:
    """Give the section of a recipe that says how labels are read; the usual one without it."""
    from landcover.recipe import make_recipe, override, read_recipe

    document = read_recipe(recipe).to_document() if recipe else _LEAST
    return make_recipe(override(document, overrides), recipe or "labels").labels


def _print(found: Independent) -> None:
    """Print a judgement for people."""
    report = found.agreement
    click.echo(report.title)
    click.echo(
        f"plain agreement: {report.overall:.3f}, macro F1 {report.macro_f1:.3f}, always the "
        f"commonest class {report.majority_baseline:.3f} ({report.n} points)"
    )
    click.echo(f"  {report.design}")
    width = max(len(entry.name) for entry in report.classes) + 2
    click.echo(f"\n  {'class':{width}}{'user':>8}{'producer':>10}{'map':>7}{'points':>8}")
    for entry in report.classes:
        click.echo(
            f"  {entry.name:{width}}{_share(entry.users):>8}{_share(entry.producers):>10}"
            f"{entry.n_map:>7}{entry.n_reference:>8}"
        )
    if found.area is None:
        click.echo(f"\nno interval and no area: {found.refused}")
    else:
        _print_area(found.area, width)
    for note in report.notes:
        click.echo(f"  note: {note}")


def _print_area(area: AreaReport, width: int) -> None:
    click.echo(f"\nweighted by area: {_estimate(area.overall)} (95 % interval)")
    click.echo(f"  {area.design}")
    head = f"{'user':>16}{'producer':>16}{'map, ' + area.unit:>14}{'area, ' + area.unit:>24}"
    click.echo(f"\n  {'class':{width}}{head}")
    for entry in area.classes:
        size = f"{entry.area.value:,.1f}"
        if entry.area.half_width is not None:
            size += f" ± {entry.area.half_width:,.1f}"
        click.echo(
            f"  {entry.name:{width}}{_estimate(entry.users):>16}{_estimate(entry.producers):>16}"
            f"{entry.mapped_area:>14,.1f}{size:>24}"
        )
    for note in area.notes:
        click.echo(f"  note: {note}")


def _print_against(found: Comparison, first: str, second: str) -> None:
    click.echo(
        f"\n{second}: {found.second:.3f} right, {first}: {found.first:.3f} "
        f"({found.n} points in {found.n_groups} groups)"
    )
    click.echo(
        f"  only the first is right in {found.only_first} groups, only the second in "
        f"{found.only_second}; chance alone would differ so much with p = {found.p_value:.3g}"
    )
    if found.difference is not None:
        low, high = found.difference
        click.echo(f"  difference {low:+.3f} to {high:+.3f} (95 % range over resampled groups)")


def _estimate(value: Estimate | None) -> str:
    if value is None:
        return "–"
    return f"{value.value:.3f}" + ("" if value.half_width is None else f" ± {value.half_width:.3f}")


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
