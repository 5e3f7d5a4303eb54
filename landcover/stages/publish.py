"""Publish: one page with the maps, their accuracy and the quality of the data, and its files."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any

from landcover.errors import LandcoverError
from landcover.ledger.outputs import require_unchanged
from landcover.nouns.legend import LegendClass
from landcover.nouns.output import Output, Wanted
from landcover.nouns.stages import version_of
from landcover.parts.mapping.cells import write_vrts
from landcover.parts.preparation.quicklooks import quicklook_of_composite
from landcover.parts.provenance import FILE, make_receipt
from landcover.parts.reporting.overlap_report import seams_of
from landcover.parts.reporting.run_outputs import Findings, accuracy_of, gather, legend_of
from landcover.parts.reporting.sample_report import show_samples
from landcover.parts.task import Task
from landcover.parts.training.explanation import explanation_of
from landcover.parts.training.run_model import load_model
from landcover.parts.training.second_level import second_legend_of
from landcover.parts.validation.validated_diagnosis import show_explanation
from landcover.parts.work_grid import work_grid
from landcover.publish.outlines import outline_of
from landcover.publish.page import MapView, Page
from landcover.publish.preview import write_preview
from landcover.publish.quality import TileQuality, season_quality
from landcover.publish.quicklooks import QuicklookView
from landcover.publish.report_files import write_page
from landcover.publish.second_level import write_second
from landcover.publish.stac import Publication, write_stac
from landcover.publish.zone_files import Cell, write_cell
from landcover.stores import layout
from landcover.stores.models import ARRAYS
from landcover.tiling import tile_grid

MOST_QUICKLOOKS = 4
"""Tiles whose masks are shown on a page; the others by ``landcover quality --quicklook``."""

log = logging.getLogger(__name__)


def publish(task: Task) -> None:
    """Write the report of the run, whatever became of its parts."""
    found = gather(task)
    run, legend = task.run, legend_of(task, found.card)
    second = [_colour(c) for v in second_legend_of(task, found.card).values() for c in v]
    composites = (s.composite.id for s in found.seasons if s.composite)
    wanted = Wanted(
        stage="publish",
        version=version_of("publish"),
        unit="report",
        inputs={
            "mosaics": tuple(found.mosaics[cell].id for cell in sorted(found.mosaics)),
            "accuracy": (found.accuracy.id,) if found.accuracy else (),
            "validation": (found.validation.id,) if found.validation else (),
            "model": (found.card.id,) if found.card else (),
            "explanation": tuple(output.id for output in [explanation_of(task)] if output),
            "sample_set": (found.sample_set.id,) if found.sample_set else (),
            "labels": (run.label_id,) if run.label_id else (),
            "selections": tuple(s.choice.id for s in found.seasons if s.choice.id),
            "composites": tuple(composites),
        },
        params={
            "title": task.recipe.title,
            "recipe": task.recipe.name,
            "year": run.arguments.year,
            # Tables, not lists of lists: not every document server takes those.
            "seasons": [
                {
                    "tile": s.tile,
                    "period": s.period.name,
                    "reason": s.reason,
                    "unreadable": list(s.choice.unreadable),
                }
                for s in found.seasons
            ],
            "missing": found.missing,
            "troubles": list(found.troubles),
            # What stands at its default is not named.
            **task.recipe.publish.model_dump(mode="json", exclude_defaults=True),
            **({"second_palette": second} if second else {}),
            "simulated": run.simulated,
            "palette": [_colour(entry) for entry in legend],
        },
    )
    task.need(wanted, layout.report(wanted.id), partial(_make, task, found))


def _colour(entry: LegendClass) -> dict[str, Any]:
    return {"code": entry.code, "title": entry.title, "colour": entry.colour}


def _make(task: Task, found: Findings, path: Path) -> dict[str, Any]:
    path.mkdir()
    run, tiles = task.run, _tiles(found)
    views = []
    for number, (cell, mosaic) in enumerate(sorted(found.mosaics.items())):
        task.job.check()
        task.job.progress(number / len(found.mosaics), f"map of EPSG:{cell}")
        view = _write_cell(task, found, cell, mosaic, tiles, path)
        seams = seams_of(mosaic, legend_of(task, found.card))
        is_feathered = task.recipe.mosaic.blend == "feather"
        views.append(view.model_copy(update={**seams, "is_feathered": is_feathered}))
        _write_vectors(task, views[-1], legend_of(task, found.card), path)
    write_vrts(path)
    legend = legend_of(task, found.card)
    task.job.progress(0.8, "preview and descriptions")
    preview = write_preview(
        path,
        {f"map_{view.cell}.tif": view.grid for view in views if view.map_picture},
        legend,
        f"{task.recipe.title}, {run.arguments.year}",
        is_simulated=run.simulated,
    )
    _write_descriptions(task, found, views, path)
    quicklooks = tuple(_write_quicklooks(task, found, path))
    labels = task.workspace.records.get("labels", str(run.label_id)) or {}
    page = Page(
        title=task.recipe.title,
        year=run.arguments.year,
        recipe=task.recipe.name,
        simulated=run.simulated,
        views=tuple(views),
        tiles=tiles,
        quicklooks=quicklooks,
        legend=legend,
        preview=preview,
        accuracy_missing=found.missing.get("accuracy", ""),
        map_missing=found.missing.get("map", ""),
        zones_missing={k: v for k, v in found.missing.items() if k not in ("map", "accuracy")},
        card=found.card,
        explained=show_explanation(task, found.validation, path),
        checked=show_samples(task, found.card, path),
        troubles=found.troubles,
    )
    with ExitStack() as opened:
        report, validation = (
            opened.enter_context(task.local(output, name)) if output else None
            for output, name in (
                (found.accuracy, layout.ACCURACY),
                (found.validation, layout.VALIDATION),
            )
        )
        write_page(path, page, report, found.sample_set, labels.get("dropped", {}), validation)
    return {
        "page": "index.html",
        "maps": [f"map_{view.cell}.tif" for view in views if view.map_picture],
        "pngs": [p for v in views for p in (v.map_picture, v.colour_picture, v.second_picture) if p]
        + [quicklook.picture for quicklook in quicklooks],
    }


def _write_vectors(task: Task, view: MapView, legend: tuple[LegendClass, ...], path: Path) -> None:
    how = task.recipe.publish
    if view.map_picture is not None and how.vectors:
        # GDAL's second library is loaded by those who ask for its formats.
        from landcover.publish.vectors import write_vectors

        name = f"map_{view.cell}.tif"
        write_vectors(path, name, view.grid, legend, how.vectors, how.simplify, task.job.check)


def _write_descriptions(task: Task, found: Findings, views: list[MapView], path: Path) -> None:
    """Write the receipt and, where there is a map, the STAC documents."""
    made = [*found.mosaics.values(), *([found.accuracy] if found.accuracy else [])]
    receipt = make_receipt(task.workspace, task.run, task.recipe, sorted(o.id for o in made))
    receipt = receipt.model_copy(update={"accuracy": accuracy_of(found)})
    (path / FILE).write_text(receipt.model_dump_json(indent=1) + "\n", encoding="utf-8")
    if found.card is None:
        return
    periods = [p for s in task.recipe.spans(task.run.arguments.year) for p in s.periods]
    known = Publication(
        title=task.recipe.title,
        year=task.run.arguments.year,
        recipe=task.recipe.name,
        start=min(period.start for period in periods),
        end=max(period.end for period in periods),
        simulated=task.run.simulated,
        software=version("landcover"),
        legend=legend_of(task, found.card),
        second=tuple(c for v in second_legend_of(task, found.card).values() for c in v),
        card=found.card,
        # A report lies two folders below the root of the store, as its key says.
        arrays=f"../../{load_model(task)[0]}/{ARRAYS}",
        mosaics={cell: mosaic.id for cell, mosaic in found.mosaics.items()},
        products=tuple(dict.fromkeys(product.name for product in receipt.products)),
        periods=tuple(period.name for period in periods),
        accuracy=accuracy_of(found),
    )
    write_stac(path, known, views)


def _tiles(found: Findings) -> tuple[TileQuality, ...]:
    tiles = []
    for tile, group in groupby(found.seasons, key=lambda season: season.tile):
        seasons = list(group)
        grids = [work_grid(s.composite) for s in seasons if s.composite]
        tiles.append(
            TileQuality(
                tile=tile,
                grid=grids[0] if grids else None,
                geometry=outline_of(grids[0] if grids else tile_grid(tile)),
                seasons=tuple(
                    season_quality(
                        s.period.name,
                        s.choice.candidates,
                        s.composite,
                        unreadable=s.choice.unreadable,
                        reason=s.reason,
                    )
                    for s in seasons
                ),
            )
        )
    return tuple(tiles)


def _write_quicklooks(task: Task, found: Findings, path: Path) -> Iterator[QuicklookView]:
    """Show the masks of the tiles in which growth took most, each in its most telling season."""
    best: dict[str, tuple[float, Output]] = {}
    for season in found.seasons:
        if season.composite is not None and season.composite.wanted.inputs.get("masks"):
            gain = _grown_percent(season.composite)
            if season.tile not in best or gain > best[season.tile][0]:
                best[season.tile] = (gain, season.composite)
    ranked = sorted(best.items(), key=lambda entry: (-entry[1][0], entry[0]))
    for tile, (_, composite) in ranked[:MOST_QUICKLOOKS]:
        task.job.check()
        task.job.progress(0.9, f"masks of {tile}")
        view = _write_quicklook(task, composite, path)
        if view is not None:
            yield view


def _write_quicklook(task: Task, composite: Output, path: Path) -> QuicklookView | None:
    from landcover.publish.quicklook_picture import draw_quicklook

    try:
        quicklook = quicklook_of_composite(task, composite)
    except LandcoverError as error:
        if error.family not in ("input", "missing"):
            raise
        # Products may have been moved since they were used; the report is worth having without.
        log.warning("%s: its masks are not shown: %s", composite.unit, error)
        return None
    name = f"masks_{quicklook.tile}_{quicklook.period}.png"
    title = f"Cloud masks of {quicklook.tile}, {quicklook.period}"
    draw_quicklook(quicklook, path / name, title, is_simulated=task.run.simulated)
    return quicklook.view(name)


def _grown_percent(composite: Output) -> float:
    """Give what growth adds to the mask of the cloudiest product, % of its valid pixels."""
    cloudiest = max(composite.stats["products"], key=lambda p: (p["cloud_percent"], p["name"]))
    shares = cloudiest["mask"]
    detected = shares.get("cloud_percent", 0.0) + shares.get("shadow_percent", 0.0)
    return float(shares.get("grown_percent", 0.0) - detected)


def _write_cell(
    task: Task,
    found: Findings,
    cell: str,
    mosaic: Output,
    tiles: tuple[TileQuality, ...],
    path: Path,
) -> MapView:
    period = f"{task.run.arguments.year}-{mosaic.stats['period']}"
    joined = set(mosaic.stats["tiles"])
    seasons = [s for t in tiles if t.tile in joined for s in t.seasons if s.period == period]
    tags = {
        "title": f"{task.recipe.title}, {task.run.arguments.year}",
        "recipe": task.recipe.name,
        "mask_variant": task.recipe.mask.variant,
        "index_variant": task.recipe.features.index_variant,
        "model": found.card.id if found.card else "",
        "mosaic": mosaic.id,
        "composites": ",".join(
            s.composite.id for s in found.seasons if s.composite and s.tile in joined
        ),
        "software": f"landcover {version('landcover')}",
        "accuracy": accuracy_of(found),
        "simulated": "yes" if task.run.simulated else "no",
        "source": "simulated products"
        if task.run.simulated
        else f"contains modified Copernicus Sentinel data {task.run.arguments.year}",
    }
    # A COG is copied from the whole mosaic, so it is brought here from wherever it lies.
    title, is_simulated = tags["title"], task.run.simulated
    legend, second = legend_of(task, found.card), second_legend_of(task, found.card)
    with task.local(mosaic) as folder:
        require_unchanged(mosaic, folder)
        known = Cell(
            cell=cell,
            folder=str(folder),
            tiles=tuple(mosaic.stats["tiles"]),
            mapped=tuple(mosaic.stats["mapped"]),
            period=period,
            dates=tuple(sorted({p.date for season in seasons for p in season.used})),
        )
        view = write_cell(path, known, legend, tags, title=title, is_simulated=is_simulated)
        return write_second(
            path, known, view, legend, second, tags, title=title, is_simulated=is_simulated
        )
