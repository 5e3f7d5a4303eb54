"""``landcover labels``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landcover.cli import common, show_json
from landcover.errors import UsageError

if TYPE_CHECKING:
    from landcover.nouns.label_summary import LabelSummary
    from landcover.recipe import Recipe

MOST_TILES = 20
# A recipe has a name and seasons; labels ask for neither.
_LEAST: dict[str, Any] = {
    "name": "labels",
    "seasons": [{"name": "year", "primary_month": 6, "fallback_month": 7}],
}


@click.command("labels")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True))
@click.option("--recipe", type=click.Path(exists=True, dir_okay=False), help="How they are read.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override the recipe.")
@click.option(
    "--legend",
    type=click.Path(exists=True, dir_okay=False),
    help="YAML with the classes, instead of the recipe's.",
)
@click.option("--tiles", default="", help="Tile ids to be mapped, comma separated [default: all].")
@click.option("--out", type=click.Path(file_okay=False), help="Folder for a page with a map.")
@common
def command(
    files: tuple[str, ...],
    recipe: str | None,
    overrides: tuple[str, ...],
    legend: str | None,
    tiles: str,
    out: str | None,
    workspace: str | None,
    as_json: bool,
) -> None:
    """Count the ground truth in FILES by class, source and tile, and say what is odd about it.

    FILES are label files or folders of them, the most trusted first: CSV, GeoJSON, KML, KMZ,
    shapefile, GeoPackage, GeoParquet or GeoTIFF.

    Example: landcover labels points.csv fields.gpkg --tiles 30SUF,30SVF --out report
    --set labels.field=class
    """
    from landcover.analysis.label_report import PAGE, report_labels
    from landcover.parts.training.ground_truth import with_mappings

    known = with_mappings(_recipe(recipe, overrides, legend))
    folder = None if out is None else Path(out)
    summary = report_labels(
        known.labels,
        ",".join(files),
        seed=known.model.seed,
        tiles=[tile.strip() for tile in tiles.split(",") if tile.strip()],
        out=folder,
    )
    if as_json:
        show_json(summary.to_document())
        return
    _print(summary)
    if folder is not None:
        click.echo(f"\nreport    {folder / PAGE}")


def _recipe(path: str | None, overrides: tuple[str, ...], legend: str | None) -> Recipe:
    import yaml

    from landcover.recipe import make_recipe, override, read_recipe

    document = read_recipe(path).to_document() if path else _LEAST
    if legend is not None:
        try:
            classes = yaml.safe_load(Path(legend).read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise UsageError(
                f"{legend}: not valid YAML ({' '.join(str(error).split())})."
            ) from error
        classes = {"classes": classes} if isinstance(classes, list) else classes
        document = {**document, "labels": {**document.get("labels", {}), "legend": classes}}
    return make_recipe(override(document, overrides), legend or path or "labels")


def _print(summary: LabelSummary) -> None:
    """Print a summary for people."""
    click.echo(f"{summary.points} points in {summary.groups} groups")
    names = [source.name for source in summary.sources]
    several = len(names) > 1
    width = max(len(entry.name) for entry in summary.classes) + 2
    click.echo(f"\n  {'class':{width}}{'points':>9}{'share':>8}{'groups':>9}")
    for entry in summary.classes:
        share = 100 * entry.points / summary.points
        click.echo(f"  {entry.name:{width}}{entry.points:>9}{share:>7.1f}%{entry.groups:>9}")
        for name, points in entry.second.items():
            click.echo(f"    {name:{width - 2}}{points:>9}")
    if several:
        click.echo("\n  source")
        for source in summary.sources:
            click.echo(f"  {source.name:{max(map(len, names)) + 2}}{source.points:>9}")
    click.echo("\n  tile")
    ranked = sorted(summary.tiles, key=lambda tile: (-tile.points, tile.tile))
    for tile in ranked[:MOST_TILES]:
        click.echo(f"  {tile.tile:{width}}{tile.points:>9}")
    if len(ranked) > MOST_TILES:
        rest = sum(tile.points for tile in ranked[MOST_TILES:])
        click.echo(f"  {f'{len(ranked) - MOST_TILES} more':{width}}{rest:>9}")
    click.echo(f"  {'outside':{width}}{summary.outside:>9}")
    if summary.dropped:
        click.echo("\n  left out")
        longest = max(map(len, summary.dropped)) + 2
        for reason, count in summary.dropped.items():
            click.echo(f"  {reason:{longest}}{count:>9}")
    if summary.conflict_places:
        click.echo(f"  places of several classes: {summary.conflict_places}")
    if summary.spacing is not None:
        click.echo(
            f"\n  nearest other point: {summary.spacing.median_m:g} m in the median, "
            f"{summary.spacing.nearest_m:g} m at least"
        )
    for warning in summary.warnings:
        click.echo(f"  ! {warning}")
