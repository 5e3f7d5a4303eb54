"""``landcover products``."""

from __future__ import annotations

from pathlib import Path

import click

from landcover.cli import common, show_json
from landcover.cli.progress import stepping
from landcover.errors import UsageError


@click.command("products")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--to",
    "folder",
    required=True,
    type=click.Path(file_okay=False),
    metavar="FOLDER",
    help="Where the products go.",
)
@click.option("--tile", required=True, help="Tile that the images are of.")
@click.option(
    "--offset",
    required=True,
    type=click.Choice(["0", "-1000"]),
    help="Radiometric offset of the numbers: -1000 for products since baseline 04.00 "
    "whose offset was not taken off.",
)
@click.option(
    "--scale", default=10_000.0, show_default=True, help="Reflectance = (number + offset) / scale."
)
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="VARIABLE=LAYER",
    help="What a variable holds, where it is called otherwise; may be repeated.",
)
@click.option(
    "--composites",
    "are_composites",
    is_flag=True,
    help="The images are cloud-free composites, of months say: what has a number is clear.",
)
@common
def command(
    files: tuple[str, ...],
    folder: str,
    tile: str,
    offset: str,
    scale: float,
    names: tuple[str, ...],
    are_composites: bool,
    workspace: str | None,
    as_json: bool,
) -> None:
    """Write the dates of netCDF FILES as products that `landcover run --products` takes.

    A date becomes a folder with a GeoTIFF a band. Variables are (time, y, x), called as layers
    (B02 ... B12, SCL, AOT, WVP), with coordinates x and y; variables of mean angles and of cloud
    shares become tags. What is odd about the images (an undeclared nodata number, empty or bright
    ones) is told. docs/sources-and-stores.md tells what else flat products may look like.

    Example: landcover products s2_10m.nc s2_20m.nc --to my/products --tile 31UDS --offset 0
    """
    from landcover.products.flat_writing import write_flat_products

    wrong = [pair for pair in names if pair.count("=") != 1]
    if wrong:
        raise UsageError(f"--name {wrong[0]}: expected VARIABLE=LAYER, such as nir=B08.")
    notes: list[str] = []
    with stepping("writing products", quiet=as_json) as progress:
        written = write_flat_products(
            files,
            Path(folder),
            tile=tile,
            offset=int(offset),
            scale=scale,
            names=dict(pair.split("=") for pair in names),
            progress=lambda what, share: progress(share, what),
            tell=notes.append,
            are_composites=are_composites,
        )
    if as_json:
        show_json({"folder": folder, "products": [path.name for path in written], "notes": notes})
        return
    for note in notes:
        click.echo(f"note: {note}", err=True)
    click.echo(f"{len(written)} products in {folder}: {written[0].name} … {written[-1].name}")
