"""Validate the map of a run by points that no model has seen."""

from __future__ import annotations

import numpy as np
import pandas as pd

from landcover.errors import MissingDataError
from landcover.learn.bootstrap import Predictions
from landcover.nouns.grid import Grid
from landcover.nouns.output import Output
from landcover.nouns.validation import Independent
from landcover.parts.class_names import Names
from landcover.parts.mapping.map_lookup import codes_at, map_of, mapped_hectares
from landcover.parts.region import region_of
from landcover.parts.task import Task
from landcover.parts.training.run_model import load_model
from landcover.parts.training.sample_rows import read_table
from landcover.parts.validation.point_accuracy import Strata, judge
from landcover.parts.validation.reference_points import Reference, beside_training, load_reference


def validate_independently(
    task: Task,
    tiles: dict[str, Output],
    joined: dict[str, Output],
    samples: Output | None,
    names: Names,
    *,
    title: str,
) -> tuple[Independent, Predictions]:
    """Read the joined map at the test points of the run and compare.

    Args:
        task: The run; it has test points.
        tiles: Class map of each tile.
        joined: Mosaic of each zone.
        samples: Sample set of the model; None where it is not known here.
        names: Names of the classes.
        title: What is compared.

    Returns:
        What was found, and the answers point by point.

    Raises:
        MissingDataError: No test point is left on the map.
    """
    reference, points, notes = points_apart(task, tiles, samples)
    region = region_of(task)
    maps = [
        map_of(task.workspace, one, region)
        for _, one in sorted(joined.items())
        if "grid" in one.stats
    ]
    mapped = codes_at(maps, points)
    if not (mapped > 0).any():
        raise MissingDataError(
            f"None of the {len(points)} test points (--test-labels) lies on the map; check that "
            "they belong to its tiles."
        )
    strata = (
        Strata(points["stratum"].to_numpy(np.int64), reference.stratum_area)
        if reference.stratum_area
        else None
    )
    found = judge(
        mapped,
        points,
        mapped_hectares(maps),
        names,
        design=reference.design,
        title=title,
        strata=strata,
        simulated=task.run.simulated,
    )
    agreement = found.agreement.model_copy(update={"notes": (*found.agreement.notes, *notes)})
    predictions = Predictions(
        mapped.astype(np.int64),
        points["code"].to_numpy(np.int64),
        points["group"].to_numpy().astype(np.str_),
    )
    return found.model_copy(update={"agreement": agreement}), predictions


def points_apart(
    task: Task, tiles: dict[str, Output], samples: Output | None
) -> tuple[Reference, pd.DataFrame, list[str]]:
    """Give the test points of a run without those beside a training point.

    Args:
        task: The run; it has test points.
        tiles: Class map of each tile.
        samples: Sample set of the model; None where it is not known here.

    Returns:
        The reference, its points that are left, and what a reader must know.
    """
    reference = load_reference(task.workspace, str(task.run.test_label_id))
    points = reference.points
    notes = list(reference.notes)
    if samples is None:
        notes.append("Where the model was trained is not known here: nothing was left out.")
        return reference, points, notes
    table = read_table(task, samples)
    if load_model(task)[1].fit == "split":
        table = table[table["is_train"]]
    near = beside_training(points, table, grids_of(tiles))
    notes.append(
        f"{int(near.sum())} of {len(points)} test points lie within 3x3 pixels of a training "
        "point and were left out."
    )
    return reference, points[~near].reset_index(drop=True), notes


def grids_of(tiles: dict[str, Output]) -> dict[str, Grid]:
    """Give the grid of each tile's class map."""
    return {tile: Grid.from_document(one.stats["grid"]) for tile, one in tiles.items()}
