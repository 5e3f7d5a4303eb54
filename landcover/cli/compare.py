"""``landcover compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from landcover.cli import common, show_json

if TYPE_CHECKING:
    from landcover.nouns.comparison import Comparison
    from landcover.stores.workspace import Workspace


@click.command("compare")
@click.argument("first", metavar="MAP")
@click.argument("second", metavar="MAP|REFERENCE")
@click.option(
    "--legend-map",
    metavar="NAME|FILE",
    help="Classes of the second map's codes: copernicus, worldcover, or a CSV or YAML file with "
    "the class of each code [default: the names in its file, else the same codes].",
)
@click.option("--out", type=click.Path(file_okay=False), help="Folder for tables and pictures.")
@common
def command(
    first: str,
    second: str,
    legend_map: str | None,
    out: str | None,
    workspace: str | None,
    as_json: bool,
) -> int:
    """Compare MAP with another map or with a reference, by area.

    A map is an id, a unique beginning of it, or a path; a reference is a raster of class codes in
    any CRS. It is read on the grid of MAP by nearest neighbour, window by window. With --out: the
    agreement matrix (JSON, CSV; hectares, rows are MAP), where they agree (GeoTIFF, PNG), and a
    plate with both maps and the composite side by side.

    Example: landcover compare 1f0c worldcover_N39W003.tif --legend-map worldcover --out compared
    """
    from landcover import api
    from landcover.settings import read_settings
    from landcover.stages.comparing import compare_maps

    def opened() -> Workspace:
        return api.open_workspace(read_settings(workspace=workspace))

    folder = None if out is None else Path(out)
    if folder is None:
        result = compare_maps(opened, first, second, legend_map).result
        files: list[str] = []
    else:
        from landcover.stages.comparison_files import AGREEMENT, all_or_nothing, write_comparison

        with all_or_nothing(folder) as scratch:
            compared = compare_maps(opened, first, second, legend_map, scratch / AGREEMENT)
            result = compared.result
            files = write_comparison(compared, scratch, f"{result.first} and {result.second}")
    if as_json:
        show_json({"agreement": result.agreement, **result.to_document()})
    else:
        _tell(result)
        for name in files:
            click.echo(f"  {out}/{name}")
    return 0


def _tell(result: Comparison) -> None:
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
    for note in result.notes:
        click.echo(f"  {note}")


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
