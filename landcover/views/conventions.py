"""What xarray objects say of themselves: places, reference system, units, classes (CF 1.11).

Every variable carries its reference system by the coordinate ``spatial_ref``, where rioxarray
and odc-geo look for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import xarray
from pyproj import CRS

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.recipe import INDICES

PLACE = "spatial_ref"
"""Coordinate that holds the reference system."""
NODATA = "_FillValue"
_SCL = (
    "no_data", "saturated_or_defective", "dark_area", "cloud_shadow", "vegetation", "bare_soil",
    "water", "unclassified", "cloud_medium_probability", "cloud_high_probability", "thin_cirrus",
    "snow_or_ice",
)  # fmt: skip
# Suffix of a statistic along time → unit, where it is another than the layer's.
_UNITS_ALONG_TIME = {"maxday": "day", "rise": "day-1", "integral": "day"}
_NAMES = {
    "AOT": ("aerosol optical thickness", "1"),
    "WVP": ("water vapour", "cm"),
    "slope": ("slope", "degree"),
    "aspect": ("aspect", "degree"),
    "dem": ("elevation", "m"),
}


def coordinates(grid: Grid) -> dict[str, xarray.Variable]:
    """Give the pixel centres of a grid, CRS unit, and its reference system."""
    crs, names = _system(grid.crs)
    left, top, pixel = grid.ulx, grid.uly, grid.pixel
    geotransform = f"{left!r} {pixel!r} 0.0 {top!r} 0.0 {-pixel!r}"
    return {
        "y": xarray.Variable("y", top - (np.arange(grid.height) + 0.5) * pixel, names["y"]),
        "x": xarray.Variable("x", left + (np.arange(grid.width) + 0.5) * pixel, names["x"]),
        PLACE: xarray.Variable((), 0, {**crs, "GeoTransform": geotransform}),
    }


@lru_cache(maxsize=32)
def _system(crs: str) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    known = CRS.from_user_input(crs)
    axes = {("x" if axis.get("axis") == "X" else "y"): axis for axis in known.cs_to_cf()}
    return {**known.to_cf(), "spatial_ref": known.to_wkt()}, axes


def grid_of(array: xarray.DataArray | xarray.Dataset) -> Grid:
    """Find the grid that an array lies on, from its coordinates.

    Args:
        array: With pixel centres ``y`` and ``x`` and a reference system as CF says it.

    Raises:
        InputError: It says no reference system, or its pixels are not square and north up.
    """
    what = f"{getattr(array, 'name', None) or 'array'}"
    named = str(array.encoding.get("grid_mapping", array.attrs.get("grid_mapping", PLACE)))
    told = array.coords[named].attrs if named in array.coords else {}
    text = told.get("crs_wkt", told.get("spatial_ref", array.attrs.get("crs")))
    epsg = None if text is None else CRS.from_user_input(text).to_epsg()
    if epsg is None:
        raise InputError(
            f"{what}: no coordinate {named!r} says a reference system with an EPSG code; write it "
            'with .rio.write_crs("EPSG:…").'
        )
    if not {"y", "x"} <= set(array.coords) or min(array.sizes["y"], array.sizes["x"]) < 2:
        raise InputError(f"{what}: expected coordinates y and x of two pixels or more.")
    y, x = (np.asarray(array.coords[axis], np.float64) for axis in ("y", "x"))
    pixel = float(x[-1] - x[0]) / (x.size - 1)
    steps = np.concatenate([np.diff(x), -np.diff(y)])
    if pixel <= 0 or np.abs(steps - pixel).max() > 1e-3 * pixel:
        raise InputError(f"{what}: expected square pixels in rows from north to south.")
    return Grid(
        crs=f"EPSG:{epsg}",
        ulx=float(x[0]) - pixel / 2,
        uly=float(y[0]) + pixel / 2,
        pixel=pixel,
        width=x.size,
        height=y.size,
    )


def placed(variable: xarray.Variable) -> xarray.Variable:
    """Tell a variable where its reference system stands."""
    variable.encoding["grid_mapping"] = PLACE
    return variable


def layer_attributes(layer: str) -> dict[str, Any]:
    """Say what the numbers of a layer are: name, unit, nodata.

    Args:
        layer: ``B04``, ``AOT``, ``SCL``, ``ndvi``, ``slope`` or a layer made of one, such as
            ``B04_p05``, ``ndvi_maxday``.

    Returns:
        ``long_name``, ``units`` and ``_FillValue``; of SCL the meaning of its codes instead of a
        unit.
    """
    if layer == "SCL":
        flags = flag_attributes(dict(enumerate(_SCL)))
        return {"long_name": "scene classification", **flags, NODATA: np.uint8(0)}
    base, _, derived = layer.partition("_")
    name, unit = _NAMES.get(base, ("", "1"))
    if not name:
        name = base.upper() if base in INDICES else f"surface reflectance {base}"
    if derived:
        name, unit = f"{name}, {derived}", _UNITS_ALONG_TIME.get(derived, unit)
        if derived.startswith(("below_", "above_")):
            unit = "1"
    return {"long_name": name, "units": unit, NODATA: np.float32(np.nan)}


def flag_attributes(
    names: Mapping[int, str], colours: Mapping[int, str] | None = None
) -> dict[str, Any]:
    """Say what codes mean, as CF wants it: one word a class.

    Args:
        names: Code → name.
        colours: Code → ``#RRGGBB``, of all codes or none.

    Returns:
        ``flag_values`` (uint8), ``flag_meanings`` and ``flag_colors`` (blanks between), nothing
        where no code has a name.
    """
    if not names:
        return {}
    found = {
        "flag_values": np.array(list(names), dtype=np.uint8),
        "flag_meanings": " ".join("_".join(name.split()) for name in names.values()),
    }
    if colours and set(names) <= set(colours):
        found["flag_colors"] = " ".join(colours[code] for code in names)
    return found
