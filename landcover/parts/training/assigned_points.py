"""The labels of a run divided among its tiles: once, by the first unit that needs them.

Every sample unit needs the points of its own tile only. They lie in one table with a part of its
own for each tile, so what a unit reads does not grow with the labels of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from landcover.ledger import tables
from landcover.ledger.claims import claimed
from landcover.ledger.outputs import sha256_of
from landcover.nouns.grid import Grid
from landcover.nouns.output import hash_of
from landcover.parts.prepared import prepared
from landcover.parts.task import Task
from landcover.stores import layout

if TYPE_CHECKING:
    import pandas as pd

    from landcover.labels.assignment import Mode

COLLECTION = "assignments"
VERSION = 2
"""Raised when points are assigned otherwise, or lie otherwise in the file."""
POSITION = "position"
"""Column that keeps the place of a point in the labels."""


@dataclass(frozen=True)
class TilePoints:
    """The labels of a tile, known before they are read."""

    id: str
    """Name of all their values, in the order of the labels."""
    has_second: bool
    """Whether one has a class of the second level."""
    read: Callable[[], pd.DataFrame]
    """Reads them: ``row`` and ``column`` are their pixel on the work grid."""


def points_of_tile(task: Task) -> tuple[TilePoints | None, int]:
    """Find the labels that belong to the unit's tile.

    Args:
        task: A unit of a tile; its run has labels.

    Returns:
        The labels, None where the tile has none; and the number of labels of the run.
    """
    found_tiles = prepared(task)
    grids, mode = found_tiles.grids, task.recipe.labels.assign
    key = hash_of([VERSION, task.run.label_id, mode, found_tiles.lattices])
    records, tile = task.workspace.records, str(task.unit.tile)
    document = records.get(COLLECTION, key)
    if document is None or not task.workspace.objects.exists(layout.assigned(key)):
        found, n_points = _assign(task, grids, mode)
        if not task.is_dry:
            _keep(task, key, found, n_points)
        return (_told(found[tile]) if tile in found else None), n_points
    part, n_points = document["parts"].get(tile), int(document["points"])
    if part is None:
        return None, n_points
    read = partial(_read_part, task, key, part)
    known = document.get("ids", {}).get(tile)
    if known is None:  # assigned before ids were kept
        return _told(read()), n_points
    return TilePoints(known, tile in document["second"], read), n_points


def _assign(
    task: Task, grids: Mapping[str, Grid], mode: Mode
) -> tuple[dict[str, pd.DataFrame], int]:
    import pandas as pd

    from landcover.labels.assignment import assign_points

    label_id = str(task.run.label_id)
    if task.is_dry:
        _read_new(task, label_id)
    with tables.local(task.workspace, "labels", label_id, layout.labels(label_id)) as path:
        points = pd.read_parquet(path)
    return assign_points(points, grids, mode), len(points)


def _told(points: pd.DataFrame) -> TilePoints:
    return TilePoints(id_of(points), has_second(points), lambda: points)


def id_of(points: pd.DataFrame) -> str:
    """Name points by all their values and places."""
    return hash_of(points.to_dict("split"))


def has_second(points: pd.DataFrame) -> bool:
    """Tell whether a point has a class of the second level; older tables have no column of it."""
    return "code2" in points.columns and bool(points["code2"].any())


def _read_new(task: Task, label_id: str) -> None:
    """Read labels that a plan only named, where it turns out to need them."""
    from landcover.parts.training.ground_truth import store_labels

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
            # What a unit goes by, so that one whose table is there need not read its points.
            "ids": {tile: id_of(points) for tile, points in found.items()},
            "second": [tile for tile, points in found.items() if has_second(points)],
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


def _read_part(task: Task, key: str, part: int) -> pd.DataFrame:
    with tables.local(task.workspace, COLLECTION, key, layout.assigned(key)) as path:
        return _read(path, part)


def _read(path: Path, number: int) -> pd.DataFrame:
    """Read the batch of one tile."""
    with pa.OSFile(str(path)) as file:
        points: pd.DataFrame = pa.ipc.open_file(file).get_batch(number).to_pandas()
    return points.set_index(POSITION).rename_axis(None)
