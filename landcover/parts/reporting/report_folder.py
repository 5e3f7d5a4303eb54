"""The folder of a report: maps first, then the page that shows them."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from landcover.parts.reporting.descriptions import write_descriptions
from landcover.parts.reporting.map_region import map_title
from landcover.parts.reporting.mask_quicklooks import write_quicklooks
from landcover.parts.reporting.refined_masks import write_refined
from landcover.parts.reporting.report_maps import write_maps
from landcover.parts.reporting.run_outputs import RunOutputs, legend_of
from landcover.parts.reporting.sample_report import show_samples
from landcover.parts.reporting.tile_qualities import tile_qualities
from landcover.parts.task import Task
from landcover.parts.validation.validated_diagnosis import show_explanation
from landcover.publish.page import Page
from landcover.publish.preview import write_preview
from landcover.publish.report_files import write_page
from landcover.stores import layout


def write_report(task: Task, found: RunOutputs, path: Path) -> dict[str, Any]:
    """Write the report of a run: its page, maps and descriptions.

    Args:
        task: The task.
        found: What the run has.
        path: Folder to make.

    Returns:
        ``page``, ``maps`` and ``pngs``: names of files in it.
    """
    path.mkdir()
    run, tiles = task.run, tile_qualities(found)
    views = write_maps(task, found, tiles, path)
    legend = legend_of(task, found.card)
    task.job.progress(0.8, "preview and descriptions")
    preview = write_preview(
        path,
        [view for view in views if view.map_picture],
        legend,
        f"{map_title(task)}, {run.arguments.year}",
        is_simulated=run.simulated,
    )
    write_descriptions(task, found, views, path)
    quicklooks = tuple(write_quicklooks(task, found, path))
    refined = tuple(write_refined(task, path))
    labels = task.workspace.records.get("labels", str(run.label_id)) or {}
    page = Page(
        title=map_title(task),
        year=run.arguments.year,
        recipe=task.recipe.name,
        simulated=run.simulated,
        views=tuple(views),
        tiles=tiles,
        quicklooks=quicklooks,
        refined=refined,
        legend=legend,
        preview=preview,
        accuracy_missing=found.missing.get("accuracy", ""),
        quoted=found.headline,
        map_missing=found.missing.get("map", ""),
        zones_missing={k: v for k, v in found.missing.items() if k not in ("map", "accuracy")},
        card=found.card,
        explained=show_explanation(task, found.validation, path),
        checked=show_samples(task, found.card, path),
        holes=found.holes,
        differs_percent=found.differs_percent,
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
        + [quicklook.picture for quicklook in quicklooks]
        + [tile.picture for tile in refined if tile.picture],
    }
