"""``landcover simulate``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from landcover.cli import common, show_json
from landcover.cli.progress import stepping

# The simulator's own list would cost its heavy imports for every --help; a test compares them.
Season = Literal["spring", "summer", "autumn"]
SEASONS: tuple[Season, ...] = ("spring", "summer", "autumn")


@click.command("simulate")
@click.argument("folder", type=click.Path(file_okay=False))
@click.option("--tiles", default="30SUF,30SVF", show_default=True, help="Tiles, best neighbours.")
@click.option(
    "--pixels",
    default=480,
    show_default=True,
    help="Side of each tile, 10 m pixels: 240 to 10980, a multiple of 6.",
)
@click.option("--year", default=2021, show_default=True, help="Year of the seasons.")
@click.option(
    "--season",
    "seasons",
    multiple=True,
    type=click.Choice(SEASONS),
    help="Write only products of this season; may be repeated [default: all].",
)
@click.option(
    "--products-per-season", default=3, show_default=True, help="Products of a month, 3 to 6."
)
@click.option(
    "--only-usable",
    is_flag=True,
    help="No product too cloudy to use, none of a neighbouring month.",
)
@click.option(
    "--across-zones",
    is_flag=True,
    help="Let the windows of two UTM zones overlap at their border, over one ground.",
)
@click.option(
    "--hard-masks",
    is_flag=True,
    help="Clouds that are hard to tell, and a classification with Sen2Cor's published errors.",
)
@click.option(
    "--good-classes",
    is_flag=True,
    help="With --hard-masks: a classification with few errors instead.",
)
@click.option("--points", default=60, show_default=True, help="Labelled points per class.")
@click.option("--seed", default=0, show_default=True, help="Another seed, another region.")
@common
def command(
    folder: str,
    tiles: str,
    pixels: int,
    year: int,
    seasons: tuple[Season, ...],
    products_per_season: int,
    only_usable: bool,
    across_zones: bool,
    hard_masks: bool,
    good_classes: bool,
    points: int,
    seed: int,
    workspace: str | None,
    as_json: bool,
) -> None:
    """Write simulated products, DEM cells, labels and the truth into FOLDER.

    A whole tile takes minutes and about 0.8 GB a product; the room is checked first.

    Example: landcover simulate /tmp/region --tiles 30SUF --pixels 240

    Across two UTM zones: landcover simulate /tmp/region --tiles 30SYJ,31SBD --across-zones

    A whole tile, one season: landcover simulate /tmp/tile --tiles 30SUF --pixels 10980
    --season summer --products-per-season 5 --only-usable
    """
    from landcover.simulate import simulate

    with stepping("simulating", quiet=as_json) as progress:
        region = simulate(
            Path(folder),
            tiles=[tile.strip() for tile in tiles.split(",")],
            pixels=pixels,
            year=year,
            points_per_class=points,
            products_per_season=products_per_season,
            seasons=seasons or SEASONS,
            only_usable=only_usable,
            across_zones=across_zones,
            hard_masks=hard_masks,
            good_classes=good_classes,
            seed=seed,
            progress=lambda what, share: progress(share, f"{100 * share:3.0f} % {what}"),
        )
    document = {name: str(getattr(region, name)) for name in ("products", "labels", "dem")}
    if as_json:
        show_json(document)
        return
    for name, path in document.items():
        click.echo(f"{name:9} {path}")
