"""``landcover features``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from landcover.cli import common, show_json
from landcover.errors import UsageError


@click.command("features")
@click.option("--tile", required=True, help="Tile id, `30SUF`.")
@click.option(
    "--export",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the files; it is made where it does not exist.",
)
@click.option("--names", default="", help="Features, comma separated [default: all].")
@click.option(
    "--window",
    metavar="ROW,COLUMN,HEIGHT,WIDTH",
    help="Part of the tile, pixels of its work grid [default: all of it].",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(("geotiff", "cog", "zarr")),
    default="geotiff",
    show_default=True,
    help="A file for each feature, or one cube features.zarr.",
)
@click.option("--run", help="Run that prepared the tile [default: the newest].")
@click.option("--memory-gb", type=float, default=1.0, show_default=True, help="Memory, GB.")
@common
def command(
    tile: str,
    folder: Path,
    names: str,
    window: str | None,
    form: Literal["geotiff", "cog", "zarr"],
    run: str | None,
    memory_gb: float,
    workspace: str | None,
    as_json: bool,
) -> int:
    """Write what the classifier reads of a tile: a GeoTIFF or COG a feature, or a Zarr cube.

    The values are those that classification computes: reflectance, indices, degrees, metres;
    float32, NaN where nodata. One feature of a whole tile
    takes up to 0.5 GB before compression.

    Example: landcover features --tile 30SUF --names summer_ndvi,slope --export features
    """
    from landcover import api
    from landcover.settings import read_settings
    from landcover.views.features import export_features

    place = _window(window)
    folder.mkdir(parents=True, exist_ok=True)
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    opened = api.open_workspace(read_settings(workspace=workspace))
    paths = export_features(
        opened, tile, folder, chosen, run=run, memory_gb=memory_gb, window=place, form=form
    )
    if as_json:
        show_json([str(path) for path in paths])
    else:
        for path in paths:
            click.echo(path)
    return 0


def _window(text: str | None) -> tuple[int, int, int, int] | None:
    if text is None:
        return None
    try:
        row, column, height, width = (int(number) for number in text.split(","))
    except ValueError:
        raise UsageError(f"--window {text}: expected row,column,height,width in pixels.") from None
    return row, column, height, width
