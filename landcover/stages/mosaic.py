"""Mosaic: the tiles' maps and composites joined, by UTM zone or by cells of it or another grid."""

from __future__ import annotations

import logging
import shutil
from functools import partial
from pathlib import Path
from typing import Any

from landcover.errors import InputError, MissingDataError
from landcover.nouns.grid import Grid
from landcover.nouns.output import Output, Wanted
from landcover.nouns.stages import version_of
from landcover.parts.mapping.cells import with_halo, zone_cell_grid
from landcover.parts.mapping.cleaning import clean, crop, halo_of, refill
from landcover.parts.mapping.extent import Extent, extent_of
from landcover.parts.mapping.joining import FILES, Joining
from landcover.parts.mapping.lattices import snap
from landcover.parts.mapping.map_rasters import (
    CLASSES,
    CONFIDENCE,
    CONFIDENCE_STYLE,
    SECOND,
    class_style,
    second_style,
)
from landcover.parts.mapping.tile_windows import Smoothing, Source, find_place
from landcover.parts.task import Task
from landcover.parts.training.run_model import load_model
from landcover.parts.work_grid import composites_of
from landcover.raster.levels import parents_of
from landcover.raster.mosaic import blend_primary, lattice_union
from landcover.raster.reflectance import NODATA
from landcover.raster.windows import plan_windows
from landcover.recipe.mosaic import MosaicRecipe
from landcover.stores import layout
from landcover.stores.rasters import RasterStyle, create_raster

TRUE_COLOUR = ("B04", "B03", "B02")

log = logging.getLogger(__name__)


def mosaic(task: Task) -> None:
    """Join the class maps and the composites of the unit's zone or cell.

    Raises:
        MissingDataError: No tile of it was prepared, or none has a mapped pixel there.
        InputError: The maps are of several models, or the composites of several years.
    """
    extent = extent_of(task)
    period, composites = _clearest(task, extent.whole)
    lattices = _lattices(extent, composites)
    shifts = _shifts(lattices) if extent.part is not None else {}
    neighbours = tuple(output.id for _, output in sorted(extent.neighbours.items()))
    wanted = Wanted(
        stage="mosaic",
        version=version_of("mosaic"),
        unit=str(task.unit.cell),
        inputs={
            "maps": tuple(output.id for _, output in sorted(extent.maps.items())),
            "composites": tuple(composites[tile].id for tile in extent.tiles),
            **({"neighbours": neighbours} if neighbours else {}),
        },
        # What stands at its default is not named, so that new options leave the ids of old maps.
        params={
            "period": period,
            **({"levels": 2} if extent.maps and load_model(task)[1].second else {}),
            **({"lattice": shifts} if shifts else {}),
            # How many files a zone has is told by the unit.
            **task.recipe.mosaic.model_dump(exclude_defaults=True, exclude={"cells"}),
        },
    )
    key = layout.mosaic(str(task.unit.cell), wanted.id)
    own = {tile: composites[tile] for tile in extent.tiles}
    task.need(wanted, key, partial(_make, task, extent, own, lattices), {"period": period})


def _make(
    task: Task,
    extent: Extent,
    composites: dict[str, Output],
    lattices: dict[str, Grid],
    path: Path,
) -> dict[str, Any]:
    path.mkdir()
    stats: dict[str, Any] = {"tiles": sorted(composites), "mapped": sorted(extent.maps)}
    if extent.maps:
        stats.update(_join_maps(task, extent, path))
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
            target, sources = _on_target(extent, sources, lattices[layer])
            _join_layer(task, sources, target, layer, path / f"{layer}.tif", style)
            stats["composite_grid"] = target.to_document()
    return stats


def _join_maps(task: Task, extent: Extent, path: Path) -> dict[str, Any]:
    how, card = task.recipe.mosaic, load_model(task)[1]
    sources = _sources(task, extent.maps)
    target, sources = _on_target(extent, sources, extent.lattice or sources[0].grid)
    halo = halo_of(how) if extent.is_cell else 0
    styles = {CLASSES: class_style(card), CONFIDENCE: CONFIDENCE_STYLE}
    parents = None
    if card.second:
        styles[SECOND] = second_style(card)
        parents = parents_of({second.code: second.codes for second in card.second})
    joining = Joining(
        sources=sources,
        neighbours=_sources(task, extent.neighbours),
        target=with_halo(target, halo),
        halo=halo,
        codes=card.codes,
        is_feathered=how.blend == "feather",
        parents=parents,
    )
    cleaned: dict[str, Any] = {}
    if how.is_cleaned:
        scratch = path / "scratch"
        scratch.mkdir()
        joining.write(task.job, scratch, styles)
        whole = {name: scratch / name for name in styles}
        whole[CLASSES], cleaned = clean(task.job, whole[CLASSES], how)
        if parents is not None:
            whole[SECOND], refilled = refill(task.job, whole[CLASSES], whole[SECOND], how, parents)
            cleaned |= refilled
        for name, style in styles.items():
            crop(task.job, whole[name], path / name, target, style)
        shutil.rmtree(scratch)
    else:
        joining.write(task.job, path, styles)
    if extent.is_cell and not joining.n_classified:
        raise MissingDataError(f"{task.unit.label}: no tile has a mapped pixel in this cell.")
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


