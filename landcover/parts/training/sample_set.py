"""The sample set of a run: the tiles' tables joined, with the groups that train kept apart."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from landcover.errors import MissingDataError
from landcover.nouns.model import FeatureSet
from landcover.nouns.output import Output, Wanted
from landcover.parts.task import Task
from landcover.stores import layout

VERSION = 1


def need_sample_set(task: Task, features: FeatureSet) -> Output:
    """Make the sample set of the run, or find it.

    Raises:
        MissingDataError: No tile has samples, and no library was given instead of labels.
    """
    tables = [output for _, output in task.all_outputs("sample")]
    library = task.run.library_id
    if not tables and (library is None or task.run.label_id is not None):
        raise MissingDataError(
            "No label lies in any tile that could be prepared, so nothing can be trained. "
            "Check that labels and tiles belong together (are longitude and latitude swapped?)."
        )
    wanted = Wanted(
        stage="train",
        version=VERSION,
        unit="samples",
        inputs={
            "samples": tuple(sorted(output.id for output in tables)),
            **({"library": (library,)} if library is not None else {}),
        },
        params={
            **task.recipe.model.model_dump(include={"train_fraction", "rare_classes", "seed"}),
            # The second level moves groups of the split only where a recipe reads one.
            **({"divides": "second"} if reads_second(task) else {}),
            # The tables of the tiles hold their features; a library is cut to those of the run.
            **({"features": features.id} if library is not None else {}),
        },
    )
    make = partial(_write, task, tables, features)
    return task.need(wanted, layout.sample_set(wanted.id), make)


def reads_second(task: Task) -> bool:
    """Tell whether the recipe names a column of the second level."""
    labels = task.recipe.labels
    return labels.second is not None or any(one.second is not None for one in labels.sources)


def _write(task: Task, tables: list[Output], features: FeatureSet, path: Path) -> dict[str, Any]:
    # What reads and divides tables: who only plans needs none of it.
    from landcover.parts.training.sample_rows import write_sample_set

    return write_sample_set(task, tables, features, path)
