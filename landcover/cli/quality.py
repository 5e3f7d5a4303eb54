"""``landcover quality``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landcover.cli import common, show_json
from landcover.cli.progress import stepping
from landcover.errors import UsageError

if TYPE_CHECKING:
    from landcover.analysis.readiness import Readiness
    from landcover.publish.quality import TileQuality

MOST_TOLD = 60
"""Rows of the table on a terminal; files hold them all."""


@click.command("quality")
@click.argument("region")
@click.option(
    "--recipe", required=True, type=click.Path(exists=True, dir_okay=False), help="Recipe file."
)
@click.option("--year", type=int, required=True, help="Year of the seasons.")
@click.option("--products", required=True, metavar="FOLDER|ADDRESS", help="As for `landcover run`.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override the recipe.")
@click.option(
    "--out", type=click.Path(file_okay=False), help="Folder for GeoJSON, PNG, HTML, JSON and CSV."
)
@click.option(
    "--quicklook",
    "--plate",
    "quicklooks",
    multiple=True,
    metavar="TILE",
    help="With --out: show this tile's cloud masks before and after growth; may be repeated.",
)
@common
def command(
    region: str,
    recipe: str,
    year: int,
    products: str,
    overrides: tuple[str, ...],
    out: str | None,
    quicklooks: tuple[str, ...],
    workspace: str | None,
    as_json: bool,
) -> int:
    """Tell what the seasons of REGION will be worth, before anything is processed.

    REGION is a file with polygons (GeoJSON, GeoPackage, …), or tile ids separated by commas. For
    each tile and season: the products that the recipe would use, their cloud, and the share of
    pixels without a clear observation. The share is counted where the composite exists, expected
    from the scene classification where rasters are at hand, and otherwise estimated from cloud
    percentages; the table says which. Exit code 1: a tile could not be looked at.

    Example: landcover quality 30SUF,30SVF --recipe recipes/mediterranean-rf.yaml --year 2021
    --products my/products --out quality --quicklook 30SUF
    """
    from landcover import api
    from landcover.analysis.readiness import check_readiness
    from landcover.pipeline.region import resolve_region, write_region
    from landcover.settings import read_settings

    if quicklooks and out is None:
        raise UsageError("--quicklook writes a picture: name its folder with --out.")
    opened = api.open_workspace(read_settings(workspace=workspace))
    resolved, arguments = resolve_region(region, recipe, overrides, year=year, products=products)
    strangers = sorted(set(quicklooks) - set(arguments.tiles))
    if strangers:
        raise UsageError(
            f"--quicklook {strangers[0]}: the region has {', '.join(arguments.tiles)}."
        )
    with stepping("looking at tiles", quiet=as_json) as progress:
        readiness = check_readiness(opened, resolved, arguments, progress)
        if out is not None:
            write_region(opened, resolved, arguments, readiness, Path(out), quicklooks, progress)
    if as_json:
        from landcover.publish.report_files import quality_document

        show_json(
            {
                "simulated": readiness.simulated,
                "tiles": quality_document(readiness.tiles),
                "troubles": list(readiness.troubles),
            }
        )
    else:
        _print(readiness, out)
    return 1 if readiness.troubles else 0


def _print(readiness: Readiness, out: str | None) -> None:
    from landcover.publish.quality import BASES, STATUSES, bases_of, worst_first

    tiles = readiness.tiles
    rows = [row for tile in worst_first(tiles) for row in _rows(tile)]
    if readiness.simulated:
        click.echo("SIMULATED DATA: nothing here says anything about a real place.")
    head = ("tile", "season", "state", "products", "cloud %", "no clear %", "share is")
    click.echo("{:7}{:15}{:10}{:>8}{:>9}{:>12}  {}".format(*head))
    for row in rows[:MOST_TOLD]:
        click.echo(row)
    if len(rows) > MOST_TOLD:
        click.echo(f"… {len(rows) - MOST_TOLD} more rows; --out or --json give all.")
    for basis in bases_of(tiles):
        click.echo(f"{BASES[basis].word}: {BASES[basis].how}.")
    for tile in worst_first(tiles)[:MOST_TOLD]:
        if tile.lost_percent is not None:
            click.echo(
                f"{tile.tile}: {tile.lost_percent:.1f} % of the map will have no class: all "
                "layers of all seasons together."
            )
    counts = (f"{sum(t.status == s for t in tiles)} {s}" for s in STATUSES)
    word = "tile by its" if len(tiles) == 1 else "tiles by their"
    click.echo(f"{len(tiles)} {word} worst season: {', '.join(counts)}")
    for trouble in readiness.troubles:
        click.echo(f"  ! {trouble}")
    if out is not None:
        click.echo(f"quality map    {Path(out) / 'index.html'}")


def _rows(tile: TileQuality) -> list[str]:
    from landcover.publish.quality import BASES

    rows = []
    for season in tile.seasons:
        word = BASES[season.basis].word if season.basis else season.reason
        cells: tuple[Any, ...] = (
            tile.tile, season.period, season.status, len(season.used),
            _share(season.cloud_percent), _share(season.percent_0), word,
        )  # fmt: skip
        rows.append("{:7}{:15}{:10}{:>8}{:>9}{:>12}  {}".format(*cells))
    return rows


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
