"""The maps of a report: a COG of each mosaic, polygons on request, and a VRT over the cells."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from landcover.ledger.outputs import require_unchanged
from landcover.nouns.legend import LegendClass
from landcover.nouns.output import Output
from landcover.parts.reporting.map_region import clipped, map_title
from landcover.parts.reporting.overlap_report import seams_of
from landcover.parts.reporting.run_outputs import RunOutputs, legend_of
from landcover.parts.task import Task
from landcover.parts.training.second_legend import second_legend_of
from landcover.publish.page import MapView
from landcover.publish.quality import TileQuality
from landcover.publish.second_level import write_second
from landcover.publish.true_colour import write_colours
from landcover.publish.zone_files import Cell, write_cell


def write_maps(
    task: Task, found: RunOutputs, tiles: Sequence[TileQuality], path: Path
) -> list[MapView]:
    """Write the maps of a run into its report.

    Args:
        task: The task.
        found: What the run has.
        tiles: How good the data of its tiles are.
        path: Folder of the report.

    Returns:
        What the page shows of each zone or cell, in order.
    """
    views = []
    legend = legend_of(task, found.card)
    is_feathered = task.recipe.mosaic.blend == "feather"
    for number, (cell, mosaic) in enumerate(sorted(found.mosaics.items())):
        task.job.check()
        task.job.progress(number / len(found.mosaics), f"map of EPSG:{cell}")
        view = _write_cell(task, found, cell, mosaic, tiles, path)
        if view is None:
            continue
        seams = seams_of(mosaic, legend)
        views.append(view.model_copy(update={**seams, "is_feathered": is_feathered}))
        _write_vectors(task, views[-1], legend, path)
    write_vrts(path)
    return views


def _write_cell(
    task: Task,
    found: RunOutputs,
    cell: str,
    mosaic: Output,
    tiles: Sequence[TileQuality],
    path: Path,
) -> MapView | None:
    """Write the files of a cell; None where the region of the run has no pixel of it."""
    period = f"{task.run.arguments.year}-{mosaic.stats['period']}"
    joined = set(mosaic.stats["tiles"])
    seasons = [s for t in tiles if t.tile in joined for s in t.seasons if s.period == period]
    tags = _tags(task, found, mosaic)
    # A COG is copied from the whole mosaic, so it is brought here from wherever it lies.
    title, is_simulated = tags["title"], task.run.simulated
    legend, second = legend_of(task, found.card), second_legend_of(task, found.card)
    with task.local(mosaic) as whole:
        require_unchanged(mosaic, whole)
        with clipped(task, whole) as (folder, n_outside):
            if folder is None:
                return None
            known = Cell(
                cell=cell,
                folder=str(folder),
                tiles=tuple(mosaic.stats["tiles"]),
                mapped=tuple(mosaic.stats["mapped"]),
                period=period,
                dates=tuple(sorted({p.date for season in seasons for p in season.used})),
                n_outside=n_outside,
            )
            view = write_cell(path, known, legend, tags, title=title, is_simulated=is_simulated)
            if view.map_picture and view.colour_picture:
                write_colours(folder, path / f"true_colour_{cell}.tif")
            return write_second(
                path, known, view, legend, second, tags, title=title, is_simulated=is_simulated
            )


def _tags(task: Task, found: RunOutputs, mosaic: Output) -> dict[str, str]:
    """Give the tags of a map's files: what they hang on."""
    joined = set(mosaic.stats["tiles"])
    return {
        "title": f"{map_title(task)}, {task.run.arguments.year}",
        "recipe": task.recipe.name,
        "mask_variant": task.recipe.mask.variant,
        "index_variant": task.recipe.features.index_variant,
        "model": found.card.id if found.card else "",
        "mosaic": mosaic.id,
        "composites": ",".join(
            s.composite.id for s in found.seasons if s.composite and s.tile in joined
        ),
        "software": f"landcover {version('landcover')}",
        "accuracy": found.headline.sentence,
        "simulated": "yes" if task.run.simulated else "no",
        "source": "simulated products"
        if task.run.simulated
        else f"contains modified Copernicus Sentinel data {task.run.arguments.year}",
    }


def _write_vectors(task: Task, view: MapView, legend: tuple[LegendClass, ...], path: Path) -> None:
    how = task.recipe.publish
    if view.map_picture is not None and how.vectors:
        # GDAL's second library is loaded by those who ask for its formats.
        from landcover.publish.vectors import write_vectors

        name = f"map_{view.cell}.tif"
        write_vectors(path, name, view.grid, legend, how.vectors, how.simplify, task.job.check)


def write_vrts(folder: Path) -> None:
    """Write virtual rasters over all cells of a grid or zone, one a kind of file.

    Args:
        folder: The report; files are named relative to it, so that it can be moved. The file of
            a whole zone needs none, and several zones have no common grid.
    """
    from landcover.stores.rasters import write_vrt

    for what in ("map", "confidence", "second", "probabilities"):
        by_grid: dict[str, list[str]] = {}
        for path in sorted(folder.glob(f"{what}_*_*.tif")):
            by_grid.setdefault(path.name.split("_")[1], []).append(path.name)
        for epsg, names in by_grid.items():
            write_vrt(folder / f"{what}_{epsg}.vrt", names)
