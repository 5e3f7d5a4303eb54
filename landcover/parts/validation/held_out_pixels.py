"""The samples that did not train, and the class that the map has there."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landcover.nouns.grid import Grid
from landcover.nouns.output import Output
from landcover.parts.mapping.map_lookup import codes_of
from landcover.parts.mapping.map_rasters import CLASSES
from landcover.parts.task import Task
from landcover.parts.training.sample_set import read_table


def held_out_pixels(
    task: Task, maps: dict[str, Output], samples: Output
) -> tuple[pd.DataFrame, NDArray[np.uint8]]:
    """Read the samples that did not train, and the map there, uint8, 0 where it has no class."""
    table = read_table(task, samples)
    held = table[~table["is_train"] & table["tile"].isin(list(maps))].reset_index(drop=True)
    mapped = np.zeros(len(held), dtype=np.uint8)
    for tile, rows in held.groupby("tile"):
        output = maps[str(tile)]
        mapped[rows.index.to_numpy()] = codes_of(
            task.href(output, CLASSES),
            Grid.from_document(output.stats["grid"]),
            rows["row"].to_numpy(),
            rows["column"].to_numpy(),
        )
    return held, mapped


def title_of(task: Task) -> str:
    """Name the map of a run."""
    return f"{task.recipe.title}, {task.run.arguments.year}"
