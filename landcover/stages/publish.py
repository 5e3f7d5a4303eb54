"""Publish: one page with the maps, their accuracy and the quality of the data, and its files."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from landcover.nouns.legend import LegendClass
from landcover.nouns.output import Wanted
from landcover.nouns.stages import version_of
from landcover.parts.reporting.map_region import map_title
from landcover.parts.reporting.run_outputs import RunOutputs, legend_of, load_run_outputs
from landcover.parts.task import Task
from landcover.parts.training.run_explanation import explanation_of
from landcover.parts.training.second_legend import second_legend_of
from landcover.stores import layout


def publish(task: Task) -> None:
    """Write the report of the run, whatever became of its parts."""
    found = load_run_outputs(task)
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
            "title": map_title(task),
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
            **({"region": run.region_id} if run.region_id else {}),
            "palette": [_colour(entry) for entry in legend],
        },
    )
    task.need(wanted, layout.report(wanted.id), partial(_write, task, found))


def _colour(entry: LegendClass) -> dict[str, Any]:
    return {"code": entry.code, "title": entry.title, "colour": entry.colour}


def _write(task: Task, found: RunOutputs, path: Path) -> dict[str, Any]:
    # Pictures, pages and what reads models: who only plans needs none of it.
    from landcover.parts.reporting.report_folder import write_report

    return write_report(task, found, path)
