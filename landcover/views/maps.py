"""Class maps and mosaics as lazy xarray datasets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray
from xarray.core import indexing

from landcover.errors import InputError
from landcover.learn.layers import NODATA as UNKNOWN
from landcover.learn.layers import SCALE
from landcover.ledger import lookup, outputs
from landcover.nouns.grid import Grid
from landcover.nouns.output import Output
from landcover.stores.rasters import read_code_names
from landcover.stores.workspace import Workspace
from landcover.views.conventions import NODATA, coordinates, flag_attributes, placed
from landcover.views.rasters import StoredArray

CLASSES, CONFIDENCE = "classification", "confidence"


def open_map(workspace: Workspace, map_id: str) -> xarray.Dataset:
    """Open a class map or a mosaic (see :func:`landcover.api.open_map`)."""
    found = lookup.find_maps(workspace, map_id)
    if len(found) > 1:
        ids = ", ".join(one.id for one in found)
        raise InputError(f"Map {map_id}: the run has {len(found)} maps; name one of them: {ids}.")
    output = found[0]
    grid = Grid.from_document(output.stats["grid"])
    known = read_code_names(outputs.href(workspace, output, f"{CLASSES}.tif"))
    return xarray.Dataset(
        {
            CLASSES: _variable(
                workspace, output, CLASSES, grid, class_attributes(known.names, known.colours)
            ),
            CONFIDENCE: _variable(workspace, output, CONFIDENCE, grid, confidence_attributes()),
        },
        coords=coordinates(grid),
        attrs={"id": output.id, "crs": grid.crs, "transform": grid.transform},
    )


def class_attributes(names: Mapping[int, str], colours: Mapping[int, str]) -> dict[str, Any]:
    """Say what the codes of a class map mean: uint8, nodata 0."""
    return {
        "long_name": "land cover class",
        **flag_attributes(names, colours),
        NODATA: np.uint8(0),
    }


def confidence_attributes() -> dict[str, Any]:
    """Say what confidence means as files hold it: uint8, ⌊254·p + 0.5⌋, nodata 255.

    It is not decoded: ``xarray.decode_cf`` makes probabilities of it.
    """
    return {
        "long_name": "probability of the class",
        "units": "1",
        "scale_factor": 1 / SCALE,
        NODATA: np.uint8(UNKNOWN),
    }


def _variable(
    workspace: Workspace, output: Output, name: str, grid: Grid, attributes: dict[str, Any]
) -> xarray.Variable:
    array = StoredArray(outputs.href(workspace, output, f"{name}.tif"), grid, grid, "")
    return placed(xarray.Variable(("y", "x"), indexing.LazilyIndexedArray(array), attributes))
