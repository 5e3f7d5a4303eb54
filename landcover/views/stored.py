"""Composites and maps of a workspace as lazy xarray objects."""

from __future__ import annotations

import xarray
from xarray.core import indexing

from landcover.errors import InputError, MissingDataError
from landcover.ledger import outputs, units
from landcover.nouns.grid import Grid
from landcover.nouns.output import Output
from landcover.stores.workspace import Workspace
from landcover.views.lazy import StoredArray, coordinates


def open_composite(
    workspace: Workspace, tile: str, period: str, recipe: str | None = None
) -> xarray.Dataset:
    """Open the newest composite of a tile and period (see :func:`landcover.api.open_composite`)."""
    where = {"wanted.stage": "composite", "wanted.unit": f"{tile}/{period}"}
    found = workspace.records.find(outputs.COLLECTION, where, sort=["-created"])
    if recipe is not None:
        of_recipe = {
            output
            for run in workspace.records.find("runs", {"run.recipe_id": recipe})
            for state in units.states(workspace.records, run["_id"], "composite")
            for output in state.outputs
        }
        found = [document for document in found if document["_id"] in of_recipe]
    for document in found:
        output = outputs.find(workspace, document["_id"])
        if output is not None:
            return _composite(workspace, output)
    raise MissingDataError(f"{tile} {period}: no composite in this workspace. Run it first.")


def open_map(workspace: Workspace, map_id: str) -> xarray.Dataset:
    """Open a class map or a mosaic (see :func:`landcover.api.open_map`)."""
    where = {"wanted.stage": {"$in": ["classify", "mosaic"]}}
    found = [
        d for d in workspace.records.find(outputs.COLLECTION, where) if d["_id"].startswith(map_id)
    ]
    if len(found) != 1:
        raise InputError(f"Map {map_id}: {len(found)} maps have an id that begins so.")
    output = outputs.load(workspace, found[0]["_id"])
    if "grid" not in output.stats:
        raise InputError(f"Map {map_id}: this mosaic has composites only, no classes.")
    grid = Grid.from_document(output.stats["grid"])
    names = ("classification", "confidence")
    variables = {
        name: _variable(workspace, output, f"{name}.tif", grid, grid, "") for name in names
    }
    return xarray.Dataset(variables, coords=coordinates(grid), attrs=_attributes(output, grid))


def _composite(workspace: Workspace, output: Output) -> xarray.Dataset:
    grids = {name: Grid.from_document(g) for name, g in output.stats["layers"].items()}
    grid = min(grids.values(), key=lambda g: g.pixel)
    variables = {
        name: _variable(workspace, output, f"{name}.tif", own, grid, name)
        for name, own in grids.items()
    }
    return xarray.Dataset(variables, coords=coordinates(grid), attrs=_attributes(output, grid))


def _variable(
    workspace: Workspace, output: Output, name: str, own: Grid, grid: Grid, layer: str
) -> xarray.Variable:
    path = outputs.href(workspace, output, name)
    array = StoredArray(path, own, grid, layer)
    return xarray.Variable(("y", "x"), indexing.LazilyIndexedArray(array))


def _attributes(output: Output, grid: Grid) -> dict[str, object]:
    return {"id": output.id, "crs": grid.crs, "transform": grid.transform}
