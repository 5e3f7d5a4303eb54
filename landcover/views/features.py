"""The feature stack of a prepared tile, for people: lazily, or as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray
from numpy.typing import NDArray
from xarray.core import indexing

from landcover.errors import InputError, MissingDataError
from landcover.features.stack import Documents, FeatureStack
from landcover.ledger import lookup, runs
from landcover.nouns.grid import Grid, Window
from landcover.nouns.model import FeatureSet, feature_set
from landcover.nouns.run import Unit
from landcover.parts.task import Task
from landcover.parts.training.model_lookup import load_model
from landcover.parts.training.run_features import run_features
from landcover.parts.work_grid import composites_of, terrain_of, tile_work_grid
from landcover.stores.workspace import Workspace
from landcover.views.conventions import NODATA, coordinates, placed
from landcover.views.exporting import (
    Format,
    Part,
    begin_cube,
    drop_cube,
    fill_cube,
    finish_cube,
    write_rasters,
)
from landcover.views.rasters import ReadArray

CHUNK = {"y": 512, "x": 512}
"""Pixels of a piece that is computed at once: 72 features are 75 MB."""


class _FeatureArray(ReadArray):
    """(feature, y, x), computed for what an index names."""

    def __init__(self, task: Task, tile: str, features: FeatureSet, grid: Grid) -> None:
        self._task, self._tile, self._features, self._grid = task, tile, features, grid
        # First passes over the tile are made once for all that is read of it.
        self._documents: Documents = {}
        self.shape = (len(features.features), *grid.shape)
        self.dtype = np.dtype(np.float32)

    def _read_planes(self, chosen: Sequence[Sequence[int]], window: Window) -> NDArray[Any]:
        return self._stack_of(chosen[0]).read(window)

    def _read_pixels(
        self, chosen: Sequence[Sequence[int]], rows: NDArray[Any], columns: NDArray[Any]
    ) -> NDArray[Any]:
        return self._stack_of(chosen[0]).read_at(rows, columns)

    def _stack_of(self, chosen: Sequence[int]) -> FeatureStack:
        # Layers that no chosen feature needs are not opened.
        mine = feature_set(self._features.features[i] for i in chosen)
        return _stack(self._task, self._tile, mine, self._grid, self._documents)


def open_features(
    workspace: Workspace,
    tile: str,
    window: Window | tuple[int, int, int, int] | None = None,
    features: FeatureSet | str | None = None,
    *,
    run: str | None = None,
) -> xarray.DataArray:
    """Open the features of a tile (see :func:`landcover.api.open_features`)."""
    task = _task_of(workspace, tile, run)
    grid = tile_work_grid(task, tile)
    chosen = _chosen(task, workspace, features)
    lazy = indexing.LazilyIndexedArray(_FeatureArray(task, tile, chosen, grid))
    says = {"long_name": "features of a classifier", NODATA: np.float32(np.nan)}
    variable = placed(xarray.Variable(("feature", "y", "x"), lazy, says))
    variable.encoding["preferred_chunks"] = CHUNK
    array = xarray.DataArray(
        variable,
        coords={"feature": list(chosen.names), **coordinates(grid)},
        name="features",
        attrs={
            **says,
            "tile": tile,
            "run": task.run.id,
            "features": chosen.id,
            "crs": grid.crs,
            "feature_set": chosen.to_json(),
            "index_variant": task.recipe.features.index_variant,
        },
    )
    if window is None:
        return array
    place = Window(*window)
    _require_inside(tile, place, grid)
    rows, columns = place.slices
    return array[:, rows, columns]


def export_features(
    workspace: Workspace,
    tile: str,
    folder: Path,
    names: Sequence[str] = (),
    *,
    run: str | None = None,
    memory_gb: float = 1.0,
    window: Window | tuple[int, int, int, int] | None = None,
    form: Format = "geotiff",
) -> list[Path]:
    """Write the features of a tile or window as classification computes them.

    Args:
        workspace: Where the composites are.
        tile: Tile id.
        folder: Existing folder; GeoTIFFs of the same names are replaced.
        names: Features by name; all of the run if empty.
        run: Run that prepared the tile; the newest if None.
        memory_gb: Memory that windows may take, GB.
        window: Row, column, height and width on the work grid; the whole tile if None.
        form: ``geotiff`` and ``cog``: one file a feature; ``zarr``: one cube, ``features.zarr``
            with ``features`` (feature, y, x).

    Returns:
        The files, float32 with NaN as nodata, in the order of the features; or the cube.

    Raises:
        InputError: A feature does not exist, the window is not inside the tile, or there is a cube.
        MissingDataError: No run prepared the tile.
        UnavailableError: The disk is full.
    """
    task = _task_of(workspace, tile, run)
    chosen = _named(run_features(task)[0], names)
    grid = tile_work_grid(task, tile)
    place = None if window is None else Window(*window)
    if place is not None:
        _require_inside(tile, place, grid)
    part = Part(grid, place, memory_gb)
    told = {"tile": tile, "run": task.run.id, "features": chosen.id, "crs": grid.crs}
    cube = begin_cube(folder, chosen, part, told) if form == "zarr" else None
    written = []
    try:
        # A season at a time: its layers are read once for all its features.
        for period in dict.fromkeys(feature.period for feature in chosen.features):
            mine = feature_set(f for f in chosen.features if f.period == period)
            stack = _stack(task, tile, mine, grid)
            if cube is None:
                written += write_rasters(stack, mine.names, part, folder, form)
            else:
                fill_cube(cube, [chosen.names.index(name) for name in mine.names], stack, part)
    except BaseException:
        if cube is not None:
            drop_cube(cube)
        raise
    if cube is not None:
        finish_cube(cube)
        return [cube]
    by_name = {path.stem: path for path in written}
    return [by_name[name] for name in chosen.names]


def _stack(
    task: Task, tile: str, features: FeatureSet, grid: Grid, documents: Documents | None = None
) -> FeatureStack:
    composites, terrain = composites_of(task, tile), terrain_of(task, tile)
    return FeatureStack(task, grid, composites, terrain, features, documents)


def _chosen(task: Task, workspace: Workspace, features: FeatureSet | str | None) -> FeatureSet:
    if features is None:
        return run_features(task)[0]
    if isinstance(features, FeatureSet):
        return features
    return load_model(lambda: workspace, features).card.features


def _named(features: FeatureSet, names: Sequence[str]) -> FeatureSet:
    unknown = [name for name in names if name not in features.names]
    if unknown:
        raise InputError(
            f"Features {', '.join(unknown)}: expected some of {', '.join(features.names)}."
        )
    return feature_set(f for f in features.features if not names or f.name in names)


def _task_of(workspace: Workspace, tile: str, run: str | None) -> Task:
    where = {"_id": lookup.find_run(workspace, run)} if run else None
    for record in workspace.records.find("runs", where, sort=runs.NEWEST_FIRST):
        found, recipe = runs.load(workspace, record["_id"])
        task = Task(workspace, found, recipe, Unit(id=tile, label=tile, tile=tile))
        if tile not in found.arguments.tiles:
            continue
        try:
            composites_of(task, tile)
            terrain_of(task, tile)
        except MissingDataError:
            continue
        return task
    which = f"run {run}" if run else "no run of this workspace"
    raise MissingDataError(
        f"{tile}: {which} has all its seasons and its terrain. Run the recipe first, at least "
        "until terrain."
    )


def _require_inside(tile: str, window: Window, grid: Grid) -> None:
    height, width = grid.shape
    if (
        min(window.row, window.column) < 0
        or min(window.height, window.width) < 1
        or window.row + window.height > height
        or window.column + window.width > width
    ):
        raise InputError(
            f"{tile}: the window row {window.row}, column {window.column}, {window.height} x "
            f"{window.width} px is not inside its {height} x {width} px."
        )
