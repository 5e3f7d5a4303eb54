"""Polygons brought onto the grid of a map, and which map of several zones a place belongs to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Proj, Transformer

from landcover.labels.polygons import polygons_of
from landcover.nouns.grid import Grid, Window
from landcover.tiling.edges import densify

_REACH_DEGREES = 1.0
"""How far beyond a map its surroundings are kept: more than any pixel, less than the reach of a
projection."""


def on_grid(polygons: NDArray[np.object_], grid: Grid) -> NDArray[np.object_]:
    """Give polygons in pixels of a grid: x is the column, y the row, downwards.

    Edges are straight in degrees. What lies far from the map is cut off, so that a polygon around
    the world is one around the map.

    Args:
        polygons: In longitude and latitude, degrees, (polygon,).
        grid: Grid of the map.

    Returns:
        Polygons, empty ones where nothing lies near the map, (polygon,).
    """
    to_map = Transformer.from_crs("EPSG:4326", grid.crs, always_xy=True)

    def place(points: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = to_map.transform(points[:, 0], points[:, 1])
        return np.column_stack([(x - grid.ulx) / grid.pixel, (grid.uly - y) / grid.pixel])

    near = _near(polygons, grid)
    moved = shapely.transform(densify(near, "EPSG:4326"), place)
    # What lies beyond the reach of the map's projection lies on no map of it.
    is_finite = np.isfinite(shapely.bounds(moved)).all(axis=1)
    moved[~is_finite] = shapely.Polygon()
    return np.asarray(moved, dtype=object)


def _near(polygons: NDArray[np.object_], grid: Grid) -> NDArray[np.object_]:
    """Cut polygons off beyond the surroundings of a map; those inside stay as they are."""
    west, south, east, north = _extent(grid)
    if not east - west < 180:
        return polygons
    frame = shapely.box(
        west - _REACH_DEGREES, max(-90, south - _REACH_DEGREES),
        east + _REACH_DEGREES, min(90, north + _REACH_DEGREES),
    )  # fmt: skip
    near = np.array(polygons, dtype=object)
    is_beyond = ~shapely.covers(frame, near)
    near[is_beyond] = _cut(near[is_beyond], frame)
    return near


def _extent(grid: Grid) -> tuple[float, float, float, float]:
    """Give west, south, east and north of a map, degrees."""
    outline = densify(np.array([shapely.box(*grid.bounds)], dtype=object), grid.crs)[0]
    x, y = shapely.get_coordinates(outline).T
    lon, lat = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform(x, y)
    return float(np.min(lon)), float(np.min(lat)), float(np.max(lon)), float(np.max(lat))


def owned(polygons: NDArray[np.object_], grid: Grid, systems: Sequence[str]) -> NDArray[np.object_]:
    """Cut polygons to the ground that the maps of one system stand for.

    UTM zones overlap on the ground; here each place belongs to one of them, divided along the
    meridian halfway between their central ones, so that no ground counts twice.

    Args:
        polygons: In longitude and latitude, degrees, (polygon,).
        grid: Grid of the map.
        systems: Reference systems of all maps.
    """
    if len(set(systems)) < 2:
        return polygons
    centres = sorted({_meridian(system) for system in systems})
    mine = centres.index(_meridian(grid.crs))
    west = (centres[mine - 1] + centres[mine]) / 2 if mine else -180.0
    east = (centres[mine] + centres[mine + 1]) / 2 if mine + 1 < len(centres) else 180.0
    strip = shapely.box(west, -90, east, 90)
    return _cut(polygons, strip)


def _cut(polygons: NDArray[np.object_], frame: shapely.Geometry) -> NDArray[np.object_]:
    """Cut polygons to a frame; where they only touch it, nothing is left, no line either."""
    cut = shapely.intersection(shapely.make_valid(polygons), frame)
    areas = [shapely.MultiPolygon(polygons_of(part)) for part in cut]
    return np.array(areas, dtype=object)


def are_zones(systems: Sequence[str]) -> bool:
    """Tell whether maps are of UTM zones (north or south, not both of one zone)."""
    zones = [CRS.from_user_input(system).utm_zone for system in set(systems)]
    return all(zones) and len({zone[:-1] for zone in zones if zone}) == len(zones)


def _meridian(system: str) -> float:
    zone = CRS.from_user_input(system).utm_zone
    return 6.0 * int(str(zone)[:-1]) - 183


def areal_scale(grid: Grid, window: Window) -> float:
    """Give the area on the map per area on the ellipsoid, at the middle of a window."""
    x = grid.ulx + (window.column + window.width / 2) * grid.pixel
    y = grid.uly - (window.row + window.height / 2) * grid.pixel
    lon, lat = Proj(grid.crs)(x, y, inverse=True)
    return float(Proj(grid.crs).get_factors(lon, lat).areal_scale)
