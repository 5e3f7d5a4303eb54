"""Class maps and mosaics as xarray datasets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray
from xarray.core import indexing

import landcover.views.classes  # noqa: F401 - registers .landcover
from landcover.errors import InputError
from landcover.learn.layers import NODATA as UNKNOWN
from landcover.learn.layers import SCALE
from landcover.ledger import lookup, outputs
from landcover.nouns.grid import Grid
from landcover.nouns.output import Output
from landcover.parts.mapping.mosaicking import ClassMap, JoinedMap
from landcover.parts.mapping.mosaicking import mosaic as join
from landcover.stores.rasters import read_code_names
from landcover.stores.workspace import Workspace
from landcover.views.conventions import NODATA, coordinates, flag_attributes, grid_of, placed
from landcover.views.dimensions import require_whole
from landcover.views.rasters import StoredArray

CLASSES, CONFIDENCE, PROBABILITIES = "classification", "confidence", "probabilities"


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


def mosaic(
    maps: Mapping[str, ClassMap | xarray.Dataset | xarray.DataArray | str | Path],
    *,
    blend: Literal["primary", "feather"] = "primary",
    codes: Sequence[int] = (),
    grid: Grid | None = None,
) -> JoinedMap | xarray.Dataset:
    """Join class maps as the mosaic stage joins those of tiles.

    Args:
        maps: Name of a tile → its map: a dataset with ``classification`` and, where there are
            such, ``confidence`` and ``probabilities`` (class, y, x), or the classes alone; a
            ``ClassMap`` of numpy arrays; a raster of class codes, or a folder with
            ``classification.tif`` and so on. Their order does not matter.
        blend: ``primary``: each pixel from the map in which it lies deepest; ``feather``:
            probabilities averaged, the weight of each map falling towards its edge.
        codes: Class codes of the bands of the probabilities, ascending.
        grid: Grid of the answer, of any CRS; maps of another CRS or pixel are warped to it
            (interpolated probabilities, else the nearest class). None: the smallest one that
            holds all maps, which need one CRS and pixel.

    Returns:
        Of xarray objects a dataset of ``classification`` and ``confidence`` in whose attributes
        ``overlaps`` says how far the maps disagree; else a ``JoinedMap`` of the same.

    Raises:
        UsageError: There is no map, an unknown blend, or probabilities without codes.
        InputError: A map is absent or no class map, lacks probabilities that are needed, has
            arrays of other shapes than its grid, does not lie on one lattice with the others, or
            is in chunks.

    Examples:
        >>> from landcover import api
        >>> opened = api.open_map("demo")
        >>> west, east = opened.isel(x=slice(0, 150)), opened.isel(x=slice(90, 240))
        >>> joined = api.mosaic({"west": west, "east": east})
        >>> joined["classification"].equals(opened["classification"])
        True
    """
    given = {name: _plain(name, one) for name, one in maps.items()}
    joined = join(given, blend=blend, codes=codes, grid=grid)
    of_xarray = [one for one in maps.values() if isinstance(one, xarray.Dataset | xarray.DataArray)]
    if not of_xarray:
        return joined
    first = of_xarray[0]
    says = dict((first if isinstance(first, xarray.DataArray) else first[CLASSES]).attrs)
    layers = {
        CLASSES: (joined.classes, says or class_attributes({}, {})),
        CONFIDENCE: (joined.confidence, confidence_attributes()),
    }
    return xarray.Dataset(
        {name: placed(xarray.Variable(("y", "x"), *one)) for name, one in layers.items()},
        coords=coordinates(joined.grid),
        attrs={
            "crs": joined.grid.crs,
            "transform": joined.grid.transform,
            "overlaps": joined.overlaps,
        },
    )


def _plain(name: str, given: Any) -> ClassMap | str | Path:
    """Give a map of the kinds that the mosaic stage knows."""
    if isinstance(given, xarray.DataArray):
        given = given.to_dataset(name=CLASSES)
    if not isinstance(given, xarray.Dataset):
        return given  # type: ignore[no-any-return]
    if CLASSES not in given:
        found = ", ".join(map(str, given))
        raise InputError(f"{name}: expected a variable {CLASSES}, found {found or 'none'}.")
    layers = {layer: given[layer] for layer in (CLASSES, CONFIDENCE, PROBABILITIES)
              if layer in given}  # fmt: skip
    require_whole(f"mosaic: {name}", layers)
    return ClassMap(
        layers[CLASSES].to_numpy(),
        grid_of(layers[CLASSES]),
        *(layers[layer].to_numpy() if layer in layers else None
          for layer in (CONFIDENCE, PROBABILITIES)),
    )  # fmt: skip
