"""How a map agrees with the samples that were held out of training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from landcover.errors import MissingDataError
from landcover.learn.accuracy import accuracy
from landcover.nouns.output import Output
from landcover.parts.task import Task
from landcover.parts.validation.held_out_pixels import held_out_pixels, title_of
from landcover.stores.layout import ACCURACY

DESIGN = (
    "held-out groups of the training labels: chosen, not drawn at random, so this is no "
    "probability sample of the map"
)


def write_agreement(
    task: Task, maps: dict[str, Output], samples: Output, path: Path
) -> dict[str, Any]:
    """Write the accuracy report of a map at its held-out samples.

    Args:
        task: The task.
        maps: Tile → class map.
        samples: Output of the sample set.
        path: Folder to make.

    Raises:
        MissingDataError: No sample was held out where there is a map.
    """
    held, mapped = held_out_pixels(task, maps, samples)
    if held.empty:
        raise MissingDataError(
            "No sample was held out, so the map's accuracy is unknown. Give more labels: each "
            "class needs at least two separate points, polygons or fields."
        )
    report = accuracy(
        mapped,
        held["code"].to_numpy(),
        legend=task.recipe.labels.legend,
        groups=held["group"].to_numpy(),
        title=title_of(task),
        design=DESIGN,
        simulated=task.run.simulated,
        seed=task.recipe.model.seed,
    )
    rare = samples.stats["rare"]
    notes = (*report.notes, *(f"{name} was not held out: it has too few groups." for name in rare))
    report = report.model_copy(update={"notes": notes})
    path.mkdir()
    (path / ACCURACY).write_text(report.model_dump_json(indent=1))
    return {"overall": report.overall, "macro_f1": report.macro_f1, "n": report.n}
