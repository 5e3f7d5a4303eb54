"""``landcover simulate``."""

from __future__ import annotations

from pathlib import Path

import click

from landcover.cli import common, show_json
from landcover.cli.progress import stepping


@click.command("simulate")
@click.argument("folder", type=click.Path(file_okay=False))
@click.option("--tiles", default="30SUF,30SVF", show_default=True, help="Neighbouring tiles.")
@click.option("--pixels", default=480, show_default=True, help="Side of each tile, 10 m pixels.")
@click.option("--year", default=2021, show_default=True, help="Year of the seasons.")
@click.option("--points", default=60, show_default=True, help="Labelled points per class.")
@click.option("--seed", default=0, show_default=True, help="Another seed, another region.")
@common
def command(
    folder: str,
    tiles: str,
    pixels: int,
    year: int,
    points: int,
    seed: int,
    workspace: str | None,
    as_json: bool,
) -> None:
    """Write simulated products, DEM cells, labels and the truth into FOLDER.

    Example: landcover simulate /tmp/region --tiles 30SUF --pixels 240
    """
    from landcover.simulate import simulate

    with stepping("simulating", quiet=as_json) as progress:
        region = simulate(
            Path(folder),
            tiles=[tile.strip() for tile in tiles.split(",")],
            pixels=pixels,
            year=year,
            points_per_class=points,
            seed=seed,
            progress=lambda what, share: progress(share, what),
        )
    document = {name: str(getattr(region, name)) for name in ("products", "labels", "dem")}
    if as_json:
        show_json(document)
        return
    for name, path in document.items():
        click.echo(f"{name:9} {path}")
