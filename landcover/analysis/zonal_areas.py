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
from pyproj import Transformer
from shapely.affinity import translate

from landcover.errors import InputError, UsageError
from landcover.labels.assignment import assign_points
from landcover.labels.zones import Zone, read_zones
from landcover.nouns.grid import Grid, Window
from landcover.parts.mapping.map_lookup import MapFile
from landcover.publish.areas import row_hectares
from landcover.stores.rasters import pixels_within, read_code_names
from landcover.tiling.edges import densify


@dataclass(frozen=True)
class ZoneAreas:
    """What a map shows within a polygon."""

    number: int
    """Number of the polygon in its file."""
    name: str
    pixels: Mapping[int, int]
    """Class code → pixels whose centre lies in the polygon; 0 for those without a class."""
    hectares: Mapping[int, float]
    """The same as area on the map grid, ha; on the ellipsoid where the grid is in degrees."""


def class_names(maps: Sequence[MapFile]) -> dict[int, str]:
    """Name the codes of maps as their files do; ``class 7`` where they do not."""
    told: dict[int, str] = {}
    for one in maps:
        told.update(read_code_names(one.href).names)
    return told


def areas_by_file(
    maps: Sequence[MapFile], polygons: Path, field: str | None, layer: str | None
) -> list[ZoneAreas]:
    """Count the classes in each polygon of a file (see :func:`areas_within`, `read_zones`)."""
    return areas_within(maps, read_zones(polygons, field, layer))


def areas_within(maps: Sequence[MapFile], zones: Sequence[Zone]) -> list[ZoneAreas]:
    """Count the classes in each polygon.

    A pixel belongs to the polygon in which its centre lies, so polygons that share borders count
    every pixel once; polygons that overlap count it in each. Corners are moved into the map's
    reference system, edges are straight there.

    Args:
        maps: A map, or several files of one grid that do not overlap.
        zones: The polygons.

    Returns:
        One entry per polygon, in order.

    Raises:
        UsageError: The maps are of several zones, which overlap on the ground.
        InputError: No polygon lies on the map.
    """
    systems = sorted({one.grid.crs for one in maps})
    if len(systems) != 1:
        raise UsageError(
            f"expected maps of one grid, found {', '.join(systems) or 'none'}: zones overlap on "
            "the ground. Sum up zone by zone, or map with mosaic.grid=EPSG:3035."
        )
    pixels = np.zeros((len(zones), 256), dtype=np.int64)
    hectares = np.zeros((len(zones), 256))
    for one in maps:
        _count(one, zones, pixels, hectares)
    if not pixels.any():
        raise InputError(f"{', '.join(m.name for m in maps)}: none of the polygons lies on it.")
    return [
        ZoneAreas(
            zone.number,
            zone.name,
            {int(code): int(counted[code]) for code in np.flatnonzero(counted)},
            {int(code): float(area[code]) for code in np.flatnonzero(counted)},
        )
        for zone, counted, area in zip(zones, pixels, hectares, strict=True)
    ]


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
        on_grid = _on_grid(zones, maps[int(key)].grid)
        tree = shapely.STRtree(on_grid)
        for number, row, column in mine[["number", "row", "column"]].itertuples(index=False):
            for place in tree.query(shapely.Point(column + 0.5, row + 0.5)):
                # The rule that counts pixels, so that a point and its pixel are in one polygon.
                moved = translate(on_grid[place], -column, -row)
                found[place, number] = bool(pixels_within([moved], (1, 1))[0, 0])
    return found


def _count(
    one: MapFile,
    zones: Sequence[Zone],
    pixels: NDArray[np.int64],
    hectares: NDArray[np.float64],
) -> None:
    on_grid = _on_grid(zones, one.grid)
    tree = shapely.STRtree(on_grid)
    of_row = row_hectares(one.grid)
    for window, codes in one.windows():
        box = shapely.box(*_corners(window))
        for place in np.sort(tree.query(box)):
            part = _part(on_grid[place].bounds, window)
            if part is None:
                continue
            moved = translate(on_grid[place], -part.column, -part.row)
            is_within = pixels_within([moved], (part.height, part.width))
            top, left = part.row - window.row, part.column - window.column
            found = codes[top : top + part.height, left : left + part.width][is_within]
            weights = np.repeat(of_row[part.slices[0]], part.width)[is_within.ravel()]
            pixels[place] += np.bincount(found, minlength=256)
            hectares[place] += np.bincount(found, weights=weights, minlength=256)


def _on_grid(zones: Sequence[Zone], grid: Grid) -> NDArray[np.object_]:
    """Give the polygons in pixels of a grid: x is the column, y the row, downwards."""
    to_map = Transformer.from_crs("EPSG:4326", grid.crs, always_xy=True)

    def place(points: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = to_map.transform(points[:, 0], points[:, 1])
        return np.column_stack([(x - grid.ulx) / grid.pixel, (grid.uly - y) / grid.pixel])

    # Edges are straight in degrees, so they are densified before they are moved to the map.
    polygons = densify(np.array([zone.polygon for zone in zones], dtype=object), "EPSG:4326")
    moved = shapely.transform(polygons, place)
    # What lies beyond the reach of the map's projection lies on no map of it.
    is_finite = np.isfinite(shapely.bounds(moved)).all(axis=1)
    moved[~is_finite] = shapely.Polygon()
    return np.asarray(moved, dtype=object)


def _corners(window: Window) -> tuple[int, int, int, int]:
    return window.column, window.row, window.right, window.bottom


def _part(bounds: tuple[float, float, float, float], window: Window) -> Window | None:
    """Cut a window down to the pixels that a polygon can touch."""
    left, top, right, bottom = bounds
    reached = Window.between(floor(top), floor(left), ceil(bottom), ceil(right))
    common = window.meet(reached)
    return None if common.is_empty else common
