"""The files of a mosaic: class maps joined and cleaned, and the true-colour picture beside them."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from landcover.errors import InputError, MissingDataError
from landcover.nouns.grid import Grid
from landcover.nouns.output import Output
from landcover.nouns.run import EMPTY_CELL
from landcover.parts.mapping.cleaning import clean, crop, refill
from landcover.parts.mapping.extent import Extent
from landcover.parts.mapping.halos import halo_of
from landcover.parts.mapping.joining import FILES, Joining
from landcover.parts.mapping.lattices import on_target
from landcover.parts.mapping.map_rasters import (
    CLASSES,
    CONFIDENCE,
    CONFIDENCE_STYLE,
    PROBABILITIES,
    SECOND,
    class_style,
    probability_style,
    second_style,
)
from landcover.parts.mapping.tile_windows import Smoothing, Source
from landcover.parts.mapping.true_colour import join_layer
from landcover.parts.prepared import TRUE_COLOUR
from landcover.parts.task import Task
from landcover.parts.training.run_model import load_model
from landcover.raster.levels import parents_of
from landcover.raster.reflectance import NODATA
from landcover.recipe import Recipe
from landcover.stores.rasters import RasterStyle

log = logging.getLogger(__name__)


def write_mosaic(
    task: Task,
    extent: Extent,
    composites: Mapping[str, Output],
    lattices: Mapping[str, Grid],
    path: Path,
) -> dict[str, Any]:
    """Write the joined maps and the true-colour picture of a zone or cell.

    Args:
        task: Unit, recipe and job.
        extent: Tiles and target of the unit.
        composites: Tile → composite of the season that is shown.
        lattices: Raster → grid by which its pixels lie.
        path: Folder to make.

    Returns:
        ``tiles``, ``mapped``, grids, and what joining and cleaning tell.

    Raises:
        MissingDataError: No tile has a mapped pixel in the cell.
        InputError: A map lacks what the recipe needs, or does not lie on the lattice.
    """
    path.mkdir()
    stats: dict[str, Any] = {"tiles": sorted(composites), "mapped": sorted(extent.maps)}
    if extent.maps:
        stats.update(_join_maps(task, extent, path))
    stats.update(_join_composites(task, extent, composites, lattices, path))
    return stats


def _join_composites(
    task: Task,
    extent: Extent,
    composites: Mapping[str, Output],
    lattices: Mapping[str, Grid],
    path: Path,
) -> dict[str, Any]:
    stats: dict[str, Any] = {}
    for layer in TRUE_COLOUR:
        sources = [
            Source(
                tile,
                {layer: task.href(o, f"{layer}.tif")},
                Grid.from_document(o.stats["layers"][layer]),
            )
            for tile, o in sorted(composites.items())
            if layer in o.stats["layers"]
        ]
        if sources:
            style = RasterStyle("int16", NODATA, (layer,), scale=1e-4)
            target, sources = on_target(extent, sources, lattices[layer])
            join_layer(task, sources, target, layer, path / f"{layer}.tif", style)
            stats["composite_grid"] = target.to_document()
    return stats


def _join_maps(task: Task, extent: Extent, path: Path) -> dict[str, Any]:
    how, card = task.recipe.mosaic, load_model(task)[1]
    sources = _sources(task, extent.maps)
    target, sources = on_target(extent, sources, extent.lattice or sources[0].grid)
    halo = halo_of(how) if extent.is_cell else 0
    styles = {CLASSES: class_style(card), CONFIDENCE: CONFIDENCE_STYLE}
    parents, has_probabilities = None, task.recipe.publish.probabilities
    if card.second:
        styles[SECOND] = second_style(card)
        parents = parents_of({second.code: second.codes for second in card.second})
    if has_probabilities:
        styles[PROBABILITIES] = probability_style(card)
    joining = Joining(
        sources=sources,
        neighbours=_sources(task, extent.neighbours),
        target=target.padded(halo),
        halo=halo,
        codes=card.codes,
        is_feathered=how.blend == "feather",
        parents=parents,
        has_probabilities=has_probabilities,
    )
    if how.is_cleaned:
        cleaned = _join_and_clean(task, joining, target, styles, path)
    else:
        joining.write(task.job, path, styles)
        cleaned = {}
    if extent.is_cell and not joining.n_classified:
        raise MissingDataError(f"{task.unit.label}: {EMPTY_CELL}.")
    for tile in extent.absent:
        log.warning(
            "%s: %s has no map, its neighbours are joined without it", task.unit.label, tile
        )
    return {
        "grid": target.to_document(),
        "overlaps": joining.overlaps(),
        "absent": list(extent.absent),
        **cleaned,
    }


def _join_and_clean(
    task: Task, joining: Joining, target: Grid, styles: Mapping[str, RasterStyle], path: Path
) -> dict[str, Any]:
    """Join into a scratch folder, clean what was joined, and crop it to the target."""
    how, scratch = task.recipe.mosaic, path / "scratch"
    scratch.mkdir()
    joining.write(task.job, scratch, styles)
    whole = {name: scratch / name for name in styles}
    whole[CLASSES], cleaned = clean(task.job, whole[CLASSES], how)
    if joining.parents is not None:
        whole[SECOND], refilled = refill(
            task.job, whole[CLASSES], whole[SECOND], how, joining.parents
        )
        cleaned |= refilled
    for name, style in styles.items():
        crop(task.job, whole[name], path / name, target, style)
    shutil.rmtree(scratch)
    return cleaned


def _sources(task: Task, maps: dict[str, Output]) -> list[Source]:
    found, how = [], task.recipe.mosaic
    for tile, output in sorted(maps.items()):
        names = {file.name for file in output.files}
        needing = _needing(task.recipe)
        if needing and FILES[2] not in names:
            raise InputError(
                f"{tile}: its map {output.id} has no {FILES[2]}, which {needing} needs; "
                "classify with classify.keep=[probabilities]."
            )
        paths = {name: task.href(output, name) for name in (*FILES, SECOND) if name in names}
        smoothing = Smoothing(how.smooth, how.smooth_window) if how.smooth else None
        found.append(Source(tile, paths, Grid.from_document(output.stats["grid"]), smoothing))
    return found


def _needing(recipe: Recipe) -> str:
    """Name the setting that needs the tiles' probabilities; empty where none does."""
    how = recipe.mosaic
    if how.blend == "feather":
        return "mosaic.blend=feather"
    if how.smooth:
        return f"mosaic.smooth={how.smooth:g}"
    return "publish.probabilities=true" if recipe.publish.probabilities else ""
