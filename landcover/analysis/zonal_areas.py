"""The area of each class within polygons: a map summed up by district, window by window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from shapely.affinity import translate

from landcover.analysis.zone_shapes import are_zones, areal_scale, on_grid, owned
from landcover.errors import InputError, UsageError
from landcover.labels.assignment import assign_points
from landcover.labels.features import project
from landcover.labels.zones import Zone, read_zones
from landcover.nouns.grid import Grid, Window
from landcover.parts.mapping.map_lookup import MapFile
from landcover.publish.areas import SQUARE_METRES_PER_HECTARE, row_hectares
from landcover.stores.rasters import pixels_within, read_code_names

EQUAL_AREA = "+proj=cea +ellps=WGS84 +units=m"
"""Cylinder on which areas are those on the ellipsoid, pole to pole."""
MOST_DEGREES_ON_PLANE = 8.0
"""Extent of a polygon that is still measured on the grid of one UTM zone."""


@dataclass(frozen=True)
class ZoneAreas:
    """What a map shows within a polygon."""

    number: int
    """Number of the polygon in its file."""
    name: str
    pixels: Mapping[int, int]
    """Class code → pixels whose centre lies in the polygon; 0 for those without a class."""
    hectares: Mapping[int, float]
    """The same as area on the map grid, ha; on the ellipsoid where the grid is in degrees or maps
    of several zones are added up."""
    whole_hectares: float
    """Area of the polygon, be it on the map or not, measured in the same way, ha."""

    @property
    def covered_hectares(self) -> float:
        """Area of its pixels, those without a class included, ha."""
        return sum(self.hectares.values())

    @property
    def covered_percent(self) -> float:
        """Share of the polygon that the map covers, %; rounded pixels may make it 100.1."""
        whole = self.whole_hectares
        return 100 * self.covered_hectares / whole if whole else 0.0

    def percent(self, code: int) -> float:
        """Share of a class, 0 for no class, in the covered area, %; all of them add up to 100."""
        covered = self.covered_hectares
        return 100 * self.hectares.get(code, 0.0) / covered if covered else 0.0


def class_names(maps: Sequence[MapFile]) -> dict[int, str]:
    """Name the codes of maps as their files do; ``class 7`` where they do not."""
    told: dict[int, str] = {}
    for one in maps:
        told.update(read_code_names(one.href).names)
    return told


def areas_by_file(
    maps: Sequence[MapFile], polygons: Path, field: str | None, layer: str | None
) -> tuple[list[ZoneAreas], tuple[str, ...]]:
    """Count the classes in each polygon of a file (see :func:`areas_within`, `read_zones`).

    Returns:
        One entry per polygon, and what a reader must know.
    """
    zones = read_zones(polygons, field, layer)
    return areas_within(maps, zones), zones.notes


def areas_within(maps: Sequence[MapFile], zones: Sequence[Zone]) -> list[ZoneAreas]:
    """Count the classes in each polygon.

    A pixel belongs to the polygon in which its centre lies, so polygons that share borders count
    every pixel once; polygons that overlap count it in each. Edges are straight in the polygons'
    own reference system. Maps of several UTM zones are added up: each place counts in one of them,
    and areas are those on the ellipsoid.

    Args:
        maps: A map, or several files that do not overlap beyond the borders of zones.
        zones: The polygons.

    Returns:
        One entry per polygon, in order; one smaller than a pixel may have none.

    Raises:
        UsageError: The maps are of several systems that are not UTM zones.
        InputError: No polygon lies on the map.
    """
    systems = sorted({one.grid.crs for one in maps})
    if len(systems) != 1 and not (systems and are_zones(systems)):
        raise UsageError(
            f"expected maps of one grid or of UTM zones, found {', '.join(systems) or 'none'}, "
            "which overlap on the ground. Sum up each by itself, or map with "
            "mosaic.grid=EPSG:3035."
        )
    pixels = np.zeros((len(zones), 256), dtype=np.int64)
    hectares = np.zeros((len(zones), 256))
    polygons = np.array([zone.polygon for zone in zones], dtype=object)
    is_on_map = [_count(one, owned(polygons, one.grid, systems), systems, pixels, hectares)
                 for one in maps]  # fmt: skip
    if not any(is_on_map):
        raise InputError(f"{', '.join(m.name for m in maps)}: none of the polygons lies on it.")
    whole = _whole_hectares(polygons, maps[0].grid, systems)
    return [
        ZoneAreas(
            zone.number,
            zone.name,
            {int(code): int(counted[code]) for code in np.flatnonzero(counted)},
            {int(code): float(area[code]) for code in np.flatnonzero(counted)},
            whole[place],
        )
        for place, (zone, counted, area) in enumerate(zip(zones, pixels, hectares, strict=True))
    ]


def _whole_hectares(
    polygons: NDArray[np.object_], grid: Grid, systems: Sequence[str]
) -> list[float]:
    """Measure polygons as their pixels are: on the map's grid, else on the ellipsoid.

    A polygon that reaches far beyond a zone has no sensible area on its grid.
    """
    on_plane = len(systems) == 1 and not CRS.from_user_input(grid.crs).is_geographic
    west, south, east, north = shapely.bounds(polygons).T
    is_near = np.maximum(east - west, north - south) <= MOST_DEGREES_ON_PLANE
    on_ellipsoid = shapely.area(project(polygons, "EPSG:4326", EQUAL_AREA))
    areas = on_ellipsoid
    if on_plane:
        moved = project(polygons, "EPSG:4326", grid.crs)
        is_near &= np.isfinite(shapely.bounds(moved)).all(axis=1)
        areas = np.where(is_near, shapely.area(moved), on_ellipsoid)
    return [float(area) / SQUARE_METRES_PER_HECTARE for area in areas]


def points_within(
    maps: Sequence[MapFile], zones: Sequence[Zone], points: pd.DataFrame
) -> NDArray[np.bool_]:
    """Tell which points lie in which polygon: where the centre of their pixel lies.

    Args:
        maps: As of :func:`areas_within`.
        zones: The polygons.
        points: ``lon`` and ``lat``, degrees.

    Returns:
        bool, (polygon, point); False for points off the maps.
    """
    found = np.zeros((len(zones), len(points)), dtype=np.bool_)
    numbered = points[["lon", "lat"]].assign(number=np.arange(len(points)))
    for key, mine in assign_points(numbered, {str(k): m.grid for k, m in enumerate(maps)}).items():
        polygons = np.array([zone.polygon for zone in zones], dtype=object)
        placed = on_grid(polygons, maps[int(key)].grid)
        tree = shapely.STRtree(placed)
        for number, row, column in mine[["number", "row", "column"]].itertuples(index=False):
            for place in tree.query(shapely.Point(column + 0.5, row + 0.5)):
                # The rule that counts pixels, so that a point and its pixel are in one polygon.
                moved = translate(placed[place], -column, -row)
                found[place, number] = bool(pixels_within([moved], (1, 1))[0, 0])
    return found


def _count(
    one: MapFile,
    polygons: NDArray[np.object_],
    systems: Sequence[str],
    pixels: NDArray[np.int64],
    hectares: NDArray[np.float64],
) -> bool:
    """Add the pixels of a map in each polygon; tell whether any polygon lies on it."""
    placed = on_grid(polygons, one.grid)
    tree = shapely.STRtree(placed)
    of_row = row_hectares(one.grid)
    frame = shapely.box(0, 0, one.grid.width, one.grid.height)
    if not len(tree.query(frame, predicate="intersects")):
        return False
    for window, codes in one.windows():
        scale = areal_scale(one.grid, window) if len(systems) > 1 else 1.0
        box = shapely.box(*_corners(window))
        for place in np.sort(tree.query(box)):
            part = _part(placed[place].bounds, window)
            if part is None:
                continue
            moved = translate(placed[place], -part.column, -part.row)
            is_within = pixels_within([moved], (part.height, part.width))
            top, left = part.row - window.row, part.column - window.column
            found = codes[top : top + part.height, left : left + part.width][is_within]
            weights = np.repeat(of_row[part.slices[0]], part.width)[is_within.ravel()] / scale
            pixels[place] += np.bincount(found, minlength=256)
            hectares[place] += np.bincount(found, weights=weights, minlength=256)
    return True


def _corners(window: Window) -> tuple[int, int, int, int]:
    return window.column, window.row, window.right, window.bottom


def _part(bounds: tuple[float, float, float, float], window: Window) -> Window | None:
    """Cut a window down to the pixels that a polygon can touch."""
    left, top, right, bottom = bounds
    reached = Window.between(floor(top), floor(left), ceil(bottom), ceil(right))
    common = window.meet(reached)
    return None if common.is_empty else common
