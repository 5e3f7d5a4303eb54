"""Reflectance of a window as if seen from straight above, from the angle grids of a product.

Orbits see a tile under different angles; with good masks, what is left of the difference between
them is mostly a constant (docs/methods/composites.md#view-angle). The model is in `brdf`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from landcover.errors import InputError
from landcover.nouns.grid import Window
from landcover.raster.brdf import NBAR_PARAMETERS, c_factor
from landcover.raster.reflectance import NODATA

__all__ = [
    "NBAR_PARAMETERS",
    "AngleGrids",
    "c_factor",
    "interpolate_angles",
    "merge_detectors",
    "normalise_view",
    "window_factor",
]

Doubles = npt.NDArray[np.float64]
Places = npt.NDArray[np.floating[Any]]

GRID_STEP_M = 5000.0
"""Distance of the nodes of an angle grid, m; the first lies on the corner of the tile."""


def normalise_view(
    values: npt.NDArray[np.int16], factor: npt.NDArray[np.floating[Any]]
) -> npt.NDArray[np.int16]:
    """Multiply harmonised numbers with the c-factor.

    Args:
        values: Harmonised numbers, int16, (y, x), −32768 where nodata.
        factor: Factor of `c_factor`, (y, x).

    Returns:
        The numbers, int16, rounded half to even and clipped to ±32767; −32768 where nodata or
        where the factor is NaN.
    """
    scaled = np.rint(values * np.asarray(factor, np.float64))
    is_nodata = (values == NODATA) | np.isnan(scaled)
    limit = -(NODATA + 1)
    return np.where(is_nodata, NODATA, np.clip(scaled, -limit, limit)).astype(np.int16)


def merge_detectors(grids: npt.NDArray[np.floating[Any]], *, is_azimuth: bool = False) -> Doubles:
    """Merge the angle grids of the detectors of a band by their mean.

    Args:
        grids: Degrees, (detector, row, column), NaN where a detector does not see a node.
        is_azimuth: The angles are directions: their mean is taken on the circle, so that 350 and
            10 give 0.

    Returns:
        Degrees, float64, (row, column), 0 to below 360 for azimuths; NaN where none sees a node.
    """
    angles = np.asarray(grids, dtype=np.float64)
    if not is_azimuth:
        return _nan_mean(angles)
    turns = np.radians(angles)
    return _direction(_nan_mean(np.cos(turns)), _nan_mean(np.sin(turns)))


def interpolate_angles(
    grid: npt.NDArray[np.floating[Any]],
    window: Window,
    pixel_size_m: float,
    *,
    is_azimuth: bool = False,
    step_m: float = GRID_STEP_M,
) -> npt.NDArray[np.float32]:
    """Interpolate an angle grid bilinearly to the pixel centres of a window.

    Nodes without a value have no weight, so that a pixel at the edge of the swath takes the angle
    of the nodes that were seen.

    Args:
        grid: Degrees, (row, column), node (0, 0) on the upper-left corner of the tile, NaN where
            unknown; at least 2 × 2 (MTD_TL: 23 × 23).
        window: Pixels of the tile.
        pixel_size_m: Side of a pixel, m.
        is_azimuth: The angles are directions; interpolated on the circle.
        step_m: Distance of the nodes, m.

    Returns:
        Degrees, float32, (y, x), NaN where none of the four nodes has a value.

    Raises:
        InputError: The grid is no image of 2 × 2 nodes, or the window reaches beyond it.
    """
    rows = (window.row + 0.5 + np.arange(window.height)) * (pixel_size_m / step_m)
    columns = (window.column + 0.5 + np.arange(window.width)) * (pixel_size_m / step_m)
    return _interpolate(grid, rows, columns, is_azimuth=is_azimuth).astype(np.float32)


class AngleGrids(NamedTuple):
    """The angles of a product on the nodes of its metadata, degrees, (row, column)."""

    sun_zenith: npt.NDArray[np.floating[Any]]
    sun_azimuth: npt.NDArray[np.floating[Any]]
    view_zenith: npt.NDArray[np.floating[Any]]
    """Of one band, see `merge_detectors`."""
    view_azimuth: npt.NDArray[np.floating[Any]]


def window_factor(
    band: str,
    angles: AngleGrids,
    window: Window,
    pixel_size_m: float,
    *,
    step_m: float = GRID_STEP_M,
    corner_m: tuple[float, float] = (0.0, 0.0),
) -> Doubles:
    """Compute the c-factor of a window, with the kernels on every tenth of a grid step only.

    Between these places the factor is interpolated bilinearly: twenty times as fast, and the same
    to 2e-5 but where the azimuth turns about, at nadir. The places are fixed on the tile, so
    nothing depends on the window.

    Args:
        band: A key of `NBAR_PARAMETERS`.
        angles: Angles of the product.
        window: Pixels of the raster.
        pixel_size_m: Side of a pixel, m.
        step_m: Distance of the nodes, m.
        corner_m: How far down and right of the first node the raster begins, m: above 0 where it
            is a part of the tile.

    Returns:
        The factor, float64, (y, x); NaN where no angle is known.

    Raises:
        InputError: The band has no parameters, or the window reaches beyond the grids.
    """
    fine = 10 * pixel_size_m / step_m
    down, right = (10 * corner / step_m for corner in corner_m)
    rows = (window.row + 0.5 + np.arange(window.height)) * fine + down
    columns = (window.column + 0.5 + np.arange(window.width)) * fine + right
    if min(rows[0], columns[0]) < 0:
        raise InputError(
            f"A raster that begins {corner_m} m down and right of the first node of its angle "
            "grid reaches beyond the grid; metadata and raster are of different places."
        )
    top, left = int(rows[0]), int(columns[0])
    places = (
        np.arange(top, max(int(np.ceil(rows[-1])), top + 1) + 1) / 10,
        np.arange(left, max(int(np.ceil(columns[-1])), left + 1) + 1) / 10,
    )
    sun_azimuth, view_azimuth = (
        _interpolate(grid, *places, is_azimuth=True)
        for grid in (angles.sun_azimuth, angles.view_azimuth)
    )
    sun_zenith, view_zenith = (
        _interpolate(grid, *places) for grid in (angles.sun_zenith, angles.view_zenith)
    )
    factor = c_factor(band, sun_zenith, view_zenith, view_azimuth - sun_azimuth)
    return _interpolate(factor, rows - top, columns - left)


def _interpolate(
    grid: npt.NDArray[np.floating[Any]],
    rows: Places,
    columns: Places,
    *,
    is_azimuth: bool = False,
) -> Doubles:
    """Interpolate bilinearly at ascending places, counted in nodes."""
    nodes = np.asarray(grid, dtype=np.float64)
    if nodes.ndim != 2 or min(nodes.shape) < 2:
        raise InputError(f"An angle grid needs 2x2 nodes at least, found shape {nodes.shape}.")
    last = np.array(nodes.shape) - 1
    if min(rows[0], columns[0]) < 0 or (np.array([rows[-1], columns[-1]]) > last + 1e-9).any():
        raise InputError(
            f"A window that ends at node ({rows[-1]:g}, {columns[-1]:g}) reaches beyond an angle "
            f"grid of {nodes.shape[0]}x{nodes.shape[1]} nodes; check the pixel size."
        )
    is_known = np.isfinite(nodes)
    nodes = np.where(is_known, nodes, 0)
    if is_azimuth:
        parts = [np.where(is_known, f(np.radians(nodes)), 0) for f in (np.cos, np.sin)]
        angles = _direction(*(_blend(part, rows, columns) for part in parts))
    else:
        angles = _blend(nodes, rows, columns)
    if not is_known.all():
        weight = _blend(is_known.astype(np.float64), rows, columns)
        is_lost = weight < 1e-9
        if not is_azimuth:
            angles /= np.where(is_lost, 1, weight)
        angles[is_lost] = np.nan
    return angles


def _blend(nodes: Doubles, rows: Places, columns: Places) -> Doubles:
    """Mix the four nodes around each place."""
    lower = np.minimum(rows.astype(np.intp), nodes.shape[0] - 2)
    share = (rows - lower)[:, np.newaxis]
    by_row = nodes[lower] * (1 - share) + nodes[lower + 1] * share
    left = np.minimum(columns.astype(np.intp), nodes.shape[1] - 2)
    share = columns - left
    return np.asarray(by_row[:, left] * (1 - share) + by_row[:, left + 1] * share)


def _nan_mean(values: Doubles) -> Doubles:
    """Average along the first axis what is known; NaN where nothing is, without a warning."""
    is_known = np.isfinite(values)
    count = is_known.sum(axis=0)
    total = np.where(is_known, values, 0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _direction(cosine: Doubles, sine: Doubles) -> Doubles:
    """Turn a vector into an azimuth, degrees, 0 to below 360."""
    return np.asarray(np.mod(np.degrees(np.arctan2(sine, cosine)), 360))
