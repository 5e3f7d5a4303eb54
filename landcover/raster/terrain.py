"""Slope and aspect from elevation, and elevation cells joined to one grid.

Method: docs/methods/terrain.md#slope-and-aspect.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.raster.mosaic import lattice_union, overlap_of

Convention = Literal["grass", "compass"]
Heights = npt.NDArray[np.floating[Any] | np.integer[Any]]
Angles = npt.NDArray[np.float32]
Sizes = npt.NDArray[np.float64]

FLAT_ASPECT = 0.0
"""Aspect of flat ground in the GRASS convention, degrees; 360 is east."""

_WGS84_SEMI_MAJOR_M = 6_378_137.0
_WGS84_ECCENTRICITY_SQUARED = 0.006_694_379_990_141_317
# Rows differentiated at once: double precision is needed, double-precision tiles are not.
_STRIP_ROWS = 256


def slope_aspect(
    dem: Heights,
    cell_size_m: float | Sizes,
    *,
    convention: Convention = "grass",
    cell_size_y_m: float | Sizes | None = None,
    flat_below: float = 0.0,
) -> tuple[Angles, Angles]:
    """Compute slope and aspect with the 3×3 differences of Horn (1981).

    ``grass``: aspect counter-clockwise from east, direction of steepest descent, above 0 to 360,
    360 = east, 0 = flat. ``compass``: clockwise from north, 0 to below 360, NaN = flat.

    Args:
        dem: Elevation, m, (y, x), north up, NaN where void.
        cell_size_m: Width of a cell, m; for a geographic grid one width per row.
        convention: ``grass`` (default column of the paper) or ``compass`` (GDAL).
        cell_size_y_m: Height of a cell, m; one number or one per row. None: as the width.
        flat_below: Slopes below this many degrees count as flat, slope 0.

    Returns:
        Slope and aspect, degrees, float32, (y, x); NaN where one of the nine cells is void and
        in the outermost rows and columns.

    Raises:
        InputError: The DEM is not an image, a cell size is not above 0, or the convention is
            unknown.

    Examples:
        >>> import numpy as np
        >>> from landcover import api
        >>> dem = np.tile(np.arange(5) * 10.0, (5, 1))  # rises to the east, 10 m a cell
        >>> slope, aspect = api.slope_aspect(dem, 10.0)
        >>> float(slope[2, 2]), float(aspect[2, 2])
        (45.0, 180.0)
    """
    if dem.ndim != 2:
        raise InputError(f"A DEM must be an image (y, x), found shape {dem.shape}.")
    if convention not in ("grass", "compass"):
        raise InputError(f"Unknown aspect convention {convention!r}; use 'grass' or 'compass'.")
    height = dem.shape[0]
    widths = _per_row(cell_size_m, height)
    heights = widths if cell_size_y_m is None else _per_row(cell_size_y_m, height)
    slope = np.full(dem.shape, np.nan, dtype=np.float32)
    aspect = np.full(dem.shape, np.nan, dtype=np.float32)
    if min(dem.shape) < 3:
        return slope, aspect
    for top in range(1, height - 1, _STRIP_ROWS):
        bottom = min(top + _STRIP_ROWS, height - 1)
        rows = slice(top, bottom)
        east, north = _gradient(dem[top - 1 : bottom + 1], widths[rows], heights[rows])
        slope[rows, 1:-1], aspect[rows, 1:-1] = _angles(east, north, flat_below, convention)
    return slope, aspect


def extend_edges(elevation: npt.NDArray[np.float32], n_cells: int) -> npt.NDArray[np.float32]:
    """Continue an elevation a few cells beyond its edge by the nearest known value.

    A DEM that ends at the edge of a tile would otherwise lose the outermost slopes of the tile,
    because a slope needs all nine cells. What lies beyond the edge is for the derivative only:
    mask it afterwards.

    Args:
        elevation: Metres, float32, (y, x), NaN where void.
        n_cells: How far to go, cells.

    Returns:
        The elevation, float32, (y, x); voids farther than that from any value stay NaN.
    """
    is_void = np.isnan(elevation)
    if not is_void.any() or is_void.all():
        return elevation
    distance, (rows, columns) = ndimage.distance_transform_edt(is_void, return_indices=True)
    return np.where(distance <= n_cells, elevation[rows, columns], elevation)


def aspect_vectors(
    aspect: Angles, convention: Convention = "grass", *, slope: Angles | None = None
) -> tuple[Angles, Angles]:
    """Turn the circular aspect into two numbers that can be averaged.

    Args:
        aspect: Aspect, degrees, any shape, in the given convention.
        convention: ``grass`` or ``compass``.
        slope: Slope of the same cells. In the compass convention flat and void are both NaN;
            where the slope is known, the cell is flat.

    Returns:
        Northness cos(N) and eastness sin(N) of the compass aspect N, float32, −1 … 1; 0 and 0
        on flat ground, NaN where void.

    Raises:
        InputError: The convention is unknown.
    """
    if convention not in ("grass", "compass"):
        raise InputError(f"Unknown aspect convention {convention!r}; use 'grass' or 'compass'.")
    angle = np.radians(aspect.astype(np.float64))
    cosine, sine = np.cos(angle), np.sin(angle)
    northness, eastness = (sine, cosine) if convention == "grass" else (cosine, sine)
    is_flat = np.asarray(aspect == FLAT_ASPECT) if convention == "grass" else np.isnan(aspect)
    if convention == "compass":
        is_flat &= False if slope is None else ~np.isnan(slope)
    return (
        np.where(is_flat, 0.0, northness).astype(np.float32),
        np.where(is_flat, 0.0, eastness).astype(np.float32),
    )


def geographic_cell_sizes(lat_centres: npt.ArrayLike, step_deg: float) -> tuple[Sizes, Sizes]:
    """Measure the cells of a geographic grid on the WGS84 ellipsoid.

    Args:
        lat_centres: Latitude of the centre of each row, degrees.
        step_deg: Side of a cell, degrees.

    Returns:
        Width (arc of the parallel) and height (arc of the meridian, radius of curvature at the
        centre) of a cell of each row, m, float64. At 36.9° N, 1″: 24.7578 m and 30.8266 m.

    Raises:
        InputError: A latitude is not within ±90° or the step is not above 0.
    """
    latitudes = np.asarray(lat_centres, dtype=np.float64)
    if not (np.all(np.abs(latitudes) < 90) and 0 < step_deg < 90):
        raise InputError(
            f"Cell sizes need latitudes within ±90° and a step above 0°, found {step_deg}° and "
            f"latitudes up to {np.max(np.abs(latitudes)):g}°."
        )
    phi, step = np.radians(latitudes), np.radians(step_deg)
    flattened = 1 - _WGS84_ECCENTRICITY_SQUARED * np.sin(phi) ** 2
    width = _WGS84_SEMI_MAJOR_M / np.sqrt(flattened) * np.cos(phi) * step
    height = _WGS84_SEMI_MAJOR_M * (1 - _WGS84_ECCENTRICITY_SQUARED) / flattened**1.5 * step
    return width, height


def merge_cells(
    cells: Sequence[tuple[Heights, Grid]], *, nodata: float | None = -9999.0
) -> tuple[npt.NDArray[np.float32], Grid]:
    """Join elevation cells onto the grid that covers them all, without resampling.

    Args:
        cells: Elevation, m, (y, x), with its grid, in name order; neighbours may share rows or
            columns (ASTER does), where the first valid value is taken.
        nodata: Code of a void, beside NaN.

    Returns:
        Elevation, float32, NaN where no cell has a value; and its grid.

    Raises:
        InputError: No cells, a cell does not fit its grid, or they do not lie on one lattice.
    """
    grids = [grid for _, grid in cells]
    union = lattice_union(grids)
    merged = np.full(union.shape, np.nan, dtype=np.float32)
    whole = next(union.windows(union.height, union.width))
    for values, grid in cells:
        if values.shape != grid.shape:
            raise InputError(
                f"An elevation cell of shape {values.shape} does not fit its grid "
                f"{grid.describe()}; read the cell whole."
            )
        overlap = overlap_of(grid, union, whole)
        if overlap is None:
            continue
        target = merged[overlap.target.slices]
        heights = values.astype(np.float32)
        if nodata is not None:
            heights[values == nodata] = np.nan
        np.copyto(target, heights, where=np.isnan(target))
    return merged, union


def _per_row(size: float | Sizes, rows: int) -> Sizes:
    """Give one cell size per row, as a column."""
    sizes = np.asarray(size, dtype=np.float64)
    if sizes.shape not in ((), (rows,)) or not np.all((sizes > 0) & np.isfinite(sizes)):
        raise InputError(
            f"A cell size must be a number above 0 m or {rows} of them, one per row, found shape "
            f"{sizes.shape} with smallest {sizes.min(initial=np.inf):g}."
        )
    return np.broadcast_to(sizes, (rows,))[:, np.newaxis]


def _gradient(dem: Heights, widths: Sizes, heights: Sizes) -> tuple[Sizes, Sizes]:
    """Rise per metre to the east and to the north, for all cells but the outermost."""
    z = dem.astype(np.float64)
    to_east = z[:, 2:] - z[:, :-2]
    to_north = z[:-2] - z[2:]
    east = (to_east[:-2] + 2 * to_east[1:-1] + to_east[2:]) / (8 * widths)
    north = (to_north[:, :-2] + 2 * to_north[:, 1:-1] + to_north[:, 2:]) / (8 * heights)
    # Horn's centre has no weight, but a void centre is void.
    east[np.isnan(z[1:-1, 1:-1])] = np.nan
    return east, north


def _angles(
    east: Sizes, north: Sizes, flat_below: float, convention: Convention
) -> tuple[Angles, Angles]:
    """Turn a gradient into slope and aspect in degrees."""
    slope = np.degrees(np.arctan(np.hypot(east, north)))
    is_flat = (slope < flat_below) | (slope == 0)
    slope[is_flat] = 0
    counter_clockwise = np.degrees(np.arctan2(-north, -east))
    aspect = np.mod(
        counter_clockwise if convention == "grass" else 90 - counter_clockwise, 360
    ).astype(np.float32)
    # Rounding to float32 may reach either end of the circle: 360 = east, 0 = north.
    if convention == "grass":
        aspect[aspect == 0] = 360
        aspect[is_flat] = FLAT_ASPECT
    else:
        aspect[aspect == 360] = 0
        aspect[is_flat] = np.nan
    aspect[np.isnan(slope)] = np.nan
    return slope.astype(np.float32), aspect
