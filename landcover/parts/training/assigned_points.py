"""The labels of a run divided among its tiles: once, by the first unit that needs them.

Every sample unit needs the points of its own tile only. They lie in one table with a part of its
own for each tile, so what a unit reads does not grow with the labels of the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa

from landcover.labels.assignment import assign_points
from landcover.ledger import tables
from landcover.ledger.claims import claimed
from landcover.ledger.outputs import sha256_of
from landcover.nouns.output import hash_of
from landcover.parts.prepared import prepared
from landcover.parts.task import Task
from landcover.parts.training.ground_truth import store_labels
from landcover.stores import layout

COLLECTION = "assignments"
VERSION = 2
"""Raised when points are assigned otherwise, or lie otherwise in the file."""
POSITION = "position"
"""Column that keeps the place of a point in the labels."""


def points_of_tile(task: Task) -> tuple[pd.DataFrame | None, int]:
    """Read the labels that belong to the unit's tile.

    Args:
        task: A unit of a tile; its run has labels.

    Returns:
        The points with ``row`` and ``column`` of their pixel on the work grid, in the order of the
        labels, None where the tile has none; and the number of labels of the run.
    """
    found_tiles = prepared(task)
    grids, mode = found_tiles.grids, task.recipe.labels.assign
    key = hash_of([VERSION, task.run.label_id, mode, found_tiles.lattices])
    records, tile = task.workspace.records, str(task.unit.tile)
    document = records.get(COLLECTION, key)
    place = layout.assigned(key)
    if document is None or not task.workspace.objects.exists(place):
        label_id = str(task.run.label_id)
        if task.is_dry:
            _read_new(task, label_id)
        with tables.local(task.workspace, "labels", label_id, layout.labels(label_id)) as path:
            points = pd.read_parquet(path)
        found = assign_points(points, grids, mode)
        if not task.is_dry:
            _keep(task, key, found, len(points))
        return found.get(tile), len(points)
    part = document["parts"].get(tile)
    if part is None:
        return None, int(document["points"])
    with tables.local(task.workspace, COLLECTION, key, place) as path:
        return _read(path, part), int(document["points"])


def _read_new(task: Task, label_id: str) -> None:
    """Read labels that a plan only named, where it turns out to need them."""
    arguments = task.run.arguments
    if arguments.labels and task.workspace.records.get("labels", label_id) is None:
        store_labels(
            task.workspace, task.recipe, arguments.labels, arguments.tiles, arguments.label_map
        )


def _keep(task: Task, key: str, found: Mapping[str, pd.DataFrame], n_points: int) -> None:
    objects, records = task.workspace.objects, task.workspace.records
    with claimed(records, key, task.pace), objects.publishing(layout.assigned(key)) as scratch:
        _write(scratch, found)
        checksum = sha256_of(scratch)
    records.replace_one(
        COLLECTION,
        {
            "_id": key,
            "table_sha256": checksum,
            "points": n_points,
            "parts": {tile: number for number, tile in enumerate(found)},
        },
    )


def _write(path: Path, found: Mapping[str, pd.DataFrame]) -> None:
    """Write a record batch for each tile, all with the schema of the first.

    Of a file of Arrow a reader loads the batch that it asks for; Parquet would have it read what
    is known of all columns of all tiles first.
    """
    tables = [
        pa.Table.from_pandas(points.rename_axis(POSITION).reset_index(), preserve_index=False)
        for points in found.values()
    ]
    if not tables:
        path.touch()
        return
    schema = tables[0].schema
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema, options=options) as out:
        for table in tables:
            batches = table.cast(schema).combine_chunks().to_batches()
            out.write_batch(batches[0] if batches else pa.RecordBatch.from_pylist([], schema))


def _read(path: Path, number: int) -> pd.DataFrame:
    """Read the batch of one tile."""
    with pa.OSFile(str(path)) as file:
        points: pd.DataFrame = pa.ipc.open_file(file).get_batch(number).to_pandas()
    return points.set_index(POSITION).rename_axis(None)
