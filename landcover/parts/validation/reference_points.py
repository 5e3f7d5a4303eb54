"""Reference points that judge a map: read, kept with a run, kept apart from training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landcover.labels.assignment import assign_points
from landcover.ledger import tables
from landcover.ledger.claims import claimed
from landcover.ledger.outputs import sha256_of
from landcover.nouns.area import Design
from landcover.nouns.grid import Grid
from landcover.nouns.output import hash_of
from landcover.parts.training.ground_truth import read_ground_truth
from landcover.parts.validation.reference_files import files_name, require_there
from landcover.recipe import Labels, Recipe
from landcover.stores import layout
from landcover.stores.workspace import Workspace

COLUMNS = ("lon", "lat", "code", "group", "stratum")


@dataclass(frozen=True)
class Reference:
    """Points of known class, and how they were drawn."""

    points: pd.DataFrame
    """``lon``, ``lat`` (degrees), ``code``, ``group``, ``stratum`` (0 where there is none)."""
    design: Design
    """How they were drawn."""
    stratum_area: Mapping[int, float]
    """Stratum → hectares; empty where the file is no field sheet."""
    notes: tuple[str, ...] = ()
    """What a reader must know, one sentence each."""


def read_reference(
    path: Path, labels: Labels, design: Design | None, *, seed: int = 0
) -> Reference:
    """Read reference points.

    Args:
        path: Field sheet of ``landcover design``, or any file of labels.
        labels: How labels are read.
        design: How the points were drawn; None: as the sheet says, else unknown.
        seed: Seed of points that are drawn from polygons or rasters.

    Raises:
        InputError: The file is absent or wrong.
    """
    require_there(path)
    # Tables and their libraries cost a second; a run without test points needs none of them.
    from landcover.labels.field_sheet import read_sheet
    from landcover.labels.reading import known_mapping

    sheet = (
        read_sheet(path, labels.legend, known_mapping(labels.mapping, labels.legend))
        if path.is_file()
        else None
    )
    if sheet is None:
        table = read_ground_truth(labels, str(path), seed)
        points = table.points[["lon", "lat", "code", "group"]].assign(stratum=0)
        return Reference(points[list(COLUMNS)], design or "unknown", {}, table.warnings)
    notes: tuple[str, ...] = ()
    if sheet.n_empty:
        total = sheet.n_empty + len(sheet.points)
        notes = (
            f"{sheet.n_empty} of {total} points of the sheet have no label; the intervals hold if "
            "chance alone decided which.",
        )
    design = design or "stratified"
    area = sheet.stratum_area if design == "stratified" else {}
    return Reference(sheet.points[list(COLUMNS)], design, area, notes)


def store_reference(workspace: Workspace, recipe: Recipe, path: Path, design: Design | None) -> str:
    """Read the test points of a run into the workspace and name them by their content.

    Args:
        workspace: Where they go.
        recipe: How labels are read.
        path: See :func:`read_reference`.
        design: See :func:`read_reference`.

    Raises:
        InputError: The file is absent or wrong.
    """
    files = files_name(recipe, path, design)
    found = read_reference(path, recipe.labels, design, seed=recipe.model.seed)
    table = found.points.reset_index(drop=True)
    area = {str(stratum): hectares for stratum, hectares in sorted(found.stratum_area.items())}
    document = {
        "source": path.name,
        "design": found.design,
        "stratum_area": area,
        "notes": list(found.notes),
    }
    reference_id = hash_of([table.to_dict("list"), document])
    key = layout.labels(reference_id)
    with claimed(workspace.records, reference_id), workspace.objects.publishing(key) as scratch:
        table.to_parquet(scratch, compression="zstd", index=False)
        checksum = sha256_of(scratch)
    kept = {"_id": reference_id, "table_sha256": checksum, "files_name": files, **document}
    workspace.records.replace_one("labels", kept)
    return reference_id


def load_reference(workspace: Workspace, reference_id: str) -> Reference:
    """Load the test points of a run."""
    with tables.local(workspace, "labels", reference_id, layout.labels(reference_id)) as path:
        points = pd.read_parquet(path)
    document = workspace.records.get("labels", reference_id) or {}
    return Reference(
        points,
        document["design"],
        {int(stratum): hectares for stratum, hectares in document["stratum_area"].items()},
        tuple(document["notes"]),
    )


def beside_training(
    points: pd.DataFrame, trained: pd.DataFrame, grids: Mapping[str, Grid]
) -> NDArray[np.bool_]:
    """Find points within the 3x3 pixels of a point that trained.

    Args:
        points: ``lon`` and ``lat``, degrees.
        trained: ``tile``, ``row``, ``column``, ``dx`` and ``dy`` of the training pixels.
        grids: Grid of each tile.

    Returns:
        True on points to leave out, bool, (n,).
    """
    near = np.zeros(len(points), dtype=np.bool_)
    numbered = points[["lon", "lat"]].assign(number=np.arange(len(points)))
    # A point may lie in several tiles, and may train in another one than it is read from.
    for tile, mine in assign_points(numbered, grids, "all").items():
        pixels = trained[trained["tile"] == tile]
        centres = {
            (row, column)
            for row, column in zip(
                pixels["row"] - pixels["dy"], pixels["column"] - pixels["dx"], strict=True
            )
        }
        for number, row, column in zip(mine["number"], mine["row"], mine["column"], strict=True):
            block = ((row + dy, column + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1))
            near[number] |= any(pixel in centres for pixel in block)
    return near
