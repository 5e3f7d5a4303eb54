"""What stands beside the maps of a report for machines: its receipt and its STAC documents."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from landcover.parts.provenance import FILE, make_receipt
from landcover.parts.reporting.map_region import map_title
from landcover.parts.reporting.run_outputs import RunOutputs, legend_of
from landcover.parts.task import Task
from landcover.parts.training.run_model import load_model
from landcover.parts.training.second_legend import second_legend_of
from landcover.publish.page import MapView
from landcover.publish.stac import Publication, write_stac
from landcover.stores.models import ARRAYS


def write_descriptions(task: Task, found: RunOutputs, views: list[MapView], path: Path) -> None:
    """Write the receipt and, where there is a map, the STAC documents."""
    made = [*found.mosaics.values(), *([found.accuracy] if found.accuracy else [])]
    receipt = make_receipt(task.workspace, task.run, task.recipe, sorted(o.id for o in made))
    receipt = receipt.model_copy(update={"accuracy": found.headline.sentence})
    (path / FILE).write_text(receipt.model_dump_json(indent=1) + "\n", encoding="utf-8")
    if found.card is None:
        return
    periods = [p for s in task.spans for p in s.periods]
    known = Publication(
        title=map_title(task),
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
        accuracy=found.headline.sentence,
    )
    write_stac(path, known, views)
