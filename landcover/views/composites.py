"""The composites of a tile as one lazy xarray dataset along time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import xarray
from xarray.core import indexing

from landcover.errors import InputError, MissingDataError
from landcover.ledger import outputs, units
from landcover.nouns.grid import Grid
from landcover.nouns.output import Output
from landcover.nouns.period import Period
from landcover.stores.workspace import Workspace
from landcover.views.conventions import coordinates, layer_attributes, placed
from landcover.views.rasters import StoredArray, TimeArray


def open_composite(
    workspace: Workspace, tile: str, period: str, recipe: str | None = None
) -> xarray.Dataset:
    """Open the newest composites of a tile (see :func:`landcover.api.open_composite`)."""
    newest: dict[str, Output] = {}
    for output in _composites(workspace, tile, period, recipe):
        newest.setdefault(output.unit, output)
        if not period.isdigit():
            break
    if not newest:
        raise MissingDataError(f"{tile} {period}: no composite in this workspace. Run it first.")
    return _dataset(workspace, sorted(newest.values(), key=lambda output: _period(output).start))


def _composites(
    workspace: Workspace, tile: str, period: str, recipe: str | None
) -> Iterator[Output]:
    """Find the composites of a period, or of the periods of a year, the newest first."""
    # "." is the sign after "-": everything between them begins with the year and a dash.
    year = {"$gte": f"{tile}/{period}-", "$lt": f"{tile}/{period}."}
    where = {
        # The newest of a run that restores is what was restored.
        "wanted.stage": {"$in": ["composite", "restore"]},
        "wanted.unit": year if period.isdigit() else f"{tile}/{period}",
    }
    found = workspace.records.find(outputs.COLLECTION, where, sort=["-created"])
    if recipe is not None:
        of_recipe = {
            output
            for run in workspace.records.find("runs", {"run.recipe_id": recipe})
            for stage in ("composite", "restore")
            for state in units.states(workspace.records, run["_id"], stage)
            for output in state.outputs
        }
        found = [document for document in found if document["_id"] in of_recipe]
    for document in found:
        output = outputs.find(workspace, document["_id"])
        if output is not None and output.stats["layers"]:
            yield output


def _dataset(workspace: Workspace, composites: Sequence[Output]) -> xarray.Dataset:
    grids = [_grids(output) for output in composites]
    grid = min((g for own in grids for g in own.values()), key=lambda g: g.pixel)
    for output, own in zip(composites, grids, strict=True):
        finest = min(own.values(), key=lambda g: g.pixel)
        try:
            finest.ratio_to(grid)
        except InputError as error:
            raise InputError(f"{output.unit}: {error} Open its periods one by one.") from error
    periods = [_period(output) for output in composites]
    starts = [np.datetime64(period.start.replace(tzinfo=None), "ns") for period in periods]
    return xarray.Dataset(
        {
            layer: _variable(workspace, composites, grids, layer, grid)
            for layer in dict.fromkeys(layer for own in grids for layer in own)
        },
        coords={
            **coordinates(grid),
            "time": ("time", np.array(starts), {"long_name": "first day of the period"}),
            "period": ("time", [period.name for period in periods]),
        },
        attrs={
            "id": " ".join(output.id for output in composites),
            "crs": grid.crs,
            "transform": grid.transform,
        },
    )


def _variable(
    workspace: Workspace,
    composites: Sequence[Output],
    grids: Sequence[dict[str, Grid]],
    layer: str,
    grid: Grid,
) -> xarray.Variable:
    rasters = [
        StoredArray(outputs.href(workspace, output, f"{layer}.tif"), own[layer], grid, layer)
        if layer in own
        else None
        for output, own in zip(composites, grids, strict=True)
    ]
    array = indexing.LazilyIndexedArray(TimeArray(rasters, grid))
    return placed(xarray.Variable(("time", "y", "x"), array, layer_attributes(layer)))


def _grids(output: Output) -> dict[str, Grid]:
    return {layer: Grid.from_document(g) for layer, g in output.stats["layers"].items()}


def _period(output: Output) -> Period:
    return Period.from_document(output.stats["period"])
