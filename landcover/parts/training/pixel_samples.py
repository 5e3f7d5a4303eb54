"""The sample table of a tile: the pixels around its points, with their features."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from landcover.errors import InputError
from landcover.features.stack import FeatureStack
from landcover.learn.samples import expand_points
from landcover.nouns.grid import Grid
from landcover.nouns.model import FeatureSet
from landcover.nouns.uses import USE
from landcover.parts.task import Task
from landcover.parts.training.assigned_points import has_second


def write_samples(
    task: Task,
    points: pd.DataFrame,
    grid: Grid,
    stack: FeatureStack,
    features: FeatureSet,
    path: Path,
) -> dict[str, Any]:
    """Write the sample table of a tile.

    Args:
        task: Unit, recipe and job.
        points: Labels of the tile with ``row`` and ``column`` of its grid.
        grid: Work grid of the tile.
        stack: Its features.
        features: Their names, the table's columns.
        path: File to write, Parquet: one row a pixel, features float32 with NaN nodata.

    Returns:
        Numbers of points, rows, rows with nodata and conflicts, and rows by label.

    Raises:
        InputError: Every pixel is claimed by two classes.
    """
    points = points.reset_index(drop=True)
    pixels = expand_points(
        points["row"],
        points["column"],
        points["code"],
        points["point_id"],
        grid.shape,
        neighbourhood=points["neighbourhood"].clip(upper=task.recipe.labels.neighbourhood),
    )
    if pixels.empty:
        raise InputError(f"{task.unit.label}: every sample pixel is claimed by two classes.")
    task.job.progress(0.1, f"{task.unit.label} samples")
    values = stack.read_at(pixels["row"].to_numpy(), pixels["column"].to_numpy()).T
    of_point = points.loc[pixels["point_index"]].reset_index(drop=True)
    told = ["point_id", "lon", "lat", "label", "code", "group", "source"]
    further = ["code2"] if has_second(points) else []
    further += [name for name in (USE, "times") if name in points.columns]
    table = pd.concat(
        [
            of_point[[*told, *further]],
            pixels[["row", "column", "dx", "dy"]]
            .reset_index(drop=True)
            .assign(tile=task.unit.tile),
            pd.DataFrame(values, columns=list(features.names)),
        ],
        axis="columns",
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(path, compression="zstd", index=False)
    return {
        "n_points": len(points),
        "n_rows": len(table),
        "n_rows_with_nodata": int(np.isnan(values).any(axis=1).sum()),
        "counts": {str(k): int(v) for k, v in table["label"].value_counts().sort_index().items()},
        "conflicts": int(pixels.attrs["n_conflict_pixels"]),
        **({"chosen_seasons": chosen} if (chosen := stack.chosen_seasons) else {}),
    }