def _sources(task: Task, maps: dict[str, Output]) -> list[Source]:
    found, how = [], task.recipe.mosaic
    for tile, output in sorted(maps.items()):
        names = {file.name for file in output.files}
        if how.needs_probabilities and FILES[2] not in names:
            raise InputError(
                f"{tile}: its map {output.id} has no {FILES[2]}, which {_needing(how)} needs; "
                "classify with classify.keep=[probabilities]."
            )
        paths = {name: task.href(output, name) for name in (*FILES, SECOND) if name in names}
        smoothing = Smoothing(how.smooth, how.smooth_window) if how.smooth else None
        found.append(Source(tile, paths, Grid.from_document(output.stats["grid"]), smoothing))
    return found


def _needing(how: MosaicRecipe) -> str:
    return "mosaic.blend=feather" if how.blend == "feather" else f"mosaic.smooth={how.smooth:g}"


def _join_layer(
    task: Task, sources: list[Source], target: Grid, layer: str, path: Path, style: RasterStyle
) -> None:
    windows = plan_windows(
        *target.shape, bytes_per_pixel=12 * len(sources) + 40, memory_gb=task.job.memory_gb
    )
    nodata = float(style.nodata or 0)
    with create_raster(path, target, style) as raster:
        for window in windows:
            task.job.check()
            present = [(s, found) for s in sources if (found := find_place(s, target, window))]
            if present:
                values = [place.take(s.paths[layer], nodata) for s, (place, _) in present]
                margins = [margin for _, (_, margin) in present]
                raster.write(blend_primary(values, margins, nodata), window)


def _on_target(extent: Extent, sources: list[Source], lattice: Grid) -> tuple[Grid, list[Source]]:
    """Give the grid of the mosaic; tiles of a zone are moved to the lattice of its first one."""
    if extent.target is not None:
        return extent.target, sources
    snapped = [snap(source, lattice) for source in sources]
    if extent.part is not None:
        return zone_cell_grid(extent.part, lattice), snapped
    return lattice_union([source.grid for source in snapped]), snapped


def _lattices(extent: Extent, composites: dict[str, Output]) -> dict[str, Grid]:
    """Name the grid by which the pixels of each raster lie, the same for all cells of a zone."""
    found = {"map": extent.lattice} if extent.lattice is not None else {}
    for layer in TRUE_COLOUR:
        for _, output in sorted(composites.items()):
            if layer in output.stats["layers"]:
                found[layer] = Grid.from_document(output.stats["layers"][layer])
                break
    return found


def _shifts(lattices: dict[str, Grid]) -> dict[str, list[float]]:
    """Give easting and northing of lattices modulo their pixel, m, where they are not 0."""
    found = {}
    for name, grid in lattices.items():
        shift = [round(at % grid.pixel, 3) % grid.pixel for at in (grid.ulx, grid.uly)]
        if any(shift):
            found[name] = shift
    return found


def _clearest(task: Task, tiles: list[str]) -> tuple[str, dict[str, Output]]:
    """Choose the period whose composites have fewest holes, for the true-colour picture."""
    by_tile = {tile: composites_of(task, tile) for tile in tiles}
    periods = list(next(iter(by_tile.values())))
    holes = {
        period: sum(float(by_tile[t][period].stats["coverage"]["percent_0"]) for t in tiles)
        for period in periods
    }
    best = min(periods, key=lambda period: (round(holes[period], 1), periods.index(period)))
    names = {tile: str(by_tile[tile][best].stats["period"]["name"]) for tile in tiles}
    other = next((tile for tile in tiles if names[tile] != names[tiles[0]]), None)
    if other is not None:
        raise InputError(
            f"{task.unit.label}: the composite of {tiles[0]} is of {names[tiles[0]]}, {other} of "
            f"{names[other]}; join tiles of one year."
        )
    return best, {tile: by_tile[tile][best] for tile in tiles}
