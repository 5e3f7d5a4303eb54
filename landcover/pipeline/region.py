"""A region before it is processed: which tiles it has, and the page of what they will be worth."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from landcover.analysis.readiness import Progress, Readiness, expected_quicklook, ignore_progress
from landcover.errors import LandcoverError, UsageError
from landcover.nouns.run_arguments import RunArguments
from landcover.pipeline.starting import resolve
from landcover.publish.page import QualityPage
from landcover.publish.quality import feature_collection
from landcover.publish.quicklooks import QuicklookView
from landcover.publish.report_files import write_quality
from landcover.recipe import Recipe
from landcover.sources.addresses import is_remote
from landcover.stores.workspace import Workspace

TILE_ID = re.compile(r"^\d{2}[A-Z]{3}$")


def resolve_region(
    region: str | Path | Sequence[str],
    recipe: str | Path | Mapping[str, Any],
    overrides: Sequence[str] = (),
    *,
    year: int,
    products: str,
) -> tuple[Recipe, RunArguments]:
    """Read a recipe and a region.

    Args:
        region: A file with polygons, or tile ids: a list of them, or one text with commas.
        recipe: A recipe file, or its document.
        overrides: ``key=value`` pairs that win over the recipe file.
        year: Year of the seasons.
        products: Folder with products, or the address of a source.

    Raises:
        UsageError: The region, the recipe or an argument is wrong.
    """
    tiles: Sequence[str] = ()
    path: str | None = None
    if not isinstance(region, str | Path):
        tiles = region
    elif Path(region).is_file():
        path = str(region)
    else:
        tiles = [name.strip() for name in str(region).split(",") if name.strip()]
        if not tiles or any(not TILE_ID.match(name) for name in tiles):
            raise UsageError(
                f"{region}: expected a file with polygons, or tile ids such as 30SUF,30SVF; "
                "there is no such file."
            )
    if not tiles and path is None:
        raise UsageError("The region names no tile.")
    return resolve(recipe, overrides, year=year, products=products, tiles=tiles, region=path)


def as_geojson(readiness: Readiness) -> dict[str, Any]:
    """Write what was found as a quality map (docs/methods/mosaics.md#quality-map)."""
    return feature_collection(readiness.tiles)


def write_region(
    workspace: Workspace,
    recipe: Recipe,
    arguments: RunArguments,
    readiness: Readiness,
    folder: Path,
    quicklooks: Sequence[str] = (),
    progress: Progress = ignore_progress,
) -> None:
    """Write the quality map of a region as a page with its files.

    Args:
        workspace: Where composites may exist already; it is only read.
        recipe: The recipe that was looked ahead with.
        arguments: The arguments that were looked ahead with.
        readiness: What was found.
        folder: Where the files go; it is made where it is absent. Files of ours are replaced.
        quicklooks: Tiles whose masks are shown before and after growth.
        progress: Is told the share that is done and the tile.

    Raises:
        MissingDataError: A tile has no rasters to show masks of; the page is there without them.
    """
    from landcover.publish.quicklook_picture import draw_quicklook

    folder.mkdir(parents=True, exist_ok=True)
    views: list[QuicklookView] = []
    troubles: list[LandcoverError] = []
    for number, tile in enumerate(quicklooks):
        progress(number / len(quicklooks), f"masks of {tile}")
        try:
            quicklook = expected_quicklook(workspace, recipe, arguments, tile)
        except LandcoverError as error:
            troubles.append(error)
            continue
        name = f"masks_{quicklook.tile}_{quicklook.period}.png"
        title = f"Cloud masks of {quicklook.tile}, {quicklook.period}"
        draw_quicklook(quicklook, folder / name, title, is_simulated=readiness.simulated)
        views.append(quicklook.view(name))
    page = QualityPage(
        title=recipe.title,
        year=arguments.year,
        recipe=recipe.name,
        source=_without_folders(arguments.products),
        simulated=readiness.simulated,
        tiles=readiness.tiles,
        quicklooks=tuple(views),
        troubles=readiness.troubles,
    )
    write_quality(folder, page)
    if troubles:
        raise troubles[0]


def _without_folders(products: str) -> str:
    """Shorten an address so that a page tells no folder of this machine."""
    parts = products.split(",") if is_remote(products) else [products]
    return ", ".join(part if is_remote(part) else Path(part).name for part in parts)
