"""``landcover areas``."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import click

from landcover.cli import common, show_json

if TYPE_CHECKING:
    from landcover.stages.zonal import ZoneAreas
    from landcover.stores.workspace import Workspace

NO_CLASS = "no_class"


@click.command("areas")
@click.argument("map_text", metavar="MAP")
@click.argument("polygons", type=click.Path(exists=True, dir_okay=False))
@click.option("--field", help="Column with the name of each polygon.")
@click.option("--layer", help="Layer of a GeoPackage that holds several.")
@click.option("--out", type=click.Path(dir_okay=False), help="CSV file to write.")
@common
def command(
    map_text: str,
    polygons: str,
    field: str | None,
    layer: str | None,
    out: str | None,
    workspace: str | None,
    as_json: bool,
) -> None:
    """Sum up the area of each class of MAP in each of POLYGONS, hectares.

    POLYGONS is a GeoJSON, GeoPackage, shapefile or GeoParquet file, in any reference system. A
    pixel counts where its centre lies. MAP is an id, a unique beginning of it, or a path; files
    of one grid may be joined with commas. The areas are counts of pixels, not corrected for
    errors of the map.

    Example: landcover areas map_32630.tif districts.gpkg --field name --out areas.csv
    """
    from landcover import api
    from landcover.settings import read_settings
    from landcover.stages.mapfile import find_maps
    from landcover.stages.zonal import areas_by_file, class_names

    def opened() -> Workspace:
        return api.open_workspace(read_settings(workspace=workspace))

    maps = find_maps(opened, map_text)
    found = areas_by_file(maps, Path(polygons), field, layer)
    rows = _rows(found, class_names(maps))
    if out is not None:
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        Path(out).write_text(_csv(rows), encoding="utf-8")
    if as_json:
        show_json(rows)
    elif out is None:
        click.echo(_csv(rows), nl=False)
    else:
        click.echo(f"{len(rows)} polygons: {out}")


def _rows(found: list[ZoneAreas], named: dict[int, str]) -> list[dict[str, object]]:
    """Describe each polygon by the same columns, one for each class of the map."""
    present = {code for entry in found for code in entry.hectares} - {0}
    names = {code: f"class {code}" for code in present} | named
    return [
        {
            "number": entry.number,
            "name": entry.name,
            "pixels": sum(entry.pixels.values()),
            **{names[code]: round(entry.hectares.get(code, 0.0), 4) for code in sorted(names)},
            NO_CLASS: round(entry.hectares.get(0, 0.0), 4),
        }
        for entry in found
    ]


def _csv(rows: list[dict[str, object]]) -> str:
    text = StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
