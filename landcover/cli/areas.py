"""``landcover areas``."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import click

from landcover.cli import common, show_json

if TYPE_CHECKING:
    from landcover.analysis.zonal_areas import ZoneAreas
    from landcover.analysis.zonal_estimates import SampledAreas
    from landcover.nouns.area import Estimate
    from landcover.stores.workspace import Workspace

NO_CLASS = "no_class"
WHOLE = "whole map"


@click.command("areas")
@click.argument("map_text", metavar="MAP")
@click.argument("polygons", type=click.Path(exists=True, dir_okay=False))
@click.option("--field", help="Column with the name of each polygon.")
@click.option("--layer", help="Layer of a GeoPackage that holds several.")
@click.option(
    "--sample",
    metavar="POINTS",
    type=click.Path(exists=True, dir_okay=False),
    help="Labelled field sheet of `landcover design`: adds areas with 95 % intervals.",
)
@click.option("--recipe", type=click.Path(exists=True, dir_okay=False), help="How POINTS are read.")
@click.option("--out", type=click.Path(dir_okay=False), help="CSV file to write.")
@common
def command(
    map_text: str,
    polygons: str,
    field: str | None,
    layer: str | None,
    sample: str | None,
    recipe: str | None,
    out: str | None,
    workspace: str | None,
    as_json: bool,
) -> None:
    """Sum up the area of each class of MAP in each of POLYGONS.

    Columns of classes and no_class are hectares; those that end in _percent are shares of the
    covered area and add up to 100; covered_ha and covered_percent say how much of the polygon
    (polygon_ha) the map covers.

    POLYGONS is a file of any format that labels take, in any reference system. A pixel counts
    where its centre lies. MAP is an id or the beginning of it, a run, `latest`, or a
    path; files of one grid, or of several UTM zones, may be joined with commas. The areas are
    counts of pixels, not corrected for errors of the map.

    With --sample, three more columns for each class tell the area that a probability sample of
    the whole map estimates, and its 95 % interval; polygons with too few points say so. The last
    row is the whole map, as in `landcover accuracy`.

    Example: landcover areas map_32630.tif districts.gpkg --field name --out areas.csv
    """
    from landcover import api
    from landcover.analysis.zonal_areas import areas_by_file, class_names
    from landcover.cli.accuracy import labels_of
    from landcover.errors import UsageError
    from landcover.parts.mapping.map_lookup import find_maps
    from landcover.settings import read_settings

    def opened() -> Workspace:
        return api.open_workspace(read_settings(workspace=workspace))

    if recipe is not None and sample is None:
        raise UsageError("--recipe says how the points of --sample are read; give --sample too.")
    maps = find_maps(opened, map_text)
    named = class_names(maps)
    if sample is None:
        areas, notes = areas_by_file(maps, Path(polygons), field, layer)
        rows = _rows(areas, named)
    else:
        from landcover.analysis.zonal_estimates import sampled_areas

        found = sampled_areas(
            maps, Path(polygons), field, layer, Path(sample), labels_of(recipe, ())
        )
        rows = _sampled_rows(found, named)
        notes = (*found.notes, *found.whole.notes)
    for note in notes:
        click.echo(f"note: {note}", err=True)
    if out is not None:
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        Path(out).write_text(_csv(rows), encoding="utf-8")
    if as_json:
        show_json(rows)
    elif out is None:
        click.echo(_csv(rows), nl=False)
    else:
        click.echo(f"{len(rows) - (sample is not None)} polygons: {out}")


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
            "polygon_ha": round(entry.whole_hectares, 4),
            "covered_ha": round(entry.covered_hectares, 4),
            "covered_percent": round(entry.covered_percent, 2),
            **{f"{names[c]}_percent": round(entry.percent(c), 4) for c in sorted(names)},
            f"{NO_CLASS}_percent": round(entry.percent(0), 4),
        }
        for entry in found
    ]


def _sampled_rows(found: SampledAreas, named: dict[int, str]) -> list[dict[str, object]]:
    """Add what the sample says, class by class, and a row for the whole map."""
    titles = {entry.code: entry.name for entry in found.whole.classes}
    names = {code: named.get(code, title) for code, title in titles.items()}
    zones = [entry.mapped for entry in found.zones]
    total = {entry.code: entry.area for entry in found.whole.classes}
    of_map: dict[str, object] = {"number": None, "name": WHOLE, "pixels": None, NO_CLASS: None}
    mapped = {name: round(found.mapped.get(code, 0.0), 4) for code, name in names.items()}
    rows = [
        row
        | {"points": entry.n_points}
        | _estimates(entry.areas, names, _classified(entry.mapped))
        | {"refused": entry.refused}
        for row, entry in zip(_rows(zones, names | named), found.zones, strict=True)
    ]
    last = {"points": found.whole.n, **_estimates(total, names, found.whole.total_area)}
    of_map |= {c: None for c in rows[0] if c.endswith(("_percent", "polygon_ha", "covered_ha"))}
    filled = of_map | mapped | last | {"refused": ""}
    return [*rows, {column: filled.get(column, 0.0) for column in rows[0]}]


def _classified(zone: ZoneAreas) -> float:
    return sum(area for code, area in zone.hectares.items() if code)


def _estimates(
    areas: Mapping[int, Estimate], names: Mapping[int, str], most: float
) -> dict[str, object]:
    """Describe estimates by three columns for each class; None where there is no number."""
    columns: dict[str, object] = {}
    for code, name in names.items():
        found = areas.get(code)
        low = None if found is None or found.low is None else max(found.low, 0.0)
        high = None if found is None or found.high is None else min(found.high, most)
        for what, value in (
            ("estimate", None if found is None else found.value), ("low", low), ("high", high),
        ):  # fmt: skip
            columns[f"{name}_{what}"] = None if value is None else round(value, 4)
    return columns


def _csv(rows: list[dict[str, object]]) -> str:
    text = StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
